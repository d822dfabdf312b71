//! What holds in every plan, whatever the story?

use locum::domain::{GroupWanted, Outcome, PlacementPhase};
use locum::planner::{Effects, Plan, Snapshot, explanation, plan};

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

/// A group is placed only if it is wanted and free, and its owner changes with exactly one open record.
pub fn placements(before: &Snapshot, plan: &Plan, effects: &Effects) {
    for place in &plan.placements {
        let group = &before.groups[&place.group];
        assert!(!group.retired && group.wanted == GroupWanted::Online, "{} was started though stopped", place.group);
        let free = matches!(group.placement.phase, PlacementPhase::Never | PlacementPhase::Released { .. });
        let proven = plan.proofs.iter().any(|proof| proof.group == place.group);
        assert!(free || proven, "{} was placed without a proof", place.group);
        assert!(place.epoch > group.placement.epoch, "the epoch of {} does not go up", place.group);
        let opened = effects.failovers.iter().filter(|record| record.group == place.group);
        let opened = opened.filter(|record| record.outcome == Outcome::InProgress).count();
        let changes = group.placement.last_owner.as_ref().is_some_and(|last| *last != place.to);
        assert_eq!(opened, usize::from(changes), "{} needs one open record if its owner changes", place.group);
    }
    for record in &effects.failovers {
        let ended = record.outcome != Outcome::InProgress;
        assert!(ended || record.to.is_none() || record.from != record.to, "a failover from a node to itself");
        let sum: u64 = record.phases_ms.values().sum();
        if let Some(online) = record.online_at {
            let whole = u64::try_from(online.duration_since(record.detected_at).as_millis()).unwrap();
            assert_eq!(sum, whole, "the phases of {} do not sum to its downtime", record.group);
        }
    }
}

/// After the commit: one assignment for each held group, and nothing more to do.
pub fn committed(done: &Plan, after: &Snapshot) {
    for (name, group) in &after.groups {
        let assigned = after.nodes.iter().filter(|(_, node)| node.assignment.groups.iter().any(|g| g.group == *name));
        let assigned: Vec<_> = assigned.map(|(node, _)| node).collect();
        let owner: Vec<_> = group.placement.assigned_to().into_iter().collect();
        assert_eq!(assigned, owner, "the assignments of {name} do not fit its placement");
    }
    let mut again = plan(after);
    // What was adopted may be online already: its failover is closed by the next plan.
    again.closings.retain(|closing| !done.adoptions.iter().any(|adoption| adoption.group == closing.group));
    assert!(again.is_empty(), "planning again plans more: {again:#?}");
}

/// What an operator is told stands in the way is what the planner goes by: a node can take a group if nothing does.
pub fn obstacles(snapshot: &Snapshot) {
    for name in snapshot.groups.keys() {
        let found = explanation(snapshot, name).unwrap();
        for case in found.nodes {
            assert_eq!(case.eligible, case.obstacles.is_empty(), "{name}: {case:#?}");
            assert!(case.obstacles.iter().all(|o| !o.change.is_empty() && !o.reason.is_empty()), "{name}: {case:#?}");
        }
    }
}
