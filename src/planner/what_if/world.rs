//! How does the world answer a plan when all goes as it should, and what do faults do to it?

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Faults;
use crate::domain::{
    Decision, DownMark, Generation, GroupAssignment, GroupState, HumanDuration, NodeState, NodeWanted, ResourceName,
    ResourceState, TopologySpec,
};
use crate::planner::budget::later;
use crate::planner::edit;
use crate::planner::snapshot::{NodeView, SeenGroup, SeenResource, Snapshot};

/// What is assumed to be down stays so for longer than is looked ahead.
const DOWN_FOR: HumanDuration = HumanDuration::from_secs(24 * 60 * 60);

/// A cluster that begins: every node up with every driver, nothing placed.
pub fn cold(spec: &TopologySpec, now: Timestamp) -> Snapshot {
    edit::with_topology(Snapshot::empty(spec.cluster.clone(), Generation(0), now), spec, edit::Unsaid::Kept)
}

/// The snapshot once the faults are certain: lost nodes are proven to run nothing, which takes its time.
pub fn with_faults(snapshot: &Snapshot, faults: &Faults) -> Snapshot {
    let mut struck = snapshot.clone();
    for name in &faults.pause {
        if let Some(node) = struck.nodes.get_mut(name) {
            node.wanted = NodeWanted::Paused;
        }
    }
    for name in &faults.dependencies_down {
        if let Some(dependency) = struck.common_dependencies.get_mut(name) {
            let (owner, reason) = ("what-if".to_owned(), "assumed to be down".to_owned());
            dependency.down = Some(DownMark { owner, reason, until: later(struck.now, DOWN_FOR) });
        }
    }
    let silent_since = struck.now;
    if faults.lose.iter().any(|name| snapshot.nodes.contains_key(name)) {
        let proven_at = later(struck.now, HumanDuration::from(struck.settings.worst_case_takeover()));
        advance(&mut struck, proven_at);
    }
    let now = struck.now;
    for (_, node) in struck.nodes.iter_mut().filter(|(name, _)| faults.lose.contains(*name)) {
        node.seen.silent_since.get_or_insert(silent_since);
        lose(node, now);
    }
    struck
}

fn lose(node: &mut NodeView, now: Timestamp) {
    if node.seen.state != NodeState::Down {
        (node.seen.state, node.seen.since) = (NodeState::Down, now);
    }
    node.seen.down_at = None;
    node.seen.problem = None;
    node.seen.groups.clear();
    node.seen.instances.clear();
}

/// Time goes on to `at`. A node that does not answer stays silent: once its lease is over it is down.
pub fn advance(snapshot: &mut Snapshot, at: Timestamp) {
    snapshot.now = snapshot.now.max(at);
    for node in snapshot.nodes.values_mut() {
        let over = node.seen.down_at.is_some_and(|down_at| down_at <= at);
        if node.seen.state == NodeState::Unreachable && over {
            lose(node, at);
        }
    }
}

/// Every node that answers runs what it is assigned, and nothing else. Whether that changed anything.
pub fn answer(snapshot: &mut Snapshot) -> bool {
    let (now, mut changed) = (snapshot.now, false);
    for node in snapshot.nodes.values_mut().filter(|node| node.speaks() && node.seen.problem.is_none()) {
        changed |= obey(node, now);
    }
    changed
}

fn obey(node: &mut NodeView, now: Timestamp) -> bool {
    let told = node.assigned_at.max(node.seen.applied.unwrap_or(Decision(0)));
    let mut changed = node.seen.applied.replace(told) != Some(told);
    let mut before = std::mem::take(&mut node.seen.groups);
    for assigned in &node.assignment.groups {
        let kept = before.remove(&assigned.group).filter(|seen| seen.epoch == assigned.epoch && is_settled(seen));
        let seen = match &kept {
            Some(kept) => SeenGroup { resources: known(assigned, &kept.resources), ..kept.clone() },
            None => online(assigned, now),
        };
        changed |= kept.is_none_or(|kept| kept.resources != seen.resources);
        node.seen.groups.insert(assigned.group.clone(), seen);
    }
    changed |= !before.is_empty();
    let instances: BTreeMap<_, _> = node
        .assignment
        .instances
        .iter()
        .map(|instance| (instance.host.clone(), resource(&instance.resource.name)))
        .collect();
    // A host may wait until an instance of it has stopped.
    changed |= node.seen.instances != instances;
    node.seen.instances = instances;
    changed
}

/// Online, or failed in a way that no time mends.
fn is_settled(seen: &SeenGroup) -> bool {
    let ended = matches!(seen.state, GroupState::Online | GroupState::Failed | GroupState::PartialOnline);
    ended || seen.failure.is_some()
}

fn online(assigned: &GroupAssignment, now: Timestamp) -> SeenGroup {
    SeenGroup {
        epoch: assigned.epoch,
        state: GroupState::Online,
        running: true,
        begun_at: Some(now),
        online_at: Some(now),
        failure: None,
        resources: known(assigned, &[]),
    }
}

/// What is assigned as it was seen before, and online where it is new.
fn known(assigned: &GroupAssignment, before: &[SeenResource]) -> Vec<SeenResource> {
    let seen = |name: &ResourceName| before.iter().find(|seen| seen.name == *name).cloned();
    assigned.resources.iter().map(|spec| seen(&spec.name).unwrap_or_else(|| resource(&spec.name))).collect()
}

fn resource(name: &ResourceName) -> SeenResource {
    let (pid, bounded, message) = (None, None, None);
    SeenResource { name: name.clone(), state: ResourceState::Online, pid, bounded, restarts: 0, message }
}
