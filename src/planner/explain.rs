//! Why is a group where it is, and why not elsewhere?

use super::candidates::Search;
use super::draft::Draft;
use super::failback;
use super::instances;
use super::plan::Reasoning;
use super::snapshot::Snapshot;
use crate::domain::{FailbackPolicy, GroupName};

/// The reasoning of the plan for this group; for a group that stays, why it stays and what speaks for each node.
pub(super) fn explain(snapshot: &Snapshot, group: &GroupName) -> Option<Reasoning> {
    let (name, view) = snapshot.groups.get_key_value(group)?;
    if let Some(reasoning) = super::decide(Draft::explaining(snapshot, name)).reasons.remove(name) {
        return Some(reasoning);
    }
    let draft = Draft::new(snapshot);
    let judgement = Search::new(&draft, (name, view), None).judge();
    let Some(owner) = view.placement.owner() else {
        let summary = match &view.failed {
            Some(mark) => format!("it failed: {}", mark.reason),
            None => "it is wanted offline".to_owned(),
        };
        return Some(judgement.reasoning(None, summary));
    };
    let stays = view.placement.assigned_to().is_some();
    let verb = if stays { "stays on" } else { "leaves" };
    let fails_back = view.spec.failback.policy != FailbackPolicy::Never;
    let back = fails_back.then(|| failback::note(&draft, (name, view))).flatten();
    let held = view.failed.as_ref().filter(|mark| mark.held.is_some());
    let partly = || instances::kept_back(snapshot, owner, name).map(|why| format!("without all of its hosts: {why}"));
    let waits = held.map(|mark| mark.reason.clone()).or_else(partly).or(back);
    let summary = match (stays, view.is_wanted()) {
        (true, true) if waits.is_some() => format!("it {verb} {owner}: {}", waits.unwrap_or_default()),
        (true, true) => format!("it {verb} {owner}: nothing asks to move it, and no group moves for a better place"),
        _ => format!("it {verb} {owner}"),
    };
    let mut reasoning = judgement.reasoning(stays.then_some(owner), summary);
    if let Some(verdict) = reasoning.verdicts.get_mut(owner) {
        *verdict = format!("its owner: {}", judgement.verdict(owner));
    }
    Some(reasoning)
}
