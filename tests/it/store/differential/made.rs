//! What could a plan write, if no planner had thought about it?

use locum::domain::{
    Assignment, Cause, Decision, Epoch, FailedMark, FailoverRecord, Losses, Operation, OperationPhase, OperationState,
    Outcome, Placement, PlacementPhase, Progress, ReleaseProof,
};
use locum::planner::replay::KeptPlan;
use locum::planner::{Effects, Snapshot};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::steps::{GROUPS, NODES, index};
use crate::store::{event, failover};
use crate::support::{group, id, node};

/// Effects by number.
#[derive(Debug, Clone)]
pub struct Made {
    /// How far its decision goes beyond the present one.
    beyond: u64,
    placement: Option<(usize, usize, i64, Phase)>,
    /// Which known one, if not a new one; of which group; how it stands; how many seconds ago it began.
    failovers: Vec<(Option<usize>, usize, Outcome, i64)>,
    mark: Option<(usize, bool)>,
    reset: Option<usize>,
    operation: Option<(usize, OperationState)>,
    assigned: Option<usize>,
    withdrawn: Option<usize>,
    forgotten_node: Option<usize>,
    forgotten_group: Option<usize>,
    events: usize,
    lost: Option<(usize, bool)>,
    kept: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Never,
    Held,
    Releasing,
    Released,
}

pub fn made() -> impl Strategy<Value = Made> {
    use Outcome::{Blocked, Failed, InProgress, Succeeded, Superseded};
    let phase = select(vec![Phase::Never, Phase::Held, Phase::Held, Phase::Releasing, Phase::Released]);
    let epoch = prop_oneof![8 => 0_i64..3, 1 => -2_i64..0, 1 => Just(1_i64 << 62)];
    let outcome = select(vec![InProgress, InProgress, Succeeded, Failed, Blocked, Superseded]);
    let failovers =
        prop::collection::vec((prop::option::weighted(0.3, 0_usize..20), index(), outcome, 0_i64..50), 0..4);
    let states = vec![OperationState::Running, OperationState::Succeeded, OperationState::Failed];
    let beyond = prop_oneof![10 => 1_u64..3, 1 => Just(0_u64), 1 => Just(1_u64 << 62)];
    let first = (
        beyond,
        prop::option::of((index(), 0..super::steps::KNOWN, epoch, phase)),
        failovers,
        prop::option::weighted(0.2, (index(), any::<bool>())),
        prop::option::weighted(0.3, index()),
    );
    let second = (
        prop::option::weighted(0.2, (0_usize..20, select(states))),
        prop::option::weighted(0.2, index()),
        prop::option::weighted(0.1, index()),
        // Only what is retired can be forgotten, so these are refused often.
        prop::option::weighted(0.05, index()),
        prop::option::weighted(0.05, index()),
        0_usize..3,
    );
    let third = (prop::option::weighted(0.3, (index(), any::<bool>())), prop::option::of(any::<u8>()));
    (first, second, third).prop_map(|((beyond, placement, failovers, mark, reset), second, (lost, kept))| {
        let (operation, assigned, withdrawn, forgotten_node, forgotten_group, events) = second;
        Made {
            beyond,
            placement,
            failovers,
            mark,
            reset,
            operation,
            assigned,
            withdrawn,
            forgotten_node,
            forgotten_group,
            events,
            lost,
            kept,
        }
    })
}

fn losses(lost: bool, now: jiff::Timestamp) -> Losses {
    Losses { lost, moments: vec![now] }
}

impl Made {
    /// The effects on what is stored now. `records` and `operations` are those that are known, of any cluster.
    pub fn effects(
        &self,
        now: &Snapshot,
        records: &[Uuid],
        operations: &[Operation],
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Effects {
        let second = now.now.as_second() - crate::support::at(0).as_second();
        let failovers = self.failovers.iter().map(|(old, name, outcome, ago)| {
            let known = old.and_then(|old| records.get(old % records.len().max(1)).copied());
            let record = failover(0, second - ago, *outcome);
            let (id, decision) = (known.unwrap_or_else(&mut *new_id), Decision(now.decision.0 + self.beyond));
            FailoverRecord { id, group: group(GROUPS[*name]), cluster: now.cluster.clone(), decision, ..record }
        });
        let failovers = failovers.collect();
        let updated = self.operation.and_then(|(old, state)| {
            let known = operations.get(old % operations.len().max(1)).cloned();
            let (message, to) = ("it went on".to_owned(), Some(node("bts2")));
            let mut further = Operation { to, ..known? };
            further.progress = Some(Progress { done: 1, total: 2 });
            further.enter(OperationPhase::Waiting, now.now);
            further.next_step = (state == OperationState::Failed).then(|| "ask again".to_owned());
            further.end(state, message, now.now);
            Some(further)
        });
        let mark = FailedMark { reason: "it failed".to_owned(), at: now.now, retry_at: now.now, held: None };
        Effects {
            decision: Decision(now.decision.0 + self.beyond),
            placements: self.placement(now).into_iter().collect(),
            failovers,
            assignments: self.assigned.map(|name| (node(NODES[name]), Assignment::default())).into_iter().collect(),
            marks: self.mark.map(|(name, set)| (group(GROUPS[name]), set.then_some(mark))).into_iter().collect(),
            budgets_reset: self.reset.map(|name| group(GROUPS[name])).into_iter().collect(),
            operations: updated.into_iter().collect(),
            withdrawn_confirmations: self.withdrawn.map(|name| node(NODES[name])).into_iter().collect(),
            forget_nodes: self.forgotten_node.map(|name| node(NODES[name])).into_iter().collect(),
            forget_groups: self.forgotten_group.map(|name| group(GROUPS[name])).into_iter().collect(),
            events: (0..self.events).map(|number| event(second, number)).collect(),
            losses: self.lost.map(|(name, lost)| (node(NODES[name]), losses(lost, now.now))).into_iter().collect(),
            kept: self.kept.map(|number| KeptPlan {
                planner_version: 1,
                snapshot: vec![number],
                plan: vec![0, number],
            }),
        }
    }

    fn placement(&self, now: &Snapshot) -> Option<(locum::domain::GroupName, Placement)> {
        let (name, owner, further, phase) = self.placement?;
        let name = group(GROUPS[name]);
        let stored = now.groups.get(&name).map_or(0, |group| group.placement.epoch.0);
        let phase = match phase {
            Phase::Never => PlacementPhase::Never,
            Phase::Held => PlacementPhase::Held,
            Phase::Releasing => PlacementPhase::Releasing { decision: now.decision },
            Phase::Released => PlacementPhase::Released {
                proof: ReleaseProof::Acknowledged,
                evidence: "it said so".to_owned(),
                at: now.now,
                cause: Some(Cause::Drain),
            },
        };
        let epoch = Epoch(stored.saturating_add_signed(further));
        Some((name, Placement { epoch, last_owner: Some(node(NODES[owner])), phase, by_operator: owner == 0 }))
    }
}

/// Ids in the order in which they are made.
pub fn next_id(count: &mut u128) -> Uuid {
    *count += 1;
    id(*count)
}
