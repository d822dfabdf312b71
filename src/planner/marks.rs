//! Which failed groups begin again?

use super::draft::Draft;
use super::snapshot::GroupView;
use super::{budget, candidates};
use crate::domain::GroupName;

/// Clears the marks whose reason is gone or whose time has come.
pub(super) fn lift(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    for (name, group) in &snapshot.groups {
        if is_over(draft, name, group) && !draft.plan.marks.contains_key(name) {
            draft.mark(name, None);
        }
    }
}

fn is_over(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> bool {
    let Some(mark) = &group.failed else { return false };
    let snapshot = draft.snapshot;
    if mark.held.is_some() {
        return !is_still_held(draft, name, group);
    }
    if mark.retry_at <= snapshot.now || !group.is_wanted() || budget::has_reset(snapshot, name) {
        return true;
    }
    if budget::spent(snapshot, name).is_some() {
        return false;
    }
    let last = group.placement.last_owner.as_ref().map(|owner| (owner, "it failed here"));
    candidates::judge(draft, name, last).best().is_some()
}

/// Whether what was held back still waits: the group is on its owner as it was. Of an owner that does not answer nothing
/// new is known.
fn is_still_held(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> bool {
    let Some(owner) = draft.standing(name).placement.assigned_to() else { return false };
    let silent = draft.snapshot.nodes.get(owner).is_some_and(|node| !node.speaks());
    let fails = || draft.snapshot.seen_on_owner(name).is_some_and(|seen| seen.failure.is_some());
    group.is_wanted() && (silent || fails())
}
