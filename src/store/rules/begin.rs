//! What does an operator's action change at once?

use std::sync::Arc;

use super::put;
use super::{Asked, Result};
use crate::domain::{
    ChangeAction, Confirmation, EventKind, GroupWanted, NodeName, NodeWanted, Operation, OperationKind, OperationState,
    TopologySpec, Wanted,
};
use crate::store::cluster::missing;
use crate::store::state::{NewChange, State};
use crate::store::{Error, NewOperation};

/// Accepts an operator's action.
pub fn begin(state: &mut State, new: &NewOperation) -> Result<Operation> {
    let before = state.topology();
    check(state, &before, new)?;
    state.journal.answer.clone_from(&new.answer);
    let words = described(new.kind, &new.target, new.to.as_ref());
    let asked = Asked { actor: &new.actor, at: new.at };
    let mut wanted_before = wanted_of(&before, new.kind, &new.target);
    if let Some((after, action)) = wanted(&before, new) {
        let why = new.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let event = format!("{} asked for {words}", new.actor);
        let said = Said { action, message: format!("{words}{why}"), subject: &new.target, event };
        want(state, &after, said, &asked);
    } else {
        state.cluster.decision = state.cluster.decision.next();
        // What it takes the place of may have changed it.
        wanted_before = replaced(state, new).find_map(|older| older.wanted_before.filter(|_| older.kind == new.kind));
    }
    if new.kind == OperationKind::ConfirmDown
        && let Some(node) = state.nodes.get_mut(new.target.as_str())
    {
        let word = Confirmation { actor: new.actor.clone(), reason: new.reason.clone(), at: new.at };
        node.kept.confirmed_down = Some(word);
    }
    supersede(state, new);
    let accepted = new.accepted(state.cluster.name.clone(), state.cluster.decision, wanted_before);
    state.operations.insert(new.id, accepted.clone());
    let reason = new.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!("{} asked for {words}{reason}", new.actor);
    state.note(new.at, EventKind::OperationAccepted, &new.target, message);
    Ok(accepted)
}

/// What history says of a change of what is wanted.
pub(super) struct Said<'a> {
    pub action: ChangeAction,
    pub message: String,
    pub subject: &'a str,
    /// Without the generation.
    pub event: String,
}

/// Changes what is wanted of a node or a group, as one generation.
pub(super) fn want(state: &mut State, after: &TopologySpec, said: Said<'_>, asked: &Asked<'_>) {
    state.cluster.count_change();
    put::write(state, after);
    let actor = asked.actor.clone();
    let Said { action, message, subject, event } = said;
    state.journal.change = Some(NewChange { at: asked.at, actor, action, message });
    let generation = state.cluster.generation;
    state.note(asked.at, EventKind::TopologyChanged, subject, format!("{event}, generation {generation}"));
}

/// The action in words: "move of group ftp to bts2".
pub(super) fn described(kind: OperationKind, target: &str, to: Option<&NodeName>) -> String {
    let what = if kind.targets_node() { "node" } else { "group" };
    let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
    format!("{} of {what} {target}{to}", kind.as_str())
}

/// What is wanted of the target of an operation that may change that.
fn wanted_of(topology: &TopologySpec, kind: OperationKind, target: &str) -> Option<Wanted> {
    match kind {
        OperationKind::Pause | OperationKind::Drain | OperationKind::Resume => {
            let node = topology.nodes.iter().find(|node| node.name.as_str() == target)?;
            Some(Wanted::Node(node.wanted.unwrap_or_default()))
        }
        OperationKind::Online | OperationKind::Offline => {
            let group = topology.groups.iter().find(|group| group.name.as_str() == target)?;
            Some(Wanted::Group(group.wanted.unwrap_or_default()))
        }
        OperationKind::Move | OperationKind::Reset | OperationKind::ConfirmDown => None,
    }
}

