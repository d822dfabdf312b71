//! Which operations are done, which can't be, how far have the others come, and what do they wait for?

mod of_group;
mod of_node;

use super::draft::{Draft, Owned};
use super::plan::OperationStep;
use crate::domain::{
    Actor, Cause, FailoverRecord, GroupName, HumanDuration, NodeName, Operation, OperationKind, OperationPhase,
    OperationState, Progress,
};

/// Where an operation stands, with the sentence for it.
enum Verdict {
    Running(OperationPhase, String),
    Succeeded(String),
    /// Nothing fails without a word on what to do next.
    Failed {
        why: String,
        next: String,
    },
    Superseded(String),
}

impl Verdict {
    fn waiting(message: impl Into<String>) -> Self {
        Self::Running(OperationPhase::Waiting, message.into())
    }

    fn releasing(message: impl Into<String>) -> Self {
        Self::Running(OperationPhase::Releasing, message.into())
    }

    fn starting(message: impl Into<String>) -> Self {
        Self::Running(OperationPhase::Starting, message.into())
    }

    fn failed(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), next: next.into() }
    }

    fn step(self, operation: &Operation, progress: Option<Progress>) -> OperationStep {
        let ended = |state, message, next_step| (state, OperationPhase::Ended, message, next_step);
        let (state, phase, message, next_step) = match self {
            Self::Running(phase, message) => (OperationState::Running, phase, message, None),
            Self::Succeeded(message) => ended(OperationState::Succeeded, message, None),
            Self::Failed { why, next } => ended(OperationState::Failed, why, Some(next)),
            Self::Superseded(message) => ended(OperationState::Superseded, message, None),
        };
        OperationStep { id: operation.id, state, phase, progress, message, next_step }
    }
}

/// Ends the operations that are done, can't be, or have run out of time, and says of the others how far they have come and
/// what they wait for.
pub(super) fn operate(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let drains = snapshot.operations.iter().any(|op| op.kind == OperationKind::Drain);
    let owned = if drains { draft.owned() } else { Owned::new() };
    let running = snapshot.operations.iter().filter(|op| op.is_running());
    let steps = running.filter_map(|operation| {
        let verdict = in_time(draft, operation, verdict(draft, &owned, operation));
        let progress = progress(draft, &owned, operation, &verdict);
        let step = verdict.step(operation, progress);
        let stands = (operation.state, operation.phase, operation.progress, &operation.message);
        (stands != (step.state, step.phase, step.progress, &step.message)).then_some(step)
    });
    let steps: Vec<OperationStep> = steps.collect();
    draft.plan.operations = steps;
}

/// Whether the operator who moves `group` put it on `node`.
pub(super) fn has_chosen(draft: &Draft<'_>, group: &GroupName, node: &NodeName) -> bool {
    draft.index.newest_move(group).is_some_and(|operation| operation.to.as_ref().is_none_or(|to| to == node))
}

/// Whether `open` is the failover that carries `operation` out.
pub(super) fn is_under_way(open: Option<&FailoverRecord>, operation: &Operation) -> bool {
    open.is_some_and(|open| open.cause == Cause::OperatorMove && open.detected_at >= operation.created_at)
}

/// Who drains `node`: the operator who asked, as long as the operation runs.
pub(super) fn drained_by(draft: &Draft<'_>, node: &NodeName) -> Actor {
    draft.index.newest_drain(node).map_or_else(Actor::locum, |op| op.actor.clone())
}

fn verdict(draft: &Draft<'_>, owned: &Owned<'_>, operation: &Operation) -> Verdict {
    let target = operation.target.as_str();
    let gone = |what: &str| {
        let next = format!("put it back with the next apply, or ask for another {what}");
        Verdict::failed(format!("{what} {target} is no longer in the topology"), next)
    };
    if operation.kind.targets_node() {
        return match draft.snapshot.nodes.get_key_value(target) {
            Some((name, node)) if !node.retired => of_node::verdict(draft, owned, operation.kind, (name, node)),
            _ => gone("node"),
        };
    }
    match draft.snapshot.groups.get_key_value(target) {
        Some((name, group)) if !group.retired => of_group::verdict(draft, operation, name, group),
        _ => gone("group"),
    }
}

/// Nothing waits for ever. What is over time fails, unless all that it asked for is so.
fn in_time(draft: &Draft<'_>, operation: &Operation, verdict: Verdict) -> Verdict {
    // No plan does anything for it any more: a reset that nobody came to was not done.
    let done = matches!(verdict, Verdict::Succeeded(_)) && operation.kind != OperationKind::Reset;
    if !operation.is_timed_out(draft.snapshot.now) || done || matches!(verdict, Verdict::Superseded(_)) {
        return verdict;
    }
    let whole = operation.times_out_at.duration_since(operation.created_at);
    let whole = HumanDuration::from(std::time::Duration::try_from(whole).unwrap_or_default());
    let why = match operation.phase {
        OperationPhase::Accepted => format!("no plan came to it within {whole}"),
        _ => format!("it was not done within {whole}: {}", operation.message),
    };
    let target = &operation.target;
    Verdict::failed(
        why,
        match operation.kind {
            OperationKind::Move if [OperationPhase::Releasing, OperationPhase::Starting].contains(&operation.phase) => {
                format!(
                    "what it began goes on: see where {target} comes up, and move it again if that is not where it should be"
                )
            }
            OperationKind::Move => {
                format!("mend what it waited for, as `explain` of {target} says, then move it again")
            }
            OperationKind::Online => format!(
                "{target} is still wanted online, and starts once that is over; take it offline if it should not"
            ),
            OperationKind::Offline => {
                format!("{target} is still wanted offline; if its owner is off for good, confirm that node down")
            }
            OperationKind::Drain => format!(
                "{target} is still wanted drained, and what is left goes once it can; resume it if it should not"
            ),
            OperationKind::ConfirmDown => format!("if {target} is still off, confirm it down again"),
            OperationKind::Reset | OperationKind::Pause | OperationKind::Resume => "ask for it again".to_owned(),
        },
    )
}

/// In groups; nothing where there is nothing to count.
fn progress(draft: &Draft<'_>, owned: &Owned<'_>, operation: &Operation, verdict: &Verdict) -> Option<Progress> {
    let done = matches!(verdict, Verdict::Succeeded(_));
    match operation.kind {
        OperationKind::Move | OperationKind::Online | OperationKind::Offline => {
            Some(Progress { done: done.into(), total: 1 })
        }
        OperationKind::Drain => of_node::progress(draft, owned, operation),
        _ => None,
    }
}
