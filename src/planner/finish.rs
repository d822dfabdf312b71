//! What follows from where the groups go: assignments, what can be forgotten, and when to look again?

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::draft::Draft;
use super::snapshot::{NodeView, Snapshot};
use super::{budget, failback};
use crate::domain::topology;
use crate::domain::{
    Assignment, GroupAssignment, GroupName, InstanceAssignment, LeaseTimers, NodeName, NodeState, Placement,
};

/// Withdraws an operator's word that a node is down once that node answers.
pub(super) fn withdraw(draft: &mut Draft<'_>) {
    let answers = |node: &NodeView| node.confirmed_down.is_some() && node.seen.state == NodeState::Up;
    let back = draft.snapshot.nodes.iter().filter(|(_, node)| answers(node));
    draft.plan.withdrawn_confirmations = back.map(|(name, _)| name.clone()).collect();
}

/// What `node` is told to run under these placements.
pub(super) fn assignment<'a>(
    snapshot: &Snapshot,
    node: &NodeName,
    placements: impl Iterator<Item = (&'a GroupName, &'a Placement)>,
) -> Assignment {
    let members: Vec<&NodeName> = snapshot.nodes.iter().filter(|(_, n)| !n.retired).map(|(name, _)| name).collect();
    let owned = placements.filter(|(_, placement)| placement.assigned_to() == Some(node));
    let expand = |(name, placement): (&GroupName, &Placement)| {
        let spec = &snapshot.groups.get(name)?.spec;
        Some(GroupAssignment {
            group: name.clone(),
            epoch: placement.epoch,
            owner_set: spec.possible_owners(members.iter().copied()).into_iter().collect(),
            resources: spec.resources.clone(),
        })
    };
    let timers = LeaseTimers::from(&snapshot.settings);
    Assignment { timers, groups: owned.filter_map(expand).collect(), instances: instances(snapshot, node) }
}

/// The unclustered hosts of which `node` runs an instance.
pub(super) fn instances(snapshot: &Snapshot, node: &NodeName) -> Vec<InstanceAssignment> {
    if snapshot.nodes.get(node).is_none_or(|view| view.retired) {
        return Vec::new();
    }
    let mapped = snapshot.hosts.iter().filter_map(|(name, host)| Some((name, topology::instance(host, node)?)));
    mapped.map(|(host, resource)| InstanceAssignment { host: host.clone(), resource }).collect()
}

/// Names the nodes whose assignment changes though no group comes or goes.
pub(super) fn reassign(draft: &mut Draft<'_>) {
    let plan = &draft.plan;
    let mut touched: BTreeSet<&NodeName> = plan.releases.iter().map(|release| &release.from).collect();
    touched.extend(plan.proofs.iter().map(|proof| &proof.from));
    touched.extend(plan.placements.iter().map(|place| &place.to));
    touched.extend(plan.adoptions.iter().map(|adoption| &adoption.node));
    let differs =
        |name: &NodeName, node: &NodeView| assignment(draft.snapshot, name, draft.placements()) != node.assignment;
    let quiet = draft.snapshot.nodes.iter().filter(|(name, _)| !touched.contains(name));
    let changed: Vec<NodeName> =
        quiet.filter(|(name, node)| differs(name, node)).map(|(name, _)| name.clone()).collect();
    draft.plan.reassignments = changed.into_iter().filter(|name| !draft.plan.forget_nodes.contains(name)).collect();
}

/// Forgets retired groups that nobody owns or runs, and retired nodes that own and run nothing.
pub(super) fn forget(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let free = |name: &GroupName| draft.standing(name).placement.owner().is_none();
    let quiet = |name: &GroupName| !snapshot.nodes.values().any(|node| node.may_run(name));
    let groups = snapshot.groups.iter().filter(|(name, group)| group.retired && free(name) && quiet(name));
    let groups: Vec<GroupName> = groups.map(|(name, _)| name.clone()).collect();
    let idle = |name: &NodeName, node: &NodeView| {
        let heard = node.seen.answered || node.seen.state == NodeState::Down;
        heard
            && has_no_instances(node)
            && draft.owned_by(name) == 0
            && !node.seen.groups.keys().any(|group| node.may_run(group))
    };
    let nodes = snapshot.nodes.iter().filter(|(name, node)| node.retired && idle(name, node));
    let nodes: Vec<NodeName> = nodes.map(|(name, _)| name.clone()).collect();
    draft.plan.forget_groups = groups;
    draft.plan.forget_nodes = nodes;
}

/// Whether no instance of an unclustered host is left there. Of a node that is down nothing more will be heard: it is not
/// waited for.
fn has_no_instances(node: &NodeView) -> bool {
    let told = node.assignment.instances.is_empty() && node.seen.applied.unwrap_or_default() >= node.assigned_at;
    node.seen.state == NodeState::Down || told && node.seen.instances.is_empty()
}

/// The next moment at which the passing of time alone may change the plan.
pub(super) fn look_again(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let silent = snapshot.nodes.values().filter(|node| node.seen.state == NodeState::Unreachable);
    let mut moments: Vec<Timestamp> = silent.filter_map(|node| node.seen.down_at).collect();
    moments.extend(draft.facts.quarantined().values().map(|quarantined| quarantined.until));
    moments.extend(draft.facts.brake().map(|brake| brake.until));
    let maintained = snapshot.groups.values().filter_map(|group| group.spec.maintenance.as_ref());
    let maintained = maintained.chain(snapshot.nodes.values().filter_map(|node| node.spec.maintenance.as_ref()));
    moments.extend(maintained.chain(&snapshot.maintenance).map(|maintenance| maintenance.until));
    let marked = snapshot.common_dependencies.values().filter_map(|dependency| dependency.down.as_ref());
    moments.extend(marked.map(|mark| mark.until));
    for name in snapshot.groups.keys() {
        moments.extend(failback::back(draft, name).and_then(|back| back.due_at()));
        if let Some(mark) = &draft.standing(name).mark {
            moments.push(mark.retry_at);
            moments.extend(budget::spent(snapshot, name).and_then(|_| budget::regained_at(snapshot, name)));
        }
    }
    draft.plan.look_again_at = moments.into_iter().filter(|at| *at > snapshot.now).min();
}
