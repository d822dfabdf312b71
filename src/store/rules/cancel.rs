//! When may an operation be taken back, and what goes back with it?
//!
//! Until anything was stopped for it. To cancel changes only what is wanted and which operations run: who owns a group, and
//! what is proven of that, stays as it is stored. A plan that was made before no longer counts.

use std::sync::Arc;

use super::begin::{Said, described, want};
use super::{Asked, Result};
use crate::domain::{
    Cause, ChangeAction, EventKind, FailoverRecord, GroupWanted, NodeWanted, Operation, OperationKind, OperationPhase,
    OperationState, Outcome, Placement, PlacementPhase, TopologySpec, Wanted,
};
use crate::store::cluster::missing;
use crate::store::state::State;
use crate::store::{Cancellation, Error};

/// Cancels an operation. One that is cancelled already stays as it is.
pub fn cancel(state: &mut State, new: &Cancellation) -> Result<Operation> {
    let found = state.operations.get(&new.id).cloned();
    let mut operation = found.ok_or_else(|| missing("operation", &new.id.to_string()))?;
    state.journal.answer.clone_from(&new.answer);
    if operation.state == OperationState::Cancelled {
        return Ok(operation);
    }
    let before = state.topology();
    if let Some(why) = why_not(state, &before, &operation) {
        return Err(Error::NotNow(why));
    }
    let words = described(operation.kind, &operation.target, operation.to.as_ref());
    let why = new.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let after = taken_back(&before, &operation);
    if after == before {
        state.cluster.decision = state.cluster.decision.next();
    } else {
        let event = format!("{} cancelled {words}", new.actor);
        let message = format!("cancelled {words}{why}");
        let said = Said { action: ChangeAction::Cancel, message, subject: &operation.target, event };
        want(state, &after, said, &Asked { actor: &new.actor, at: new.at });
    }
    let message = format!("{} cancelled it{why}; {}", new.actor, what_stays(&operation));
    operation.end(OperationState::Cancelled, message, new.at);
    state.operations.insert(operation.id, operation.clone());
    let message = format!("{} cancelled {words}{why}", new.actor);
    state.note(new.at, EventKind::OperationEnded, &operation.target, message);
    Ok(operation)
}

/// Why it can't be taken back as things stand now, and what to do instead.
fn why_not(state: &State, topology: &TopologySpec, operation: &Operation) -> Option<String> {
    let Operation { kind, target, .. } = operation;
    if let Some(over) = operation.over() {
        return Some(over);
    }
    let group = || Group::of(state, target);
    match kind {
        OperationKind::Move => group().moved(operation),
        OperationKind::Online => group().released("then take it offline").or_else(|| group().begun()),
        OperationKind::Offline => group().released("then bring it online"),
        OperationKind::Drain => {
            let node = topology.nodes.iter().find(|node| node.name.as_str() == target);
            let drained = node.is_some_and(|node| node.wanted == Some(NodeWanted::Drained));
            (!drained).then(|| format!("{target} is no longer wanted drained: the drain ends by itself"))
        }
        OperationKind::Pause => Some(format!("a pause counts at once: resume {target} instead")),
        OperationKind::Resume => Some(format!("a resume counts at once: pause or drain {target} instead")),
        OperationKind::Reset => Some(format!("a reset counts at once: take {target} offline if it should not run")),
        OperationKind::ConfirmDown => Some(format!(
            "groups of {target} may start elsewhere on that word by now; it counts until {target} answers"
        )),
    }
}

/// A group as it is stored.
struct Group<'a> {
    name: &'a str,
    placement: Option<&'a Placement>,
    open: Option<&'a FailoverRecord>,
}

impl<'a> Group<'a> {
    fn of(state: &'a State, name: &'a str) -> Self {
        let open = |record: &&FailoverRecord| record.group.as_str() == name && record.outcome == Outcome::InProgress;
        Self { name, placement: state.placements.get(name), open: state.failovers.values().find(open) }
    }

    /// That its owner is told to let go can't be taken back: it may have stopped by now.
    fn released(&self, instead: &str) -> Option<String> {
        let releasing =
            self.placement.filter(|placement| matches!(placement.phase, PlacementPhase::Releasing { .. }))?;
        let owner = releasing.owner().map_or_else(|| "its owner".to_owned(), ToString::to_string);
        Some(format!("{owner} is told to let go of {} already: wait until it has, {instead}", self.name))
    }

    fn moved(&self, operation: &Operation) -> Option<String> {
        let ours =
            |open: &FailoverRecord| open.cause == Cause::OperatorMove && open.detected_at >= operation.created_at;
        let begun = operation.phase == OperationPhase::Starting || self.open.is_some_and(ours);
        let left =
            || begun.then(|| format!("{} has left its owner already: move it back once it is online", self.name));
        self.released("then move it back").or_else(left)
    }

    fn begun(&self) -> Option<String> {
        let owner = self.placement?.assigned_to()?;
        Some(format!("{} starts on {owner} already: take it offline instead", self.name))
    }
}

/// What is wanted once it is taken back.
fn taken_back(before: &TopologySpec, operation: &Operation) -> TopologySpec {
    let mut after = before.clone();
    let target = operation.target.as_str();
    match operation.wanted_before {
        Some(Wanted::Node(wanted)) => {
            after.nodes.iter_mut().filter(|node| node.name.as_str() == target).for_each(|n| n.wanted = Some(wanted));
        }
        Some(Wanted::Group(wanted)) => {
            let target = after.groups.iter_mut().filter(|group| group.name.as_str() == target);
            target.for_each(|group| Arc::make_mut(group).wanted = Some(wanted));
        }
        None => {}
    }
    after
}

fn what_stays(operation: &Operation) -> String {
    let target = &operation.target;
    match (operation.kind, operation.wanted_before) {
        (OperationKind::Drain, Some(Wanted::Node(NodeWanted::Active))) => {
            format!("{target} may run groups again, and what has left it stays where it is")
        }
        (OperationKind::Drain, Some(Wanted::Node(NodeWanted::Paused))) => {
            format!("{target} is paused again, and what has left it stays where it is")
        }
        (OperationKind::Drain, _) => format!("{target} stays drained, as it was before; resume it to use it again"),
        (_, Some(Wanted::Group(GroupWanted::Online))) => format!("{target} is wanted online again"),
        (_, Some(Wanted::Group(GroupWanted::Offline))) => format!("{target} is wanted offline again"),
        _ => "nothing was begun for it".to_owned(),
    }
}
