//! What does an operator's action change at once?

use super::Result;
use super::put;
use crate::domain::{
    ChangeAction, Confirmation, EventKind, GroupWanted, NodeName, NodeWanted, Operation, OperationKind, OperationState,
    TopologySpec,
};
use crate::store::cluster::missing;
use crate::store::state::{NewChange, State};
use crate::store::{Error, NewOperation};

/// Accepts an operator's action.
pub fn begin(state: &mut State, new: &NewOperation) -> Result<Operation> {
    let before = state.topology();
    check(state, &before, new)?;
    state.journal.answer.clone_from(&new.answer);
    if let Some((after, action)) = wanted(&before, new) {
        state.cluster.count_change();
        put::write(state, &after);
        let actor = new.actor.clone();
        let why = new.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let message = format!("{}{why}", described(new));
        state.journal.change = Some(NewChange { at: new.at, actor, action, message });
        let generation = state.cluster.generation;
        let message = format!("{} asked for {}, generation {generation}", new.actor, described(new));
        state.note(new.at, EventKind::TopologyChanged, &new.target, message);
    } else {
        state.cluster.decision = state.cluster.decision.next();
    }
    if new.kind == OperationKind::ConfirmDown
        && let Some(node) = state.nodes.get_mut(new.target.as_str())
    {
        let word = Confirmation { actor: new.actor.clone(), reason: new.reason.clone(), at: new.at };
        node.kept.confirmed_down = Some(word);
    }
    supersede(state, new);
    let accepted = accepted(state, new);
    state.operations.insert(new.id, accepted.clone());
    let reason = new.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!("{} asked for {}{reason}", new.actor, described(new));
    state.note(new.at, EventKind::OperationAccepted, &new.target, message);
    Ok(accepted)
}

/// The action in words: "move of group ftp to bts2".
fn described(new: &NewOperation) -> String {
    let what = if new.kind.targets_node() { "node" } else { "group" };
    let to = new.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    format!("{} of {what} {}{to}", new.kind.as_str(), new.target)
}

fn check(state: &State, topology: &TopologySpec, new: &NewOperation) -> Result<()> {
    if state.operations.contains_key(&new.id) || state.taken.contains(&new.id) {
        return Err(Error::Exists { kind: "operation", name: new.id.to_string() });
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
    match &new.to {
        Some(to) if !has_node(to.as_str()) => Err(Error::Refused(unknown_destination(topology, to))),
        _ => Ok(()),
    }
}

fn unknown_destination(topology: &TopologySpec, to: &NodeName) -> String {
    let nodes: Vec<_> = topology.nodes.iter().map(|node| node.name.as_str()).collect();
    format!("cluster {} has no node {:?} to move to; its nodes are {}", topology.cluster, to.as_str(), nodes.join(", "))
}

/// The desired state that the action asks for, if that differs.
fn wanted(before: &TopologySpec, new: &NewOperation) -> Option<(TopologySpec, ChangeAction)> {
    let mut after = before.clone();
    let mut node = |wanted| {
        after.nodes.iter_mut().filter(|n| n.name.as_str() == new.target).for_each(|n| n.wanted = Some(wanted));
    };
    let mut group = |wanted| {
        after.groups.iter_mut().filter(|g| g.name.as_str() == new.target).for_each(|g| g.wanted = Some(wanted));
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

/// Ends the running operations that the new one takes the place of.
fn supersede(state: &mut State, new: &NewOperation) {
    let mut replaced: Vec<&mut Operation> = state
        .operations
        .values_mut()
        .filter(|older| older.state == OperationState::Running)
        .filter(|older| older.target == new.target && replaces(new.kind, older.kind))
        .collect();
    replaced.sort_by_key(|older| (older.decision, older.id));
    let mut messages = Vec::new();
    for older in replaced {
        older.state = OperationState::Superseded;
        older.message = format!("superseded: {} asked for {}", new.actor, described(new));
        older.ended_at = Some(new.at);
        messages.push(format!("{} of {} was superseded by {}", older.kind.as_str(), older.target, described(new)));
    }
    for message in messages {
        state.note(new.at, EventKind::OperationEnded, &new.target, message);
    }
}

/// Whether an action takes the place of an older one on the same target.
fn replaces(new: OperationKind, older: OperationKind) -> bool {
    use OperationKind::{Drain, Offline, Online, Pause, Resume};
    let opposed = |kind| match kind {
        Online | Offline => Some(1),
        Pause | Drain | Resume => Some(2),
        _ => None,
    };
    new == older || (opposed(new).is_some() && opposed(new) == opposed(older))
}

fn accepted(state: &State, new: &NewOperation) -> Operation {
    Operation {
        id: new.id,
        cluster: state.cluster.name.clone(),
        kind: new.kind,
        target: new.target.clone(),
        to: new.to.clone(),
        reason: new.reason.clone(),
        actor: new.actor.clone(),
        state: OperationState::Running,
        message: "accepted".to_owned(),
        decision: state.cluster.decision,
        created_at: new.at,
        ended_at: None,
    }
}
