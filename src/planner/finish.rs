//! What follows from where the groups go: assignments, what can be forgotten, and when to look again?

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::draft::Draft;
use super::instances::Leavers;
use super::snapshot::{NodeView, Snapshot};
use super::{budget, failback};
use crate::domain::{
    Assignment, GroupAssignment, GroupName, LeaseTimers, Leaving, NodeName, NodeState, Placement, Ran,
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
    leavers: &Leavers<'_>,
) -> Assignment {
    let members: Vec<&NodeName> = snapshot.nodes.iter().filter(|(_, n)| !n.retired).map(|(name, _)| name).collect();
    let owned = placements.filter(|(_, placement)| placement.assigned_to() == Some(node));
    let expand = |(name, placement): (&GroupName, &Placement)| {
        let spec = &snapshot.groups.get(name)?.spec;
        Some(GroupAssignment {
            group: name.clone(),
            epoch: placement.epoch,
            owner_set: spec.possible_owners(members.iter().copied()).into_iter().collect(),
            resources: leavers.resources_of(node, name, &spec.resources),
        })
    };
    let timers = LeaseTimers::from(&snapshot.settings);
    let (instances, leaving) = (leavers.instances_of(node), leavers.on(node));
    let fresh = Assignment { timers, groups: owned.filter_map(expand).collect(), instances, leaving };
    let stored = snapshot.nodes.get(node).map(|view| &view.assignment);
    stored.filter(|stored| says_enough(stored, &fresh)).cloned().unwrap_or(fresh)
}

/// Whether the stored assignment differs only by hosts that it remembers without need. Those that end with a lease do no
/// harm, and are no reason to bother the node.
fn says_enough(stored: &Assignment, fresh: &Assignment) -> bool {
    let needless = |leaving: &Leaving| !fresh.leaving.contains(leaving);
    let same = Assignment { leaving: stored.leaving.clone(), ..fresh.clone() } == *stored;
    same && fresh.leaving.iter().all(|leaving| stored.leaving.contains(leaving))
        && stored.leaving.iter().all(|leaving| leaving.ran == Ran::Clustered || !needless(leaving))
}

/// Names the nodes whose assignment changes though no group comes or goes.
pub(super) fn reassign(draft: &mut Draft<'_>) {
    let plan = &draft.plan;
    let mut touched: BTreeSet<&NodeName> = plan.releases.iter().map(|release| &release.from).collect();
    touched.extend(plan.proofs.iter().map(|proof| &proof.from));
    touched.extend(plan.placements.iter().map(|place| &place.to));
    touched.extend(plan.adoptions.iter().map(|adoption| &adoption.node));
    let leavers = Leavers::of(draft.snapshot, draft.placements());
    let differs = |name: &NodeName, node: &NodeView| {
        assignment(draft.snapshot, name, draft.placements(), &leavers) != node.assignment
    };
    let quiet = draft.snapshot.nodes.iter().filter(|(name, _)| !touched.contains(name));
    let changed: Vec<NodeName> =
        quiet.filter(|(name, node)| differs(name, node)).map(|(name, _)| name.clone()).collect();
    draft.plan.reassignments = changed.into_iter().filter(|name| !draft.plan.forget_nodes.contains(name)).collect();
}

/// Forgets retired groups that nobody owns or runs, and retired nodes that own and run nothing. One that may run an
/// instance is kept until it is heard or confirmed down: no lease ends that.
pub(super) fn forget(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let free = |name: &GroupName| draft.standing(name).placement.owner().is_none();
    let quiet = |name: &GroupName| !snapshot.nodes.values().any(|node| node.may_run(name));
    let groups = snapshot.groups.iter().filter(|(name, group)| group.retired && free(name) && quiet(name));
    let groups: Vec<GroupName> = groups.map(|(name, _)| name.clone()).collect();
    let leavers = Leavers::of(snapshot, draft.placements());
    let idle = |name: &NodeName, node: &NodeView| {
        let heard = node.seen.answered || node.seen.state == NodeState::Down;
        heard
            && !leavers.holds(name)
            && draft.owned_by(name) == 0
            && !node.seen.groups.keys().any(|group| node.may_run(group))
    };
    let nodes = snapshot.nodes.iter().filter(|(name, node)| node.retired && idle(name, node));
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
    for name in snapshot.groups.keys() {
        moments.extend(failback::back(draft, name).and_then(|back| back.due_at()));
        if let Some(mark) = &draft.standing(name).mark {
            moments.push(mark.retry_at);
            moments.extend(budget::spent(snapshot, name).and_then(|_| budget::regained_at(snapshot, name)));
        }
    }
    draft.plan.look_again_at = moments.into_iter().filter(|at| *at > snapshot.now).min();
}
