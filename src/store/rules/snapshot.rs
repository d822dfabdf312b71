//! What does the planner need of what is stored?

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::topology;
use crate::domain::{GroupName, GroupSpec, NodeName, NodeSpec, Operation, Outcome, OwnerSet};
use crate::planner::Snapshot;
use crate::planner::snapshot::{GroupView, NodeSeen, NodeView, PastFailover};
use crate::store::state::{NodeKept, Object, State};

/// A stored failover that was not forgiven, as far as a budget may count it.
pub struct Past {
    pub group: GroupName,
    pub outcome: Outcome,
    pub failover: PastFailover,
}

/// From when on failovers may count against any group's budget; none if there is no group.
pub fn earliest(state: &State, now: Timestamp) -> Option<Timestamp> {
    state.groups.values().map(|group| begin_of_period(&group.spec, now)).min()
}

/// Everything stored, nothing seen. `past` has the failovers since `earliest` that were not forgiven, oldest first.
pub fn snapshot(state: State, past: &[Past], now: Timestamp) -> Snapshot {
    let State { cluster, nodes, groups, hosts, placements, operations, failovers, .. } = state;
    let hosts: BTreeMap<_, _> = hosts.into_iter().map(|(name, host)| (name, host.spec)).collect();
    let open = failovers.into_values().filter(|record| record.outcome == Outcome::InProgress);
    let mut open: BTreeMap<_, _> = open.map(|record| (record.group.clone(), record)).collect();
    let groups = groups.into_iter().map(|(name, Object { spec, retired, kept, .. })| {
        let view = GroupView {
            wanted: spec.wanted.unwrap_or_default(),
            retired,
            placement: placements.get(&name).cloned().unwrap_or_default(),
            failed: kept.failed,
            open: open.remove(&name).map(Box::new),
            recent: recent(&spec, past, now),
            spec: topology::clustered(&spec, hosts.values()),
        };
        (name, view)
    });
    let groups = groups.collect();
    let mut nodes = nodes.into_iter().map(|(name, node)| (name, node_view(node, now))).collect();
    share(&mut nodes, &groups);
    let dependencies = cluster.common_dependencies.into_iter();
    Snapshot {
        cluster: cluster.name,
        generation: cluster.generation,
        decision: cluster.decision,
        term: cluster.term,
        now,
        settings: cluster.settings,
        policy: cluster.policy,
        maintenance: cluster.maintenance,
        common_dependencies: dependencies.map(|dependency| (dependency.name.clone(), dependency)).collect(),
        nodes,
        groups,
        hosts,
        operations: under_way(operations),
    }
}

fn node_view(node: Object<NodeSpec, NodeKept>, now: Timestamp) -> NodeView {
    let Object { spec, retired, kept, .. } = node;
    NodeView {
        wanted: spec.wanted.unwrap_or_default(),
        spec,
        retired,
        confirmed_down: kept.confirmed_down,
        assignment: kept.assignment.unwrap_or_default(),
        assigned_at: kept.assigned_at,
        losses: kept.losses,
        seen: NodeSeen::unheard(now),
    }
}

/// Most of what nodes are told is what is wanted, and most groups may run on the same nodes. The planner compares all of
/// it in every turn, which costs nothing where both are the same list.
fn share(nodes: &mut BTreeMap<NodeName, NodeView>, groups: &BTreeMap<GroupName, GroupView>) {
    let mut owner_sets: HashSet<OwnerSet> = HashSet::new();
    for told in nodes.values_mut().flat_map(|node| &mut node.assignment.groups) {
        let wanted = groups.get(&told.group).map(|group| &group.spec.resources);
        if let Some(wanted) = wanted.filter(|wanted| **wanted == told.resources) {
            told.resources.clone_from(wanted);
        }
        match owner_sets.get(&told.owner_set) {
            Some(known) => told.owner_set.clone_from(known),
            None => _ = owner_sets.insert(told.owner_set.clone()),
        }
    }
}

/// The failovers that ran, or run, within the group's own period.
fn recent(group: &GroupSpec, past: &[Past], now: Timestamp) -> Vec<PastFailover> {
    let begin = begin_of_period(group, now);
    let ran = |outcome| matches!(outcome, Outcome::InProgress | Outcome::Succeeded | Outcome::Failed);
    let counts = |past: &&Past| past.group == group.name && ran(past.outcome) && past.failover.at >= begin;
    past.iter().filter(counts).map(|past| past.failover.clone()).collect()
}

fn begin_of_period(group: &GroupSpec, now: Timestamp) -> Timestamp {
    let period = SignedDuration::try_from(group.failover.period.get()).unwrap_or(SignedDuration::MAX);
    now.checked_sub(period).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Running operations, oldest first.
fn under_way(operations: BTreeMap<Uuid, Operation>) -> Vec<Operation> {
    let mut running: Vec<_> = operations.into_values().filter(Operation::is_running).collect();
    running.sort_by_key(|operation| (operation.decision, operation.id));
    running
}
