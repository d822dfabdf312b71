//! How are the model's numbers said to the code?

use std::sync::LazyLock;
use std::time::Duration;

use locum::domain::{Epoch, GroupAssignment, GroupName, NodeName, ResourceList, Term};
use locum::lease::{Bond, Order};
use serde_json::json;
use uuid::Uuid;

use super::super::state::{self, Content, NODES, Node};

/// A tick of the model, in the code's time.
pub const TICK: Duration = Duration::from_secs(1);

pub fn ticks(count: u8) -> Duration {
    TICK * u32::from(count)
}

pub fn group() -> GroupName {
    "g".parse().unwrap()
}

pub fn name(node: Node) -> NodeName {
    format!("n{node}").parse().unwrap()
}

static RESOURCES: LazyLock<ResourceList> = LazyLock::new(|| {
    serde_json::from_value(json!([{ "name": "a", "type": "process", "command": ["/bin/run"] }])).unwrap()
});

/// What the content is as the groups of an assignment. The model's claims belong to peer hold, which is not built.
pub fn groups(content: Content) -> Vec<GroupAssignment> {
    let Content::Run { epoch, set } = content else { return Vec::new() };
    let owner_set = (0..NODES).filter(|node| state::has(set, *node)).map(name).collect();
    vec![GroupAssignment { group: group(), epoch: Epoch(epoch.into()), owner_set, resources: RESOURCES.clone() }]
}

pub fn order(to: Node, bond: state::Bond) -> Order {
    let Bond { cluster_id, cluster, term, reign } = real_bond(bond);
    Order { cluster_id, cluster, node: name(to), reign, term }
}

pub fn real_bond(bond: state::Bond) -> Bond {
    let state::Bond { term, reign } = bond;
    let cluster = "c".parse().unwrap();
    Bond { cluster_id: Uuid::from_u128(1), cluster, term: Term(term.into()), reign: Uuid::from_u128(reign.into()) }
}
