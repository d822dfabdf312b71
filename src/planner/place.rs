//! Where do groups that nobody owns go?

use super::candidates::{self, Judgement};
use super::draft::Draft;
use super::instances::Leavers;
use super::plan::{Intent, Place};
use super::release::set_mark;
use super::snapshot::GroupView;
use super::words::clock;
use super::{hold, needs, operate};
use crate::domain::{
    Actor, Cause, Epoch, GroupName, NodeName, NodeState, NodeWanted, OperationKind, Outcome, PlacementPhase, Priority,
};

/// Places every free group that is wanted online and not marked as failed, in start order: who comes first chooses first.
pub(super) fn place(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    for name in draft.facts.order().to_vec() {
        let Some(group) = snapshot.groups.get(name).filter(|group| group.is_wanted()) else { continue };
        let standing = draft.standing(name);
        if standing.placement.owner().is_none() && standing.mark.is_none() {
            consider(draft, name, group);
        }
    }
}

fn consider(draft: &mut Draft<'_>, name: &GroupName, group: &GroupView) {
    let waits = blockers(draft, name);
    let judgement = choice(draft, name);
    if !waits.is_empty() {
        let summary = format!("it waits: {}", waits.join("; "));
        return draft.explain(name, judgement.reasoning(None, summary));
    }
    let mut only = None;
    if let Some(hold) = hold::of_start(draft, name) {
        only = returns(draft, name, &hold).filter(|last| judgement.is_eligible(last));
        if only.is_none() {
            return held(draft, name, &judgement, &hold.reason);
        }
    }
    let waits = needs::unmet(draft, name);
    if !waits.is_empty() {
        let summary = format!("it waits: {}", waits.join("; "));
        return draft.explain(name, judgement.reasoning(None, summary));
    }
    match only.or_else(|| target(draft, name, &judgement)) {
        Some(to) => put(draft, name, group, (&judgement, &to)),
        None => nowhere(draft, name, &judgement),
    }
}

/// The last owner, where a group that is held may begin again.
pub(super) fn returns(draft: &Draft<'_>, name: &GroupName, hold: &hold::Hold) -> Option<NodeName> {
    draft.standing(name).placement.last_owner.clone().filter(|_| hold.in_place)
}

/// Locum must not start it by itself. A failover that was under way ends so.
fn held(draft: &mut Draft<'_>, name: &GroupName, judgement: &Judgement, reason: &str) {
    if draft.plan.held.iter().any(|held| held.group == *name) {
        return; // what happened and why it waits has been said
    }
    let summary = format!("it waits: {reason}");
    if draft.standing(name).open.is_some() {
        draft.close(name, Outcome::Blocked, summary.clone());
    }
    draft.explain(name, judgement.reasoning(None, summary));
}

/// Why a free group must not be started yet: the nodes that may run it unknown to the store.
pub(super) fn blockers(draft: &Draft<'_>, group: &GroupName) -> Vec<String> {
    let mut reasons = Vec::new();
    for (name, node) in &draft.snapshot.nodes {
        let until = node.seen.down_at.map_or_else(String::new, |at| format!(" until {}", clock(at)));
        if node.seen.state == NodeState::Down {
            continue;
        }
        if node.may_run(group) {
            reasons.push(format!("{name} may still run it{until}"));
        } else if !node.seen.answered {
            reasons.push(format!("{name} has not said yet what it runs, and may run it{until}"));
        }
    }
    reasons.extend(Leavers::of(draft.snapshot, draft.placements()).blockers(group));
    reasons
}

/// Every node as judged for a group that is free. The node that it fails away from is out of the question.
pub(super) fn choice(draft: &Draft<'_>, name: &GroupName) -> Judgement {
    let standing = draft.standing(name);
    let failing = |intent: &Intent| matches!(intent.cause, Cause::ResourceFailed | Cause::StartFailed);
    let barred = standing.open.as_ref().filter(|intent| failing(intent));
    let barred = barred.and(standing.placement.last_owner.as_ref());
    candidates::judge(draft, name, barred.map(|owner| (owner, "it failed here just now")))
}