fn check(state: &State, topology: &TopologySpec, new: &NewOperation) -> Result<()> {
    if state.operations.contains_key(&new.id) || state.taken.contains(&new.id) {
        return Err(Error::Exists { kind: "operation", name: new.id.to_string(), actual: None });
    }
    let has_node = |name: &str| topology.nodes.iter().any(|node| node.name.as_str() == name);
    let (kind, there) = match new.kind {
        // Also of a node that was removed: its silence may hold up a group that has not left it.
        OperationKind::ConfirmDown => ("node", state.nodes.contains_key(new.target.as_str())),
        kind if kind.targets_node() => ("node", has_node(&new.target)),
        _ => ("group", topology.groups.iter().any(|group| group.name.as_str() == new.target)),
    };
    if !there {
        return Err(missing(kind, &new.target));
    }
    let nodes = topology.nodes.iter().map(|node| &node.name);
    new.unknown_destination(&topology.cluster, nodes).map_or(Ok(()), |refused| Err(Error::Refused(refused)))
}

/// The desired state that the action asks for, if that differs.
fn wanted(before: &TopologySpec, new: &NewOperation) -> Option<(TopologySpec, ChangeAction)> {
    let mut after = before.clone();
    let mut node = |wanted| {
        after.nodes.iter_mut().filter(|n| n.name.as_str() == new.target).for_each(|n| n.wanted = Some(wanted));
    };
    let mut group = |wanted| {
        let target = after.groups.iter_mut().filter(|group| group.name.as_str() == new.target);
        target.for_each(|group| Arc::make_mut(group).wanted = Some(wanted));
    };
    let action = match new.kind {
        OperationKind::Pause => {
            node(NodeWanted::Paused);
            ChangeAction::Pause
        }
        OperationKind::Drain => {
            node(NodeWanted::Drained);
            ChangeAction::Drain
        }
        OperationKind::Resume => {
            node(NodeWanted::Active);
            ChangeAction::Resume
        }
        OperationKind::Online => {
            group(GroupWanted::Online);
            ChangeAction::Online
        }
        OperationKind::Offline => {
            group(GroupWanted::Offline);
            ChangeAction::Offline
        }
        OperationKind::Move | OperationKind::Reset | OperationKind::ConfirmDown => return None,
    };
    (after != *before).then_some((after, action))
}

/// The running operations that the new one takes the place of, the newest first.
fn replaced<'a>(state: &'a State, new: &NewOperation) -> impl Iterator<Item = &'a Operation> {
    let takes_its_place = |older: &&Operation| older.target == new.target && replaces(new.kind, older.kind);
    let running = state.operations.values().filter(|older| older.is_running());
    let mut replaced: Vec<&Operation> = running.filter(takes_its_place).collect();
    replaced.sort_by_key(|older| std::cmp::Reverse((older.decision, older.id)));
    replaced.into_iter()
}

/// Ends them.
fn supersede(state: &mut State, new: &NewOperation) {
    let words = described(new.kind, &new.target, new.to.as_ref());
    let ids: Vec<_> = replaced(state, new).map(|older| older.id).collect();
    for id in ids.into_iter().rev() {
        let Some(older) = state.operations.get_mut(&id) else { continue };
        let message = format!("superseded: {} asked for {words}", new.actor);
        older.end(OperationState::Superseded, message, new.at);
        let message = format!("{} of {} was superseded by {words}", older.kind.as_str(), older.target);
        state.note(new.at, EventKind::OperationEnded, &new.target, message);
    }
}

/// Whether an action takes the place of an older one on the same target.
fn replaces(new: OperationKind, older: OperationKind) -> bool {
    use OperationKind::{Drain, Move, Offline, Online, Pause, Resume};
    let opposed = |kind| match kind {
        Online | Offline => Some(1),
        Pause | Drain | Resume => Some(2),
        _ => None,
    };
    // A group that is to stop moves nowhere.
    let stops = (new, older) == (Offline, Move);
    new == older || stops || (opposed(new).is_some() && opposed(new) == opposed(older))
}
