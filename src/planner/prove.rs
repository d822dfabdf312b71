//! Which owners are known to have stopped a group, and by what proof?

use super::draft::Draft;
use super::place::blockers;
use super::plan::{Intent, Plan, Proof};
use super::release::{held_back, set_mark};
use super::snapshot::{GroupView, NodeView, Snapshot};
use super::words::clock;
use super::{affinity, candidates, hold};
use crate::domain::{
    Actor, Cause, Decision, FailureKind, GroupName, NodeName, NodeState, PlacementPhase, Priority, ReleaseProof,
};

/// Stores the proofs that have come true since the last plan.
pub(super) fn prove(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    for name in draft.facts.order().to_vec() {
        let group = &snapshot.groups[name];
        let Some(owner) = group.placement.owner() else { continue };
        let Some(node) = snapshot.nodes.get(owner) else { continue };
        let found = match group.placement.phase {
            PlacementPhase::Releasing { decision } => {
                silenced(owner, node).or_else(|| acknowledged(name, owner, node, decision))
            }
            _ => silenced(owner, node),
        };
        let Some((proof, evidence)) = found else { continue };
        let reason = evidence.clone();
        let from = owner.clone();
        let proof = Proof { group: name.clone(), from, proof, evidence, failover: None, reason };
        if matches!(group.placement.phase, PlacementPhase::Held) {
            lost(draft, group, node, proof);
        } else {
            draft.prove(proof);
        }
    }
}

/// The node is down: by an operator's word, or because its lease has passed.
fn silenced(name: &NodeName, node: &NodeView) -> Option<(ReleaseProof, String)> {
    if node.seen.state != NodeState::Down {
        return None;
    }
    let Some(word) = &node.confirmed_down else {
        let evidence = format!("the last lease of {name} has passed at {}", clock(node.seen.since));
        return Some((ReleaseProof::LeaseExpired, evidence));
    };
    let why = word.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    Some((ReleaseProof::OperatorConfirmed, format!("{} confirmed that {name} runs nothing{why}", word.actor)))
}

/// The owner answers, has applied the decision that takes the group away, and reports it stopped.
fn acknowledged(group: &GroupName, name: &NodeName, node: &NodeView, told: Decision) -> Option<(ReleaseProof, String)> {
    let applied = node.seen.applied.filter(|applied| node.speaks() && *applied >= told)?;
    let evidence = format!("{name} has applied decision {applied} and reports it stopped");
    (!node.may_run(group)).then_some((ReleaseProof::Acknowledged, evidence))
}

/// The owner is gone without having been told to let go: a failover, if it is possible.
fn lost(draft: &mut Draft<'_>, group: &GroupView, node: &NodeView, proof: Proof) {
    let name = proof.group.clone();
    let elsewhere = draft.snapshot.nodes.values().any(|other| other.may_run(&name));
    if !group.is_wanted() || elsewhere {
        return draft.prove(proof);
    }
    let reason = format!("{} was lost", proof.from);
    let detected_at = node.seen.silent_since.unwrap_or(node.seen.since).min(draft.snapshot.now);
    let judgement = candidates::judge(draft, &name, None);
    // The loss of a node that was to leave the group anyway does not count against its budget.
    let leaving = !group.allows(&proof.from, node);
    let cause = if leaving { Cause::TopologyChange } else { Cause::NodeLost };
    let held = held_back(draft, &name, &judgement).filter(|_| !leaving || judgement.best().is_none());
    // While a node may still turn out to run it, nothing is ruled out yet.
    let undecided = judgement.best().is_none() && !blockers(draft, &name).is_empty();
    draft.explain(&name, judgement.reasoning(judgement.best(), reason.clone()));
    if group.failed.as_ref().is_some_and(|mark| mark.held.is_some()) {
        draft.mark(&name, None);
    }
    let hold = hold::hold(draft, &name, Some(cause)).filter(|_| held.is_none() || judgement.best().is_none());
    if let Some(hold) = hold {
        let reason = hold.after(&reason);
        draft.explain(&name, judgement.reasoning(None, reason.clone()));
        draft.hold(&name, Some(&proof.from), cause, (reason.clone(), detected_at));
        return draft.prove(Proof { reason, ..proof });
    }
    let Some(held) = held.filter(|_| !undecided) else {
        let to = judgement.best().cloned();
        let intent = Intent { cause, actor: Actor::locum(), to, detected_at };
        return draft.prove(Proof { failover: Some(intent), reason, ..proof });
    };
    let reason = format!("{reason}; {held}");
    if judgement.best().is_some() {
        set_mark(draft, &name, &reason, None);
    }
    draft.explain(&name, judgement.reasoning(None, reason.clone()));
    draft.hold(&name, Some(&proof.from), cause, (reason.clone(), detected_at));
    draft.prove(Proof { reason, ..proof });
}

/// Why a group that `plan` releases for certain has left its owner; `None` when an operator wished it offline.
pub(super) fn cause(snapshot: &Snapshot, plan: &Plan, name: &GroupName) -> Option<Cause> {
    let group = snapshot.groups.get(name).filter(|group| group.is_wanted())?;
    let opened = plan.proofs.iter().find(|proof| proof.group == *name).and_then(|proof| proof.failover.as_ref());
    let held = || plan.held.iter().find(|held| held.group == *name).map(|held| held.cause);
    let open = || group.open.as_ref().map(|open| open.cause);
    opened
        .map(|intent| intent.cause)
        .or_else(held)
        .or_else(|| matches!(group.placement.phase, PlacementPhase::Held).then_some(Cause::NodeLost))
        .or_else(open)
        .or_else(|| forced(snapshot, name, group))
}

/// The cause of a release that no failover record tells: it was held back, and its record is closed.
fn forced(snapshot: &Snapshot, name: &GroupName, group: &GroupView) -> Option<Cause> {
    let failed = || {
        let kind = snapshot.seen_on_owner(name).and_then(|seen| seen.failure.as_ref()).map(|failure| failure.kind);
        Some(match kind {
            Some(FailureKind::StartFailed) => Cause::StartFailed,
            Some(FailureKind::ResourceFailed) | None => Cause::ResourceFailed,
        })
    };
    if group.failed.is_some() {
        return failed();
    }
    let owner = group.placement.owner()?;
    if snapshot.nodes.get(owner).is_none_or(|node| !group.allows(owner, node)) {
        return Some(Cause::TopologyChange);
    }
    if affinity::has_yielded(snapshot, group, owner) {
        return Some(Cause::AntiAffinity);
    }
    // It gets no mark when it fails, and nothing else stops a group of this priority that is wanted online.
    if group.spec.priority == Priority::NoAutoStart { failed() } else { None }
}
