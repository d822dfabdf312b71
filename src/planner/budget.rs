//! How often has a group failed over by itself, and how often may it?

use super::snapshot::{GroupView, PastFailover, Snapshot};
use crate::domain::{GroupName, HumanDuration, OperationKind};

/// Failovers spent within the budget's period, and the budget. `(0, 0)` for a group that is not there.
pub fn budget(snapshot: &Snapshot, group: &GroupName) -> (u32, u32) {
    let Some(view) = snapshot.groups.get(group) else { return (0, 0) };
    let nodes = snapshot.nodes.values().filter(|node| !node.retired).count();
    let max = view.spec.failover.max_failovers.unwrap_or_else(|| count(nodes.saturating_sub(1)));
    let spent = if has_reset(snapshot, group) { 0 } else { count(spending(snapshot, view).count()) };
    (spent, max)
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

/// Whether an operator has just reset it.
pub(super) fn has_reset(snapshot: &Snapshot, group: &GroupName) -> bool {
    snapshot.operations.iter().any(|op| op.kind == OperationKind::Reset && op.target == group.as_str())
}

/// The sentence for a spent budget; none while something is left.
pub(super) fn spent(snapshot: &Snapshot, group: &GroupName) -> Option<String> {
    let period = snapshot.groups.get(group)?.spec.failover.period;
    let (spent, max) = budget(snapshot, group);
    (spent >= max).then(|| format!("its failover budget is spent: {spent} of {max} within {period}"))
}

/// The failovers within the budget's period, the one in progress included.
pub(super) fn within_period<'a>(snapshot: &Snapshot, view: &'a GroupView) -> impl Iterator<Item = PastFailover> + 'a {
    let open = view.open.as_ref().map(|open| PastFailover {
        cause: open.cause,
        from: open.from.clone(),
        at: open.detected_at,
    });
    let open = open.filter(|open| !view.recent.contains(open));
    let (now, period) = (snapshot.now, view.spec.failover.period);
    view.recent.iter().cloned().chain(open).filter(move |past| later(past.at, period) > now)
}

fn spending<'a>(snapshot: &Snapshot, view: &'a GroupView) -> impl Iterator<Item = PastFailover> + 'a {
    within_period(snapshot, view).filter(|past| past.cause.spends_budget())
}

/// When the budget will have something left again by the passing of time.
pub(super) fn regained_at(snapshot: &Snapshot, group: &GroupName) -> Option<jiff::Timestamp> {
    let view = snapshot.groups.get(group)?;
    spending(snapshot, view).map(|past| later(past.at, view.spec.failover.period)).min()
}

/// `at` and `duration` more; the end of time rather than an overflow.
pub(super) fn later(at: jiff::Timestamp, duration: HumanDuration) -> jiff::Timestamp {
    at.checked_add(duration.get()).unwrap_or(jiff::Timestamp::MAX)
}