/// An operator's target first, then the one intended at the release, then the best.
fn target(draft: &Draft<'_>, name: &GroupName, judgement: &Judgement) -> Option<NodeName> {
    let asked = operate::newest_move(draft.snapshot, name).and_then(|operation| operation.to.clone());
    let intended = draft.standing(name).open.as_ref().and_then(|intent| intent.to.clone());
    let eligible = |node: &NodeName| judgement.is_eligible(node);
    // A failover goes back to where it came from only if nothing else is left.
    let standing = draft.standing(name);
    // One that goes back to a preferred owner has left nothing that was wrong.
    let fails = standing.open.as_ref().filter(|intent| intent.cause != Cause::Failback);
    let from = fails.and(standing.placement.last_owner.as_ref());
    let best = from.and_then(|from| judgement.best_but(from)).or_else(|| judgement.best());
    asked.filter(eligible).or_else(|| intended.filter(eligible)).or_else(|| best.cloned())
}

fn put(draft: &mut Draft<'_>, name: &GroupName, group: &GroupView, choice: (&Judgement, &NodeName)) {
    let (judgement, to) = choice;
    let standing = draft.standing(name).clone();
    let last = standing.placement.last_owner.clone();
    let lost = draft.plan.reasons.remove(name).map(|reasoning| reasoning.summary);
    let reason = lost.unwrap_or_else(|| match &last {
        None => "it has not been placed before".to_owned(),
        _ if draft.plan.marks.contains_key(name) => "it failed, and begins again".to_owned(),
        Some(last) if last == to => format!("{to} was its last owner and is the best choice"),
        Some(last) if standing.open.is_some() => format!("{last} no longer runs it"),
        Some(last) => format!("{last} no longer runs it, and {to} can take it"),
    });
    if standing.open.is_some() && last.as_ref() == Some(to) {
        let reason = format!("it begins again on {to}: no other node can take it any more");
        draft.close(name, Outcome::Superseded, reason);
    }
    let changes = last.is_some_and(|last| last != *to);
    let failover = (standing.open.is_none() && changes).then(|| unforeseen(draft, name, group, to));
    let epoch = next_epoch(draft, name);
    draft.explain(name, judgement.reasoning(Some(to), reason.clone()));
    let by_operator = operate::has_chosen(draft.snapshot, name, to);
    draft.place(Place { group: name.clone(), to: to.clone(), epoch, failover, by_operator, reason });
}

/// Above everything stored or heard of.
fn next_epoch(draft: &Draft<'_>, name: &GroupName) -> Epoch {
    let stored = draft.standing(name).placement.epoch;
    let seen = draft.snapshot.nodes.values().filter_map(|node| node.seen.groups.get(name)).map(|seen| seen.epoch);
    seen.max().unwrap_or_default().max(stored).next()
}

/// A change of owner of a group that was free for a while: why it does not begin again on its last owner.
fn unforeseen(draft: &Draft<'_>, name: &GroupName, group: &GroupView, to: &NodeName) -> Intent {
    let snapshot = draft.snapshot;
    let placement = &draft.standing(name).placement;
    let asked = |op: &&crate::domain::Operation| {
        op.target == name.as_str() && matches!(op.kind, OperationKind::Move | OperationKind::Online)
    };
    let operator = snapshot.operations.iter().rev().find(asked).map(|operation| operation.actor.clone());
    let last = placement.last_owner.as_ref().and_then(|last| Some((last, snapshot.nodes.get(last)?)));
    let cause = match (&placement.phase, last) {
        _ if operator.is_some() && group.spec.priority == Priority::NoAutoStart => Cause::OperatorMove,
        (PlacementPhase::Released { cause: Some(cause), .. }, _) => *cause,
        _ if operator.is_some() => Cause::OperatorMove,
        (_, Some((last, node))) if group.allows(last, node) && node.wanted == NodeWanted::Drained => Cause::Drain,
        _ => Cause::TopologyChange,
    };
    let actor = operator.filter(|_| cause == Cause::OperatorMove).unwrap_or_else(Actor::locum);
    Intent { cause, actor, to: Some(to.clone()), detected_at: snapshot.now }
}

/// No node can take it. A failover that was under way ends so; what failed everywhere it may is marked as failed.
fn nowhere(draft: &mut Draft<'_>, name: &GroupName, judgement: &Judgement) {
    let summary = format!("no node can take it ({})", judgement.listed());
    if let Some(open) = draft.standing(name).open.clone() {
        if matches!(open.cause, Cause::ResourceFailed | Cause::StartFailed) {
            set_mark(draft, name, &format!("it failed on its last owner, and {summary}"), None);
        }
        draft.close(name, Outcome::Blocked, summary.clone());
    }
    draft.explain(name, judgement.reasoning(None, summary));
}
