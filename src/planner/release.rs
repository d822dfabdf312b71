//! Which groups must leave a node that still answers, and why?

use jiff::Timestamp;

use super::budget::{self, later};
use super::candidates::Search;
use super::draft::Draft;
use super::plan::{Intent, Release};
use super::snapshot::{GroupView, NodeView, SeenFailure};
use super::{adopt, affinity, failback, hold, needs, operate};
use crate::domain::{
    Actor, Cause, FailedMark, FailureKind, GroupName, GroupState, HeldBy, NodeName, NodeState, NodeWanted, Operation,
    Priority,
};

/// A group, its name, and the node that owns it.
#[derive(Clone, Copy)]
struct Case<'a> {
    name: &'a GroupName,
    group: &'a GroupView,
    owner: &'a NodeName,
}

/// Tells owners to let go of groups that must stop or move. A lost owner is told nothing: see `prove`.
pub(super) fn release(draft: &mut Draft<'_>) {
    for (name, group) in draft.facts.order().to_vec() {
        let Some(owner) = group.placement.assigned_to() else { continue };
        let case = Case { name, group, owner };
        match draft.node(owner) {
            Some((_, node)) if node.seen.state != NodeState::Down => consider(draft, case, node),
            _ => {}
        }
    }
}

/// Tells owners to let go of groups that go back to a preferred owner. Once all else has its place: who must move comes
/// before who may.
pub(super) fn give_back(draft: &mut Draft<'_>) {
    for (name, group) in draft.facts.order().to_vec() {
        let Some(back) = failback::back(draft, (name, group)).filter(failback::Back::is_due) else { continue };
        let Some(owner) = draft.standing(name).placement.assigned_to().cloned() else { continue };
        let reason = format!("{} can take it again", back.to);
        let intent = intent(draft, Cause::Failback, Some(back.to));
        let judgement = Search::new(draft, (name, group), None).judge();
        draft.explain(name, judgement.reasoning(Some(back.to), reason.clone()));
        draft.release(Release { group: name.clone(), from: owner, failover: Some(intent), reason });
    }
}

/// The first reason that holds decides.
fn consider<'a>(draft: &mut Draft<'a>, case: Case<'a>, node: &NodeView) {
    if case.group.retired {
        return draft.release(stop(case, "it is no longer in the topology"));
    }
    if !case.group.is_wanted() {
        return draft.release(stop(case, "it is wanted offline"));
    }
    if let Some(other) = adopt::usurper(draft, case.name, case.group) {
        let reason = format!("{other} runs it under a higher epoch, so {} must not", case.owner);
        let intent = intent(draft, Cause::TopologyChange, Some(other));
        return draft.release(failover(case, intent, reason));
    }
    if !node.speaks() {
        return; // what it runs is not known: it is either heard again or proven down
    }
    let report = draft.index.report(case.name, case.owner);
    let seen = report.map(|report| report.seen).filter(|seen| seen.epoch == case.group.placement.epoch);
    if let Some(failure) = seen.and_then(|seen| seen.failure.as_ref()) {
        return failed(draft, case, node, failure);
    }
    if !case.group.allows(case.owner, node) {
        let reason = format!("{} is no longer a possible owner", case.owner);
        return must_go(draft, case, Cause::TopologyChange, reason);
    }
    if let Some(mate) = affinity::must_yield_to(draft, (case.name, case.group), case.owner)
        && yields(draft, case, mate)
    {
        return;
    }
    let stuck = seen.is_some_and(|seen| matches!(seen.state, GroupState::Failed | GroupState::PartialOnline));
    if stuck && draft.index.has_reset(case.name) {
        return draft.release(stop(case, reset(case.group)));
    }
    if let Some(operation) = draft.index.newest_move(case.name)
        && moved(draft, case, operation)
    {
        return;
    }
    if node.wanted == NodeWanted::Drained {
        drained(draft, case);
    }
}

fn reset(group: &GroupView) -> &'static str {
    match group.spec.priority {
        Priority::NoAutoStart => "it was reset: an operator can bring it online again",
        _ => "it was reset: it begins again",
    }
}

