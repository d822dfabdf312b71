//! Where does an operation on a group stand?

use super::{Verdict, is_under_way};
use crate::domain::{
    Cause, FailoverRecord, GroupName, GroupState, GroupWanted, NodeName, NodeState, Operation, OperationKind,
    OperationPhase,
};
use crate::planner::candidates::Search;
use crate::planner::draft::Draft;
use crate::planner::needs;
use crate::planner::place::{blockers, choice};
use crate::planner::snapshot::{GroupView, NodeView};
use crate::planner::words::clock;

pub(super) fn verdict<'a>(
    draft: &Draft<'a>,
    operation: &Operation,
    name: &'a GroupName,
    group: &'a GroupView,
) -> Verdict {
    match operation.kind {
        OperationKind::Reset => Verdict::Succeeded("its failures and spent budget are forgotten".to_owned()),
        OperationKind::Offline => offline(draft, name, group),
        OperationKind::Online => online(draft, name, group),
        _ => moving(draft, operation, name, group),
    }
}

fn offline(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> Verdict {
    if group.wanted != GroupWanted::Offline {
        return Verdict::Superseded("it is wanted online meanwhile".to_owned());
    }
    match draft.standing(name).placement.owner() {
        None => Verdict::Succeeded("it runs nowhere".to_owned()),
        Some(owner) => Verdict::releasing(waits_for(draft, owner)),
    }
}

fn online(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> Verdict {
    if group.wanted != GroupWanted::Online {
        return Verdict::Superseded("it is wanted offline meanwhile".to_owned());
    }
    let standing = draft.standing(name);
    if let Some(mark) = standing.mark.as_ref().filter(|mark| mark.held.is_none()) {
        let next = format!("reset {name}, else it begins again by itself at {}", clock(mark.retry_at));
        return Verdict::failed(mark.reason.clone(), next);
    }
    match (standing.placement.assigned_to(), standing.placement.owner()) {
        (Some(owner), _) => on(draft, name, owner),
        (None, Some(owner)) => Verdict::releasing(waits_for(draft, owner)),
        (None, None) => Verdict::waiting(summary(draft, name)),
    }
}

/// Where a group stands on the node that it was placed on.
fn on(draft: &Draft<'_>, name: &GroupName, owner: &NodeName) -> Verdict {
    let starting = || Verdict::starting(format!("it starts on {owner}"));
    if draft.placed(name).is_some() {
        return starting();
    }
    if draft.snapshot.nodes.get(owner).is_none_or(|node| !node.speaks()) {
        return Verdict::starting(waits_for(draft, owner));
    }
    if let Some(missing) = draft.snapshot.lacks(name) {
        return Verdict::Succeeded(needs::online_on(owner, &missing));
    }
    match draft.snapshot.seen_on_owner(name).map(|seen| seen.state) {
        Some(GroupState::Failed | GroupState::PartialOnline) => Verdict::failed(
            format!("a resource failed on {owner}"),
            format!("see its log on {owner}, mend the cause, then reset {name}"),
        ),
        _ => starting(),
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
        return Verdict::Superseded("a newer move was asked for".to_owned());
    }
    if group.wanted == GroupWanted::Offline {
        if operation.phase != OperationPhase::Accepted {
            return Verdict::Superseded("it is wanted offline meanwhile".to_owned());
        }
        return Verdict::failed("the group is wanted offline", format!("bring {name} online first, then move it"));
    }
    let standing = draft.standing(name);
    if let Some(mark) = standing.mark.as_ref().filter(|mark| mark.held.is_none()) {
        return Verdict::failed(
            format!("the group failed: {}", mark.reason),
            format!("reset {name} first, then move it"),
        );
    }
    let Some(owner) = standing.placement.owner() else {
        let waiting = !blockers(draft, name).is_empty() || !needs::unmet(draft, group).is_empty();
        let summary = summary(draft, name);
        if waiting {
            return Verdict::waiting(summary);
        }
        return Verdict::failed(
            summary,
            format!("it starts once a node can take it: `explain` of {name} says what to mend"),
        );
    };
    if standing.placement.assigned_to().is_none() {
        return Verdict::releasing(waits_for(draft, owner));
    }
    let opened = standing.open.as_ref();
    let there = |open: &&FailoverRecord| open.to.as_ref() == Some(owner);
    let ours = is_under_way(group.open.as_deref().filter(there), operation)
        || opened.is_some_and(|open| open.cause == Cause::OperatorMove && open.detected_at >= operation.created_at);
    let arrived = operation.to.as_ref().map_or(ours, |to| to == owner);
    match unheard(draft, operation.to.as_ref()) {
        _ if arrived => on(draft, name, owner),
        Some(node) => Verdict::waiting(format!("waits until {node} has said what it runs, or its lease is over")),
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
        return Verdict::waiting(waits_for(draft, owner));
    }
    let search = match group.placement.owner() {
        Some(last) => Search::new(draft, (name, group), Some((last, "moved away from here"))),
        None => choice(draft, name, group),
    };
    let waits = needs::would_wait(draft, (name, group));
    if !placed && !waits.is_empty() {
        let why = waits.join("; ");
        return Verdict::failed(
            format!("it stays on {owner}, since it would not start again: {why}"),
            format!("move {name} again once that has changed"),
        );
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
    Verdict::failed(format!("{why}; {now}"), format!("choose another node, or move {name} again once that has changed"))
}
