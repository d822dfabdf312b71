//! How often has a group failed over by itself, and how often may it?

use jiff::Timestamp;

use super::draft::Draft;
use super::snapshot::{GroupView, PastFailover, Snapshot};
use crate::domain::{Cause, GroupName, HumanDuration, NodeName};

/// Failovers spent within the budget's period, and the budget. `(0, 0)` for a group that is not there.
pub(super) fn budget(draft: &Draft<'_>, group: &GroupName) -> (u32, u32) {
    let Some(view) = draft.snapshot.groups.get(group) else { return (0, 0) };
    let max = view.spec.failover.max_failovers.unwrap_or_else(|| count(draft.index.members.saturating_sub(1)));
    let spent = if draft.index.has_reset(group) { 0 } else { count(spending(draft.snapshot, view).count()) };
    (spent, max)
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

/// The sentence for a spent budget; none while something is left.
pub(super) fn spent(draft: &Draft<'_>, group: &GroupName) -> Option<String> {
    let period = draft.snapshot.groups.get(group)?.spec.failover.period;
    let (spent, max) = budget(draft, group);
    (spent >= max).then(|| format!("its failover budget is spent: {spent} of {max} within {period}"))
}

/// An earlier failover, or the one in progress.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Past<'a> {
    pub cause: Cause,
    pub from: Option<&'a NodeName>,
    at: Timestamp,
}

impl<'a> From<&'a PastFailover> for Past<'a> {
    fn from(past: &'a PastFailover) -> Self {
        Self { cause: past.cause, from: past.from.as_ref(), at: past.at }
    }
}

/// The failovers within the budget's period, the one in progress included.
pub(super) fn within_period<'a>(snapshot: &Snapshot, view: &'a GroupView) -> impl Iterator<Item = Past<'a>> + use<'a> {
    let open =
        view.open.as_ref().map(|open| Past { cause: open.cause, from: open.from.as_ref(), at: open.detected_at });
    let open = open.filter(|open| !view.recent.iter().any(|past| Past::from(past) == *open));
    let (now, period) = (snapshot.now, view.spec.failover.period);
    view.recent.iter().map(Past::from).chain(open).filter(move |past| later(past.at, period) > now)
}

fn spending<'a>(snapshot: &Snapshot, view: &'a GroupView) -> impl Iterator<Item = Past<'a>> + use<'a> {
    within_period(snapshot, view).filter(|past| past.cause.spends_budget())
}

/// When the budget will have something left again by the passing of time.
pub(super) fn regained_at(snapshot: &Snapshot, group: &GroupName) -> Option<Timestamp> {
    let view = snapshot.groups.get(group)?;
    spending(snapshot, view).map(|past| later(past.at, view.spec.failover.period)).min()
}

/// `at` and `duration` more; the end of time rather than an overflow.
pub(super) fn later(at: Timestamp, duration: HumanDuration) -> Timestamp {
    at.checked_add(duration.get()).unwrap_or(Timestamp::MAX)
}