/// A resource is beyond its restart policy.
fn failed<'a>(draft: &mut Draft<'a>, case: Case<'a>, node: &NodeView, failure: &SeenFailure) {
    let cause = match failure.kind {
        FailureKind::ResourceFailed => Cause::ResourceFailed,
        FailureKind::StartFailed => Cause::StartFailed,
    };
    let reason = format!("{} on {}: {}", failure.resource, case.owner, failure.reason);
    let search = Search::new(draft, (case.name, case.group), Some((case.owner, "it failed here just now")));
    let (best, judgement) = (search.best(), search.judge());
    let detected_at = failure.at.min(draft.snapshot.now);
    let stays = case.group.failed.as_ref().and_then(|mark| mark.held);
    if stays.is_some() && draft.index.has_reset(case.name) {
        draft.mark(case.name, None);
        return draft.release(stop(case, reset(case.group)));
    }
    if let Some(hold) = hold::hold(draft, (case.name, case.group), Some(cause)) {
        if node.wanted == NodeWanted::Drained && best.is_some() {
            draft.mark(case.name, None);
            return drained(draft, case);
        }
        let reason = hold.after(&reason);
        if stays.is_none() {
            draft.hold(case.name, Some(case.owner), cause, (reason.clone(), detected_at));
        }
        draft.explain(case.name, judgement.reasoning(None, reason.clone()));
        let Some(by) = hold.by else { return draft.release(stop(case, &reason)) };
        return stay(draft, case, (by, hold.until), &reason);
    }
    if stays.is_some() {
        draft.mark(case.name, None);
        if let Some(operation) = draft.index.newest_move(case.name)
            && moved(draft, case, operation)
        {
            return;
        }
    }
    if stays == Some(HeldBy::CommonDependency) {
        let still_down = hold::dependency(draft.snapshot, case.name).is_some();
        let why = if still_down { "an operator asks for it" } else { "its common dependency is no longer down" };
        return draft.release(stop(case, &format!("{why}: it begins again")));
    }
    if let Some(held) = held_back(draft, case.name, best, || judgement.listed()) {
        let retry_after = case.group.spec.resources.iter().find(|r| r.name == failure.resource);
        let retry_after = retry_after.map(|resource| resource.restart.retry_after);
        set_mark(draft, case.name, &format!("{reason}; {held}"), retry_after);
        draft.hold(case.name, Some(case.owner), cause, (format!("{reason}; {held}"), detected_at));
        draft.explain(case.name, judgement.reasoning(None, held));
        return draft.release(stop(case, &reason));
    }
    let intent = Intent { detected_at, ..intent(draft, cause, best) };
    draft.explain(case.name, judgement.reasoning(best, reason.clone()));
    draft.release(failover(case, intent, reason));
}

/// Its failover is held back: what still runs of it goes on where it is. The mark says so, and that it was recorded.
fn stay(draft: &mut Draft<'_>, case: Case<'_>, (by, until): (HeldBy, Option<Timestamp>), reason: &str) {
    let now = draft.snapshot.now;
    let known = case.group.failed.as_ref().filter(|mark| mark.reason == reason && mark.held == Some(by));
    if known.is_none_or(|mark| mark.retry_at <= now) {
        let longest = case.group.spec.resources.iter().map(|resource| resource.restart.retry_after).max();
        let retry_at = until.unwrap_or_else(|| later(now, longest.unwrap_or_default()));
        let mark = FailedMark { reason: reason.to_owned(), at: now, retry_at, held: Some(by) };
        draft.mark(case.name, Some(mark));
    }
}

/// Why a failover that is needed can't be: no node, or no budget.
pub(super) fn held_back(
    draft: &Draft<'_>,
    name: &GroupName,
    best: Option<&NodeName>,
    listed: impl FnOnce() -> String,
) -> Option<String> {
    match best {
        None => Some(format!("no other node can take it ({})", listed())),
        Some(_) => budget::spent(draft, name),
    }
}

/// Marks a group as failed until `retry_after`, or the longest of its resources.
pub(super) fn set_mark(
    draft: &mut Draft<'_>,
    name: &GroupName,
    reason: &str,
    retry_after: Option<crate::domain::HumanDuration>,
) {
    let Some(group) = draft.snapshot.groups.get(name) else { return };
    let longest = || group.spec.resources.iter().map(|resource| resource.restart.retry_after).max();
    let retry_after = retry_after.or_else(longest).unwrap_or_default();
    let at = draft.snapshot.now;
    draft.mark(name, Some(FailedMark { reason: reason.to_owned(), at, retry_at: later(at, retry_after), held: None }));
}

