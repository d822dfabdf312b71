//! What could be seen of nodes?

use std::collections::BTreeMap;

use locum::domain::{FailureKind, GroupName, GroupState, NodeName, NodeState, ResourceType};
use locum::planner::Snapshot;
use locum::planner::snapshot::{GroupView, NodeSeen, SeenFailure, SeenGroup};
use proptest::prelude::*;
use proptest::sample::select;

use super::steps::KNOWN;

/// A look at one node.
#[derive(Debug, Clone)]
pub struct Look {
    state: NodeState,
    answered: bool,
    applied: bool,
    /// What it runs of each group that it owned last.
    groups: Vec<GroupState>,
    /// Whether it also runs what it does not own.
    strays: bool,
}

pub fn look() -> impl Strategy<Value = Look> {
    use GroupState::{Failed, Offline, Online, Pending};
    let states = vec![NodeState::Up, NodeState::Up, NodeState::Up, NodeState::Unreachable, NodeState::Down];
    let groups = prop::collection::vec(select(vec![Online, Online, Offline, Failed, Pending]), KNOWN);
    let sure = prop::bool::weighted(0.8);
    (select(states), sure, prop::bool::weighted(0.8), groups, prop::bool::weighted(0.05))
        .prop_map(|(state, answered, applied, groups, strays)| Look { state, answered, applied, groups, strays })
}

/// Fills in what is seen of each node, in the order of their names.
pub fn fill_in(snapshot: &mut Snapshot, looks: &[Look]) {
    let (now, decision, groups) = (snapshot.now, snapshot.decision, &snapshot.groups);
    for ((name, node), look) in snapshot.nodes.iter_mut().zip(looks) {
        let up = look.state == NodeState::Up;
        node.seen = NodeSeen {
            state: look.state,
            answered: up && look.answered,
            applied: (up && look.applied).then_some(decision),
            silent_since: (!up).then_some(now),
            drivers: [ResourceType::Process].into(),
            groups: look.groups(name, groups, now),
            ..NodeSeen::unheard(now)
        };
    }
}

/// Nothing is seen, as right after loading.
pub fn forget(snapshot: &mut Snapshot) {
    let now = snapshot.now;
    snapshot.nodes.values_mut().for_each(|node| node.seen = NodeSeen::unheard(now));
}

impl Look {
    fn groups(
        &self,
        node: &NodeName,
        groups: &BTreeMap<GroupName, GroupView>,
        now: jiff::Timestamp,
    ) -> BTreeMap<GroupName, SeenGroup> {
        let theirs = |view: &GroupView| self.strays || view.placement.last_owner.as_ref() == Some(node);
        let seen =
            groups.iter().zip(&self.groups).filter(|((_, view), _)| theirs(view)).map(|((name, view), state)| {
                let resource = view.spec.resources[0].name.clone();
                let failure = (*state == GroupState::Failed).then(|| SeenFailure {
                    kind: FailureKind::ResourceFailed,
                    resource,
                    reason: "it exited".to_owned(),
                    at: now,
                });
                let online = *state == GroupState::Online;
                let group = SeenGroup {
                    epoch: view.placement.epoch,
                    state: *state,
                    running: *state != GroupState::Offline,
                    begun_at: Some(now),
                    online_at: online.then_some(now),
                    failure,
                    resources: Vec::new(),
                };
                (name.clone(), group)
            });
        seen.collect()
    }
}
