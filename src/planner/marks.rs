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
    if mark.retry_at <= snapshot.now || !group.is_wanted() || budget::has_reset(snapshot, name) {
        return true;
    }
    if budget::spent(snapshot, name).is_some() {
        return false;
    }
    let last = group.placement.last_owner.as_ref().map(|owner| (owner, "it failed here"));
    candidates::judge(draft, name, last).best().is_some()
}