/// It must not go on where it is, even if no other node can take it.
fn must_go<'a>(draft: &mut Draft<'a>, case: Case<'a>, cause: Cause, reason: String) {
    let search = Search::new(draft, (case.name, case.group), None);
    let (best, judgement) = (search.best(), search.judge());
    draft.explain(case.name, judgement.reasoning(best, reason.clone()));
    if best.is_some() {
        let intent = intent(draft, cause, best);
        return draft.release(failover(case, intent, reason));
    }
    let why = format!("{reason}, and no other node can take it ({})", judgement.listed());
    draft.hold(case.name, Some(case.owner), cause, (why, draft.snapshot.now));
    draft.release(stop(case, &reason));
}

/// Enforced anti-affinity: the later one goes, or stops if it can go nowhere. Not while somebody maintains it.
fn yields<'a>(draft: &mut Draft<'a>, case: Case<'a>, mate: &GroupName) -> bool {
    let reason = format!("it never shares a node with {mate}, which is on {} too", case.owner);
    if let Some((maintenance, _)) = hold::maintenance_on(draft.snapshot, case.name, case.owner) {
        let judgement = Search::new(draft, (case.name, case.group), None).judge();
        draft.explain(case.name, judgement.reasoning(None, format!("{reason}; {maintenance}")));
        return false;
    }
    must_go(draft, case, Cause::AntiAffinity, reason);
    true
}

/// An operator moves it. Whether that is possible; if not, the operation says why.
fn moved<'a>(draft: &mut Draft<'a>, case: Case<'a>, operation: &Operation) -> bool {
    if operate::is_under_way(case.group.open.as_deref(), operation) || operation.to.as_ref() == Some(case.owner) {
        return false;
    }
    if !needs::would_wait(draft, (case.name, case.group)).is_empty() {
        return false; // it would stop here, and not start there
    }
    let search = Search::new(draft, (case.name, case.group), Some((case.owner, "moved away from here")));
    let target = match &operation.to {
        Some(to) => search.is_eligible(to).then_some(to),
        None => search.best(),
    };
    let Some(target) = target else { return false };
    let judgement = search.judge();
    let why = operation.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let reason = format!("{} moves it to {target}{why}", operation.actor);
    let intent = Intent { actor: operation.actor.clone(), ..intent(draft, Cause::OperatorMove, Some(target)) };
    draft.explain(case.name, judgement.reasoning(Some(target), reason.clone()));
    draft.release(failover(case, intent, reason));
    true
}

/// Its node is drained: it moves if another node can take it, else it stays.
fn drained<'a>(draft: &mut Draft<'a>, case: Case<'a>) {
    let search = Search::new(draft, (case.name, case.group), None);
    let (best, judgement) = (search.best(), search.judge());
    let Some(target) = best else {
        let summary = format!("it stays on {}, which is drained: no other node can take it", case.owner);
        return draft.explain(case.name, judgement.reasoning(None, summary));
    };
    let waits = needs::would_wait(draft, (case.name, case.group));
    if !waits.is_empty() {
        let why = waits.join("; ");
        let summary = format!("it stays on {}, which is drained, since it would not start again: {why}", case.owner);
        return draft.explain(case.name, judgement.reasoning(None, summary));
    }
    let reason = format!("{} is drained", case.owner);
    let actor = operate::drained_by(draft, case.owner);
    let intent = Intent { actor, ..intent(draft, Cause::Drain, Some(target)) };
    draft.explain(case.name, judgement.reasoning(Some(target), reason.clone()));
    draft.release(failover(case, intent, reason));
}

fn intent(draft: &Draft<'_>, cause: Cause, to: Option<&NodeName>) -> Intent {
    Intent { cause, actor: Actor::locum(), to: to.cloned(), detected_at: draft.snapshot.now }
}

fn stop(case: Case<'_>, reason: &str) -> Release {
    Release { group: case.name.clone(), from: case.owner.clone(), failover: None, reason: reason.to_owned() }
}

fn failover(case: Case<'_>, intent: Intent, reason: String) -> Release {
    Release { group: case.name.clone(), from: case.owner.clone(), failover: Some(intent), reason }
}
