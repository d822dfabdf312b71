//! Where do groups that nobody owns go?

use super::candidates::Search;
use super::draft::Draft;
use super::judgement::Judgement;
use super::plan::{Intent, Place};
use super::release::set_mark;
use super::snapshot::{GroupView, NodeView};
use super::words::clock;
use super::{hold, needs, operate};
use crate::domain::{Actor, Cause, Epoch, GroupName, NodeName, NodeWanted, Outcome, PlacementPhase, Priority};

/// Places every free group that is wanted online and not marked as failed, in start order: who comes first chooses first.
pub(super) fn place(draft: &mut Draft<'_>) {
    for (name, group) in draft.facts.order().to_vec() {
        let standing = draft.standing(name);
        if group.is_wanted() && standing.placement.owner().is_none() && standing.mark.is_none() {
            consider(draft, name, group);
        }
    }
}

fn consider<'a>(draft: &mut Draft<'a>, name: &'a GroupName, group: &'a GroupView) {
    let waits = blockers(draft, name);
    let search = choice(draft, name, group);
    if !waits.is_empty() {
        let reasoning = search.judge().reasoning(None, format!("it waits: {}", waits.join("; ")));
        return draft.explain(name, reasoning);
    }
    let mut only = None;
    if let Some(hold) = hold::of_start(draft, (name, group)) {
        only = returns(draft, name, &hold).filter(|last| search.is_eligible(last));
        if only.is_none() {
            let judgement = search.judge();
            return held(draft, name, &judgement, &hold.reason);
        }
    }
    let waits = needs::unmet(draft, group);
    if !waits.is_empty() {
        let reasoning = search.judge().reasoning(None, format!("it waits: {}", waits.join("; ")));
        return draft.explain(name, reasoning);
    }
    if let Some(to) = only.or_else(|| target(draft, name, &search)) {
        let judgement = is_explained(draft, name).then(|| search.judge());
        put(draft, (name, group), to, judgement.as_ref());
    } else {
        let judgement = search.judge();
        nowhere(draft, name, &judgement);
    }
}

/// Whether the plan says for every node why or why not. It does so for groups that change their owner; a first placement
/// is explained when somebody asks.
fn is_explained(draft: &Draft<'_>, name: &GroupName) -> bool {
    let standing = draft.standing(name);
    standing.placement.last_owner.is_some() || standing.open.is_some() || draft.is_asked_about(name)
}

/// The last owner, where a group that is held may begin again.
pub(super) fn returns<'a>(draft: &Draft<'a>, name: &GroupName, hold: &hold::Hold) -> Option<&'a NodeName> {
    let last = draft.standing(name).placement.last_owner.as_ref().filter(|_| hold.in_place)?;
    draft.node(last).map(|(last, _)| last)
}

/// Locum must not start it by itself. A failover that was under way ends so.
fn held(draft: &mut Draft<'_>, name: &GroupName, judgement: &Judgement<'_>, reason: &str) {
    if draft.standing(name).held.is_some() {
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
    let until = |node: &NodeView| node.seen.down_at.map_or_else(String::new, |at| format!(" until {}", clock(at)));
    let running = draft.index.reports(group).iter().filter(|report| report.may_run());
    let mut reasons: Vec<(&NodeName, String)> = running
        .map(|report| (report.node, format!("{} may still run it{}", report.node, until(report.view))))
        .collect();
    let unheard = draft.index.unheard.iter().filter(|(_, node)| !node.may_run(group));
    reasons.extend(
        unheard.map(|(name, node)| {
            (*name, format!("{name} has not said yet what it runs, and may run it{}", until(node)))
        }),
    );
    reasons.sort_unstable();
    let leavers = draft.leavers().blockers(group);
    reasons.into_iter().map(|(_, reason)| reason).chain(leavers).collect()
}

/// The search of a group that is free. The node that it fails away from is out of the question.
pub(super) fn choice<'d, 'a>(draft: &'d Draft<'a>, name: &'a GroupName, group: &'a GroupView) -> Search<'d, 'a> {
    let standing = draft.standing(name);
    let failing = |intent: &Intent| matches!(intent.cause, Cause::ResourceFailed | Cause::StartFailed);
    let barred = standing.open.as_ref().filter(|intent| failing(intent));
    let barred = barred.and(standing.placement.last_owner.as_ref()).and_then(|last| draft.node(last));
    Search::new(draft, (name, group), barred.map(|(owner, _)| (owner, "it failed here just now")))
}

/// An operator's target first, then the one intended at the release, then the best.
fn target<'a>(draft: &Draft<'a>, name: &GroupName, search: &Search<'_, 'a>) -> Option<&'a NodeName> {
    let standing = draft.standing(name);
    let asked = draft.index.newest_move(name).and_then(|operation| operation.to.as_ref());
    let intended = standing.open.as_ref().and_then(|intent| intent.to.as_ref());
    let known = |node: &NodeName| draft.node(node).map(|(node, _)| node).filter(|node| search.is_eligible(node));
    // A failover goes back to where it came from only if nothing else is left. One that goes back to a preferred owner has
    // left nothing that was wrong.
    let fails = standing.open.as_ref().filter(|intent| intent.cause != Cause::Failback);
    let from = fails.and(standing.placement.last_owner.as_ref());
    let best = || from.and_then(|from| search.best_but(from)).or_else(|| search.best());
    asked.and_then(known).or_else(|| intended.and_then(known)).or_else(best)
}

fn put(
    draft: &mut Draft<'_>,
    (name, group): (&GroupName, &GroupView),
    to: &NodeName,
    judgement: Option<&Judgement<'_>>,
) {
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
    if let Some(judgement) = judgement {
        draft.explain(name, judgement.reasoning(Some(to), reason.clone()));
    }
    let by_operator = operate::has_chosen(draft, name, to);
    draft.place(Place { group: name.clone(), to: to.clone(), epoch, failover, by_operator, reason });
}

/// Above everything stored or heard of.
fn next_epoch(draft: &Draft<'_>, name: &GroupName) -> Epoch {
    let stored = draft.standing(name).placement.epoch;
    draft.index.highest_epoch(name).max(stored).next()
}

/// A change of owner of a group that was free for a while: why it does not begin again on its last owner.
fn unforeseen(draft: &Draft<'_>, name: &GroupName, group: &GroupView, to: &NodeName) -> Intent {
    let snapshot = draft.snapshot;
    let placement = &draft.standing(name).placement;
    let operator = draft.index.newest_start(name).map(|operation| operation.actor.clone());
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
fn nowhere(draft: &mut Draft<'_>, name: &GroupName, judgement: &Judgement<'_>) {
    let summary = format!("no node can take it ({})", judgement.listed());
    if let Some(open) = draft.standing(name).open.clone() {
        if matches!(open.cause, Cause::ResourceFailed | Cause::StartFailed) {
            set_mark(draft, name, &format!("it failed on its last owner, and {summary}"), None);
        }
        draft.close(name, Outcome::Blocked, summary.clone());
    }
    draft.explain(name, judgement.reasoning(None, summary));
}
