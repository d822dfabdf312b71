//! What do many tests need? A small topology, names, times and ids.

pub mod door;
pub mod hand_clock;
pub mod parts;
pub mod served;
pub mod wire;

use std::sync::Arc;

use jiff::Timestamp;
use locum::board::Boards;
use locum::client::agent::HttpAgents;
use locum::clock::{SystemClock, SystemIds};
use locum::domain::{Actor, ClusterName, GroupName, NodeName, TopologySpec};
use locum::reconciler::Deps;
use locum::store::Store;
use uuid::Uuid;

/// Cluster `c`: nodes bts1 to bts3, and the group `ftp` with one process.
pub fn three_nodes() -> TopologySpec {
    serde_json::from_value(serde_json::json!({
        "cluster": "c",
        "nodes": [
            { "name": "bts1", "agent": "http://127.0.0.1:7441" },
            { "name": "bts2", "agent": "http://127.0.0.1:7442" },
            { "name": "bts3", "agent": "http://127.0.0.1:7443" },
        ],
        "groups": [{
            "name": "ftp",
            "resources": [{ "name": "receive", "type": "process", "command": ["/bin/sleep", "1000"] }],
        }],
    }))
    .unwrap()
}

pub fn cluster() -> ClusterName {
    "c".parse().unwrap()
}

pub fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}

pub fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

pub fn alice() -> Actor {
    Actor("alice".to_owned())
}

/// A moment, in seconds after the tests' beginning of time.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// An id that sorts by its number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// What the loops of the reconciler work with, over this store and on the system's clock.
pub fn loops_over(store: Arc<dyn Store>) -> Deps {
    Deps {
        store,
        agents: Arc::new(HttpAgents::new().unwrap()),
        boards: Arc::new(Boards::default()),
        clock: SystemClock::shared(),
        ids: Arc::new(SystemIds),
    }
}

/// What does not come within this does not come.
pub const WAIT: std::time::Duration = std::time::Duration::from_secs(20);
