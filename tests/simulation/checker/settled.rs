//! Once the faults are over: is everything as wanted, and is nothing left to plan?

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use locum::domain::{AntiAffinity, GroupName, GroupState, GroupWanted, NodeName, NodeWanted, Outcome, ResourceName};
use locum::planner::snapshot::GroupView;
use locum::planner::{self, Snapshot};
use uuid::Uuid;

use super::Found;
use super::running::Running;
use crate::history::{Rows, Run};
use crate::same;

/// Plans that follow at once, without anything new to see: what was found running may be ended, or moved from a drained
/// node, and an operation says what it waits for.
const AT_ONCE: usize = 3;

/// I8, of what the control plane saw right after a commit: planning again plans the same. And planning comes to an end.
pub fn planned(snapshot: &Snapshot, found: &mut Found) {
    let again = planner::plan(snapshot);
    let shuffled = AssertUnwindSafe(|| same::same_again(snapshot, &again));
    if catch_unwind(shuffled).is_err() {
        found.broken("I8", &[], format!("decision {} seen again is planned otherwise", snapshot.decision));
    }
    let mut now = snapshot.clone();
    for _ in 0..AT_ONCE {
        let plan = planner::plan(&now);
        if plan.is_empty() {
            return;
        }
        planner::effects(&now, &plan, &mut Uuid::nil).apply_to(&mut now);
    }
    let left = planner::plan(&now);
    if !left.is_empty() {
        let what =
            format!("decision {} was committed, and planning never comes to an end: {left:?}", snapshot.decision);
        found.broken("I6", &[], what);
    }
}

/// I6.
pub fn judge(rows: &Rows, running: &Running, found: &mut Found) {
    let runs = |group: &GroupName| running.of(group).cloned().collect();
    for (group, why) in astray(&rows.seen, runs) {
        found.broken("I6", &[&group], format!("faults are over, and {why}"));
    }
    let left = planner::plan(&rows.seen);
    if !left.is_empty() {
        found.broken("I6", &[], format!("faults are over, all is as wanted, and something is left to plan: {left:?}"));
    }
}

/// What is not as wanted in a world without faults, and why, in a sentence.
pub fn astray(seen: &Snapshot, runs: impl Fn(&GroupName) -> Vec<Run>) -> Vec<(GroupName, String)> {
    let mut wrong = Vec::new();
    for (name, group) in &seen.groups {
        let said = match wanted(seen, name, group) {
            _ if group.retired => Some(format!("{name} is not forgotten, though it left the topology")),
            _ if group.open.as_ref().is_some_and(|open| open.outcome == Outcome::InProgress) && !waits(seen, group) => {
                Some(format!("a failover of {name} is still open"))
            }
            Wanted::Nowhere => running_somewhere(name, &runs(name)),
            Wanted::Online => not_online(seen, (name, group), &runs(name)),
            Wanted::Excused => None,
        };
        wrong.extend(said.map(|why| (name.clone(), why)));
    }
    wrong
}

enum Wanted {
    Nowhere,
    Online,
    /// It failed, and its restart policy keeps it so; or no node may take it, and some node may keep it.
    Excused,
}

fn wanted(seen: &Snapshot, name: &GroupName, group: &GroupView) -> Wanted {
    if group.wanted == GroupWanted::Offline {
        return Wanted::Nowhere;
    }
    let kept = group.spec.resources.iter().any(|resource| !resource.restart.fail_over);
    let stuck = seen.seen_on_owner(name).is_some_and(|seen| {
        seen.failure.is_none() && matches!(seen.state, GroupState::Failed | GroupState::PartialOnline)
    });
    let possible = |(node, view): (&NodeName, &locum::planner::snapshot::NodeView)| {
        !view.retired && view.wanted == NodeWanted::Active && !group.spec.possible_owners([node]).is_empty()
    };
    let free = |node: &NodeName| !is_taken(seen, name, group, node);
    match seen.nodes.iter().filter(|node| possible(*node)).any(|(node, _)| free(node)) {
        _ if kept && stuck || waits(seen, group) => Wanted::Excused,
        true => Wanted::Online,
        false => Wanted::Excused,
    }
}

/// Whether `node` has a group that this one never shares a node with.
fn is_taken(seen: &Snapshot, name: &GroupName, group: &GroupView, node: &NodeName) -> bool {
    let mate =
        |other: &GroupView| other.spec.anti_affinity.iter().any(|class| group.spec.anti_affinity.contains(class));
    let there = |other: &GroupView| other.placement.owner() == Some(node);
    seen.policy.anti_affinity == AntiAffinity::Enforced
        && seen.groups.iter().any(|(other, view)| other != name && mate(view) && there(view))
}

/// Whether it has not started, since a group that it starts after need not be online. Its failover goes on with that one.
pub fn waits(seen: &Snapshot, group: &GroupView) -> bool {
    let needed = || group.spec.depends_on.iter().filter_map(|needed| seen.groups.get_key_value(needed));
    group.placement.owner().is_none()
        && needed().any(|(name, view)| !matches!(wanted(seen, name, view), Wanted::Online) || view.retired)
}

fn running_somewhere(name: &GroupName, runs: &[Run]) -> Option<String> {
    runs.first().map(|run| format!("{name} is wanted offline, and {} runs on {}", run.resource, run.machine))
}

fn not_online(seen: &Snapshot, (name, group): (&GroupName, &GroupView), runs: &[Run]) -> Option<String> {
    let why = planner::group_state(seen, name).1.unwrap_or_else(|| "no reason is given".to_owned());
    if let Some(mark) = &group.failed {
        return Some(format!("{name} is still marked as failed: {}", mark.reason));
    }
    let Some(owner) = group.placement.assigned_to() else {
        return Some(format!("{name} has no owner: {why}"));
    };
    let all: BTreeSet<&ResourceName> = group.spec.resources.iter().map(|resource| &resource.name).collect();
    let there: BTreeSet<&ResourceName> = runs
        .iter()
        .filter(|run| run.node == *owner && run.epoch == group.placement.epoch)
        .map(|r| &r.resource)
        .collect();
    (all != there).then(|| format!("{name} is not online on its owner {owner}: {why}"))
}
