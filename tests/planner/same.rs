//! Does the same snapshot give the same plan, byte for byte?

use locum::planner::{Plan, Snapshot, plan};

fn bytes(plan: &Plan) -> String {
    serde_json::to_string(plan).unwrap()
}

/// The same snapshot gives the same plan, in whatever order it was put together.
pub fn same_again(snapshot: &Snapshot, first: &Plan) {
    assert_eq!(bytes(&plan(snapshot)), bytes(first), "the same snapshot gave another plan");
    let mut shuffled = snapshot.clone();
    shuffled.nodes = snapshot.nodes.iter().rev().map(|(name, node)| (name.clone(), node.clone())).collect();
    shuffled.groups = snapshot.groups.iter().rev().map(|(name, group)| (name.clone(), group.clone())).collect();
    assert_eq!(bytes(&plan(&shuffled)), bytes(first), "the order of the input changed the plan");
}
