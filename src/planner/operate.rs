//! Which operations are done, and what do the others wait for?

use super::candidates::Search;
use super::draft::{Draft, Owned};
use super::needs;
use super::place::{blockers, choice};
use super::plan::OperationStep;
use super::snapshot::{GroupView, NodeView};
use super::words::{clock, counted};
use crate::domain::{
    Actor, Cause, FailoverRecord, GroupName, GroupState, GroupWanted, NodeName, NodeState, NodeWanted, Operation,
    OperationKind, OperationState, PlacementPhase,
};

/// Where an operation stands, and the sentence for it.
type Verdict = (OperationState, String);

/// Ends the operations that are done or can't be, and says of the others what they wait for.
pub(super) fn operate(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let running = snapshot.operations.iter().filter(|op| op.state == OperationState::Running);
    let drains = snapshot.operations.iter().any(|op| op.kind == OperationKind::Drain);
    let owned = if drains { draft.owned() } else { Owned::new() };
    let steps = running.filter_map(|operation| {
        let (state, message) = verdict(draft, &owned, operation);
        let differs = state != operation.state || message != operation.message;
        differs.then_some(OperationStep { id: operation.id, state, message })
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
    if operation.kind.targets_node() {
        return match draft.snapshot.nodes.get_key_value(target) {
            Some((name, node)) if !node.retired => of_node(draft, owned, operation.kind, (name, node)),
            _ => (OperationState::Failed, format!("node {target} is no longer in the topology")),
        };
    }
    match draft.snapshot.groups.get_key_value(target) {
        Some((name, group)) if !group.retired => of_group(draft, operation, name, group),
        _ => (OperationState::Failed, format!("group {target} is no longer in the topology")),
    }
}

fn of_node(draft: &Draft<'_>, owned: &Owned<'_>, kind: OperationKind, (name, node): (&NodeName, &NodeView)) -> Verdict {
    let wanted = match kind {
        OperationKind::Pause => NodeWanted::Paused,
        OperationKind::Drain => NodeWanted::Drained,
        OperationKind::Resume => NodeWanted::Active,
        _ => return confirmed(name, node),
    };
    if node.wanted != wanted {
        return (OperationState::Superseded, format!("something newer is wanted of {name}"));
    }
    match kind {
        OperationKind::Pause => (OperationState::Succeeded, format!("{name} keeps what it runs and gets nothing new")),
        OperationKind::Resume => (OperationState::Succeeded, format!("{name} may run groups again")),
        _ => drained(draft, name, owned.get(name).map_or(&[], Vec::as_slice)),
    }
}

fn confirmed(name: &NodeName, node: &NodeView) -> Verdict {
    match node.seen.state {
        NodeState::Up => (OperationState::Failed, format!("{name} answers; nothing was confirmed")),
        NodeState::Down if node.confirmed_down.is_some() => {
            (OperationState::Succeeded, format!("{name} counts as down"))
        }
        _ => (OperationState::Running, format!("waits until {name} counts as down")),
    }
}

fn drained(draft: &Draft<'_>, name: &NodeName, left: &[&GroupName]) -> Verdict {
    if left.is_empty() {
        return (OperationState::Succeeded, drained_but_for(draft, name));
    }
    let why = |group: &&GroupName| {
        let releasing = !matches!(draft.standing(group).placement.phase, PlacementPhase::Held);
        let summary = draft.plan.reasons.get(*group).map(|reasoning| reasoning.summary.clone());
        match summary {
            _ if releasing => format!("{group} is on its way"),
            Some(summary) => format!("{group}: {summary}"),
            None => format!("{group} has not begun to move"),
        }
    };
    let list: Vec<String> = left.iter().map(why).collect();
    (OperationState::Running, format!("{} left: {}", counted(left.len(), "group"), list.join("; ")))
}

/// Instances of unclustered hosts go nowhere else: who is about to switch the node off has to know of them.
fn drained_but_for(draft: &Draft<'_>, name: &NodeName) -> String {
    let instances = draft.snapshot.nodes.get(name).into_iter().flat_map(|node| &node.seen.instances);
    let alive: Vec<&str> = instances.filter(|(_, seen)| seen.may_be_alive()).map(|(host, _)| host.as_str()).collect();
    if alive.is_empty() {
        return format!("{name} runs nothing");
    }
    let hosts = alive.join(", ");
    format!(
        "{name} runs no group any more; instances of unclustered hosts go on there: {hosts}. Disable them to stop them"
    )
}

fn of_group<'a>(draft: &Draft<'a>, operation: &Operation, name: &'a GroupName, group: &'a GroupView) -> Verdict {
    match operation.kind {
        OperationKind::Reset => (OperationState::Succeeded, "its failures and spent budget are forgotten".to_owned()),
        OperationKind::Offline => offline(draft, name, group),
        OperationKind::Online => online(draft, name, group),
        _ => moving(draft, operation, name, group),
    }
}

fn offline(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> Verdict {
    if group.wanted != GroupWanted::Offline {
        return (OperationState::Superseded, "it is wanted online meanwhile".to_owned());
    }
    match draft.standing(name).placement.owner() {
        None => (OperationState::Succeeded, "it runs nowhere".to_owned()),
        Some(owner) => (OperationState::Running, waits_for(draft, owner)),
    }
}

fn online(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> Verdict {
    if group.wanted != GroupWanted::Online {
        return (OperationState::Superseded, "it is wanted offline meanwhile".to_owned());
    }
    let standing = draft.standing(name);
    if let Some(mark) = standing.mark.as_ref().filter(|mark| mark.held.is_none()) {
        let message = format!("{}; it begins again at {}, or when it is reset", mark.reason, clock(mark.retry_at));
        return (OperationState::Failed, message);
    }
    match (standing.placement.assigned_to(), standing.placement.owner()) {
        (Some(owner), _) => on(draft, name, owner),
        (None, Some(owner)) => (OperationState::Running, waits_for(draft, owner)),
        (None, None) => (OperationState::Running, summary(draft, name)),
    }
}

/// Where a group stands on the node that it was placed on.
fn on(draft: &Draft<'_>, name: &GroupName, owner: &NodeName) -> Verdict {
    let starting = (OperationState::Running, format!("it starts on {owner}"));
    if draft.placed(name).is_some() {
        return starting;
    }
    if draft.snapshot.nodes.get(owner).is_none_or(|node| !node.speaks()) {
        return (OperationState::Running, waits_for(draft, owner));
    }
    if let Some(missing) = draft.snapshot.lacks(name) {
        return (OperationState::Succeeded, needs::online_on(owner, &missing));
    }
    match draft.snapshot.seen_on_owner(name).map(|seen| seen.state) {
        Some(GroupState::Failed | GroupState::PartialOnline) => {
            (OperationState::Failed, format!("a resource failed on {owner}; see its log, then reset the group"))
        }
        _ => starting,
    }
}

fn waits_for(draft: &Draft<'_>, owner: &NodeName) -> String {
    let node = draft.snapshot.nodes.get(owner).filter(|node| node.seen.state == NodeState::Unreachable);
    match node.map(|node| node.seen.down_at) {
        Some(Some(at)) => format!("{owner} does not answer and may run it until {}", clock(at)),
        Some(None) => format!("{owner} does not answer and may run it"),
        None => format!("waits for {owner}"),
    }
}

fn summary(draft: &Draft<'_>, name: &GroupName) -> String {
    draft.plan.reasons.get(name).map_or_else(|| "it is not placed yet".to_owned(), |r| r.summary.clone())
}

fn moving<'a>(draft: &Draft<'a>, operation: &Operation, name: &'a GroupName, group: &'a GroupView) -> Verdict {
    let newest = draft.index.newest_move(name);
    if newest.is_some_and(|newest| newest.id != operation.id) {
        return (OperationState::Superseded, "a newer move was asked for".to_owned());
    }
    if group.wanted == GroupWanted::Offline {
        return (OperationState::Failed, "the group is wanted offline; bring it online first".to_owned());
    }
    let standing = draft.standing(name);
    if let Some(mark) = standing.mark.as_ref().filter(|mark| mark.held.is_none()) {
        return (OperationState::Failed, format!("the group failed: {}; reset it first", mark.reason));
    }
    let Some(owner) = standing.placement.owner() else {
        let waiting = !blockers(draft, name).is_empty() || !needs::unmet(draft, group).is_empty();
        let state = if waiting { OperationState::Running } else { OperationState::Failed };
        return (state, summary(draft, name));
    };
    if standing.placement.assigned_to().is_none() {
        return (OperationState::Running, waits_for(draft, owner));
    }
    let opened = standing.open.as_ref();
    let there = |open: &&FailoverRecord| open.to.as_ref() == Some(owner);
    let ours = is_under_way(group.open.as_deref().filter(there), operation)
        || opened.is_some_and(|open| open.cause == Cause::OperatorMove && open.detected_at >= operation.created_at);
    let arrived = operation.to.as_ref().map_or(ours, |to| to == owner);
    match unheard(draft, operation.to.as_ref()) {
        _ if arrived => on(draft, name, owner),
        Some(node) => {
            (OperationState::Running, format!("waits until {node} has said what it runs, or its lease is over"))
        }
        None => astray(draft, operation, (name, group), owner),
    }
}

/// A node that may yet turn out to be a target: it was not heard under this reign, and is not down.
fn unheard<'a>(draft: &'a Draft<'_>, to: Option<&NodeName>) -> Option<&'a NodeName> {
    let may_answer = |node: &NodeView| !node.retired && !node.seen.answered && node.seen.state != NodeState::Down;
    let asked = |name: &NodeName| to.is_none_or(|to| to == name);
    draft.snapshot.nodes.iter().find(|(name, node)| asked(name) && may_answer(node)).map(|(name, _)| name)
}

/// The group is held by another node than asked for, and does not leave it.
fn astray<'a>(
    draft: &Draft<'a>,
    operation: &Operation,
    (name, group): (&'a GroupName, &'a GroupView),
    owner: &NodeName,
) -> Verdict {
    let placed = draft.placed(name).is_some();
    if !placed && draft.snapshot.nodes.get(owner).is_none_or(|node| !node.speaks()) {
        return (OperationState::Running, waits_for(draft, owner));
    }
    let search = match group.placement.owner() {
        Some(last) => Search::new(draft, (name, group), Some((last, "moved away from here"))),
        None => choice(draft, name, group),
    };
    let waits = needs::would_wait(draft, (name, group));
    if !placed && !waits.is_empty() {
        let why = waits.join("; ");
        return (OperationState::Failed, format!("it stays on {owner}, since it would not start again: {why}"));
    }
    let why = match (&operation.to, draft.placed(name)) {
        (Some(to), _) => {
            let at_placement = draft.plan.reasons.get(name).filter(|_| placed);
            let verdict = at_placement.and_then(|found| found.verdicts.get(to)).cloned();
            format!("{to} can't take it: {}", verdict.unwrap_or_else(|| search.judge().verdict(to)))
        }
        (None, Some(placed)) => placed.reason.clone(),
        (None, None) => format!("no other node can take it ({})", search.judge().listed()),
    };
    let now = if placed { format!("it goes to {owner}") } else { format!("it stays on {owner}") };
    (OperationState::Failed, format!("{why}; {now}. Choose another node, or move it again once that has changed"))
}
