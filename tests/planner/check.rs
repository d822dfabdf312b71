//! What holds in every plan, whatever the story?

use std::collections::BTreeSet;

use locum::domain::{
    AntiAffinity, GroupName, GroupWanted, NodeState, NodeWanted, Operation, OperationPhase, OperationState, Outcome,
    PlacementPhase, Progress,
};
use locum::planner::plan::Place;
use locum::planner::{Effects, Plan, Snapshot, explanation, plan};

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

/// Who reads that an operation has failed reads what to do next, and nothing that was counted is counted back.
pub fn operations(before: &Snapshot, plan: &Plan, effects: &Effects) {
    for step in &plan.operations {
        let ended = step.state != OperationState::Running;
        assert_eq!(ended, step.phase == OperationPhase::Ended, "{step:?}");
        assert_eq!(step.next_step.is_some(), step.state == OperationState::Failed, "{step:?}");
        assert!(!step.message.is_empty(), "{step:?}");
        assert!(step.progress.is_none_or(|progress| progress.done <= progress.total), "{step:?}");
        let known = before.operations.iter().find(|known| known.id == step.id).unwrap();
        let done = |progress: Option<Progress>| progress.map_or(0, |progress| progress.done);
        assert!(done(known.progress) <= done(step.progress), "{known:?} comes to {step:?}");
    }
    for operation in &effects.operations {
        assert_eq!(operation.phases.last().unwrap().phase, operation.phase);
        assert_eq!(operation.phases[0].phase, OperationPhase::Accepted);
        assert_eq!(operation.ended_at.is_some(), operation.phase == OperationPhase::Ended);
        assert!(operation.phases.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[0].phase != pair[1].phase));
    }
    // Whatever it waits for: once its time is over it has ended.
    let late = |operation: &&Operation| operation.is_timed_out(before.now);
    for operation in before.operations.iter().filter(late) {
        let step = plan.operations.iter().find(|step| step.id == operation.id);
        assert!(step.is_some_and(|step| step.phase == OperationPhase::Ended), "{operation:?} goes on: {step:?}");
    }
}

/// Each group is in one bucket only, and every step is one that may be taken.
pub fn steps(before: &Snapshot, plan: &Plan) {
    let mut buckets: Vec<(&GroupName, &str)> = Vec::new();
    buckets.extend(plan.releases.iter().map(|release| (&release.group, "released")));
    buckets.extend(plan.placements.iter().map(|place| (&place.group, "placed")));
    buckets.extend(plan.adoptions.iter().map(|adoption| (&adoption.group, "adopted")));
    buckets.extend(plan.forget_groups.iter().map(|group| (group, "forgotten")));
    buckets.sort_unstable();
    let twice = buckets.windows(2).find(|pair| pair[0].0 == pair[1].0);
    assert!(twice.is_none(), "two things are done to one group at once: {twice:?}");
    let unique = |names: Vec<&GroupName>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    assert!(unique(plan.proofs.iter().map(|proof| &proof.group).collect()), "a group is proven twice");
    assert!(unique(plan.held.iter().map(|held| &held.group).collect()), "a failover is held back twice");
    for release in &plan.releases {
        let placement = &before.groups[&release.group].placement;
        assert_eq!(placement.assigned_to(), Some(&release.from), "{} is not held there", release.group);
        assert!(before.nodes[&release.from].seen.state != NodeState::Down, "{} is down", release.from);
        assert!(!plan.proofs.iter().any(|proof| proof.group == release.group), "{} is told and proven", release.group);
    }
    for proof in &plan.proofs {
        let placement = &before.groups[&proof.group].placement;
        assert_eq!(placement.owner(), Some(&proof.from), "{} does not own {}", proof.from, proof.group);
    }
    for place in &plan.placements {
        let (group, node) = (&before.groups[&place.group], &before.nodes[&place.to]);
        let able = node.seen.state == NodeState::Up && node.seen.answered && node.wanted == NodeWanted::Active;
        let possible = !group.spec.possible_owners([&place.to]).is_empty();
        assert!(able && possible && !node.retired, "{} can't take {}", place.to, place.group);
        apart(before, plan, place);
    }
}

/// Enforced anti-affinity is never broken by a placement, whatever still stops there.
fn apart(before: &Snapshot, plan: &Plan, place: &Place) {
    if before.policy.anti_affinity != AntiAffinity::Enforced {
        return;
    }
    let classes = |name: &GroupName| before.groups[name].spec.anti_affinity.iter().collect::<BTreeSet<_>>();
    let ours = classes(&place.group);
    for (name, group) in before.groups.iter().filter(|(name, _)| **name != place.group) {
        let freed = plan.proofs.iter().any(|proof| proof.group == *name);
        let owned = !freed && group.placement.owner() == Some(&place.to);
        let there = owned || plan.placements.iter().any(|other| other.group == *name && other.to == place.to);
        let shares = there && !ours.is_disjoint(&classes(name));
        assert!(
            !shares,
            "{} is placed on {}, where {name} is, which it never shares a node with",
            place.group, place.to
        );
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
    if after.policy.anti_affinity == AntiAffinity::Enforced {
        return ends(after);
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

/// Where groups must keep apart, one that leaves a node lets the next one come: a few plans may follow, and they end.
fn ends(after: &Snapshot) {
    let mut now = after.clone();
    for _ in 0..3 {
        let again = plan(&now);
        if again.is_empty() {
            return;
        }
        locum::planner::effects(&now, &again, &mut uuid::Uuid::nil).apply_to(&mut now);
    }
    assert!(plan(&now).is_empty(), "planning never ends: {:#?}", plan(&now));
}
