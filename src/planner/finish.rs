//! What follows from where the groups go: assignments, what can be forgotten, and when to look again?

use foldhash::HashSet;
use jiff::Timestamp;

use super::draft::{Draft, Owned};
use super::orders::Orders;
use super::snapshot::NodeView;
use super::{budget, failback};
use crate::domain::{GroupName, NodeName, NodeState, Operation, OperationPhase};

/// Withdraws an operator's word that a node is down once that node answers.
pub(super) fn withdraw(draft: &mut Draft<'_>) {
    let answers = |node: &NodeView| node.confirmed_down.is_some() && node.seen.state == NodeState::Up;
    let back = draft.snapshot.nodes.iter().filter(|(_, node)| answers(node));
    draft.plan.withdrawn_confirmations = back.map(|(name, _)| name.clone()).collect();
}

/// Names the nodes whose assignment changes though no group comes or goes.
pub(super) fn reassign(draft: &mut Draft<'_>) {
    let plan = &draft.plan;
    let mut touched: HashSet<&NodeName> = plan.releases.iter().map(|release| &release.from).collect();
    touched.extend(plan.proofs.iter().map(|proof| &proof.from));
    touched.extend(plan.placements.iter().map(|place| &place.to));
    touched.extend(plan.adoptions.iter().map(|adoption| &adoption.node));
    let orders =
        Orders::new(draft.snapshot, draft.groups().map(|(name, view, standing)| (name, view, &standing.placement)));
    let quiet = draft.snapshot.nodes.iter().filter(|(name, _)| !touched.contains(name));
    let changed: Vec<NodeName> =
        quiet.filter(|(name, node)| !orders.are(name, &node.assignment)).map(|(name, _)| name.clone()).collect();
    draft.plan.reassignments = changed.into_iter().filter(|name| !draft.plan.forget_nodes.contains(name)).collect();
}

/// Forgets retired groups that nobody owns or runs, and retired nodes that own and run nothing. One that may run an
/// instance is kept until it is heard or confirmed down: no lease ends that.
pub(super) fn forget(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let free = |name: &GroupName| draft.standing(name).placement.owner().is_none();
    let quiet = |name: &GroupName| !draft.index.may_run_anywhere(name);
    let groups = snapshot.groups.iter().filter(|(name, group)| group.retired && free(name) && quiet(name));
    let groups: Vec<GroupName> = groups.map(|(name, _)| name.clone()).collect();
    let retired: Vec<(&NodeName, &NodeView)> = snapshot.nodes.iter().filter(|(_, node)| node.retired).collect();
    let owned = if retired.is_empty() { Owned::new() } else { draft.owned() };
    let idle = |name: &NodeName, node: &NodeView| {
        let heard = node.seen.answered || node.seen.state == NodeState::Down;
        let runs = |group| node.may_run(group);
        heard && !draft.leavers().holds(name) && !owned.contains_key(name) && !node.seen.groups.keys().any(runs)
    };
    let nodes = retired.into_iter().filter(|(name, node)| idle(name, node));
    let nodes: Vec<NodeName> = nodes.map(|(name, _)| name.clone()).collect();
    draft.plan.forget_groups = groups;
    draft.plan.forget_nodes = nodes;
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
    let ended = |operation: &Operation| {
        draft.plan.operations.iter().any(|step| step.id == operation.id && step.phase == OperationPhase::Ended)
    };
    moments.extend(snapshot.operations.iter().filter(|op| !ended(op)).map(|op| op.times_out_at));
    for (name, group, standing) in draft.groups() {
        moments.extend(failback::back(draft, (name, group)).and_then(|back| back.due_at()));
        if let Some(mark) = &standing.mark {
            moments.push(mark.retry_at);
            moments.extend(budget::spent(draft, name).and_then(|_| budget::regained_at(snapshot, name)));
        }
    }
    draft.plan.look_again_at = moments.into_iter().filter(|at| *at > snapshot.now).min();
}
