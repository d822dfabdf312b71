//! Which failed groups begin again?

use super::budget;
use super::candidates::Search;
use super::draft::Draft;
use super::snapshot::GroupView;
use crate::domain::GroupName;

/// Clears the marks whose reason is gone or whose time has come.
pub(super) fn lift(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    for (name, group) in snapshot.groups.iter().filter(|(_, group)| group.failed.is_some()) {
        if is_over(draft, name, group) && !draft.plan.marks.contains_key(name) {
            draft.mark(name, None);
        }
    }
}

fn is_over<'a>(draft: &Draft<'a>, name: &'a GroupName, group: &'a GroupView) -> bool {
    let Some(mark) = &group.failed else { return false };
    let snapshot = draft.snapshot;
    if mark.retry_at <= snapshot.now || !group.is_wanted() || draft.index.has_reset(name) {
        return true;
    }
    if budget::spent(draft, name).is_some() {
        return false;
    }
    let last = group.placement.last_owner.as_ref().map(|owner| (owner, "it failed here"));
    Search::new(draft, (name, group), last).best().is_some()
}
