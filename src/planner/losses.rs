//! Which nodes were lost how often, which of them get nothing for a while, and are too many lost at once?

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::budget::later;
use super::snapshot::{NodeView, Snapshot};
use super::words::when;
use crate::domain::{Losses, NodeName, NodeState, NodeWanted, OperationKind};

/// A node that gets nothing for a while.
pub(super) struct Quarantined {
    pub until: Timestamp,
    /// "quarantined until 14:10:00 UTC: lost 3 times within 1h".
    pub reason: String,
}

/// Too many nodes are lost at once.
pub(super) struct Brake {
    pub until: Timestamp,
    pub reason: String,
}

/// The losses of the nodes of which one begins or ends now, or whose earlier ones an operator forgives by resuming it.
pub(super) fn changed(snapshot: &Snapshot) -> BTreeMap<NodeName, Losses> {
    let present = snapshot.nodes.iter().filter(|(_, node)| !node.retired);
    let resumes = snapshot.operations.iter().filter(|op| op.kind == OperationKind::Resume);
    let resumed: BTreeSet<&str> = resumes.map(|op| op.target.as_str()).collect();
    let updated = present.filter_map(|(name, node)| {
        let losses = update(snapshot, node, resumed.contains(name.as_str()));
        (losses != node.losses).then(|| (name.clone(), losses))
    });
    updated.collect()
}

/// `resumed`: whether an operator has just resumed it.
fn update(snapshot: &Snapshot, node: &NodeView, resumed: bool) -> Losses {
    let mut losses = node.losses.clone();
    if resumed && node.wanted == NodeWanted::Active {
        losses.moments.clear();
    }
    let lost = match node.seen.state {
        NodeState::Up => false,
        NodeState::Unreachable => losses.lost,
        NodeState::Down => true,
    };
    if lost != losses.lost {
        losses.lost = lost;
        if lost && is_ungraceful(snapshot, node) {
            losses.moments.push(node.seen.since.min(snapshot.now));
        }
        let policy = &snapshot.policy;
        let matters = |moment: &Timestamp| {
            let quarantine = later(later(*moment, policy.quarantine.period), policy.quarantine.duration);
            quarantine.max(later(*moment, policy.brake.hold)) > snapshot.now
        };
        losses.moments.retain(matters);
    }
    losses
}

/// Whether its loss came as a surprise: nobody had taken it out of service, and nobody said that it runs nothing.
fn is_ungraceful(snapshot: &Snapshot, node: &NodeView) -> bool {
    let maintained = node.spec.maintenance.as_ref().is_some_and(|maintenance| maintenance.lasts(snapshot.now));
    node.wanted == NodeWanted::Active && !maintained && node.confirmed_down.is_none()
}

/// The nodes that get nothing for a while: never more than a quarter of them, those that began it first.
pub(super) fn quarantined<'a>(
    snapshot: &'a Snapshot,
    changed: &BTreeMap<NodeName, Losses>,
) -> BTreeMap<&'a NodeName, Quarantined> {
    let present: Vec<_> = snapshot.nodes.iter().filter(|(_, node)| !node.retired).collect();
    let losses =
        |name: &NodeName, node: &'a NodeView| changed.get(name).cloned().unwrap_or_else(|| node.losses.clone());
    let flapping = present.iter().filter_map(|(name, node)| {
        let (began, quarantined) = flaps(snapshot, &losses(name, node))?;
        Some((began, *name, quarantined))
    });
    let mut flapping: Vec<_> = flapping.collect();
    flapping.sort_by_key(|(began, name, _)| (*began, *name));
    flapping.into_iter().take(present.len() / 4).map(|(_, name, quarantined)| (name, quarantined)).collect()
}

/// Whether these losses put a node into quarantine now: since when, and the quarantine.
fn flaps(snapshot: &Snapshot, losses: &Losses) -> Option<(Timestamp, Quarantined)> {
    let policy = snapshot.policy.quarantine;
    let enough = usize::try_from(policy.losses).ok().filter(|enough| *enough > 0)?;
    let windows = losses.moments.windows(enough);
    let close = windows.filter(|window| later(window[0], policy.period) >= window[enough - 1]);
    let lasting = close.map(|window| window[enough - 1]).filter(|last| later(*last, policy.duration) > snapshot.now);
    let triggers: Vec<Timestamp> = lasting.collect();
    let (first, last) = (*triggers.first()?, *triggers.last()?);
    let within = losses.moments.iter().filter(|at| **at <= last && later(**at, policy.period) >= last).count();
    let until = later(last, policy.duration);
    let until_when = when(until, snapshot.now);
    let often = if within == 1 { "once".to_owned() } else { format!("{within} times") };
    let reason = format!("quarantined until {until_when}: lost {often} within {}", policy.period);
    Some((first, Quarantined { until, reason }))
}

/// Whether a node counts for the brake: it is lost, and nobody meant it to be.
pub(super) fn counts(node: &NodeView) -> bool {
    node.seen.state == NodeState::Down && node.confirmed_down.is_none() && node.wanted != NodeWanted::Drained
}

/// Whether more nodes are lost at once than the policy lets Locum make good by itself.
pub(super) fn brake(snapshot: &Snapshot, changed: &BTreeMap<NodeName, Losses>) -> Option<Brake> {
    let policy = snapshot.policy.brake;
    let present = snapshot.nodes.iter().filter(|(_, node)| !node.retired);
    let total = present.clone().count() as u64;
    let lost = present.filter(|(_, node)| counts(node));
    let since = lost.map(|(name, node)| {
        let losses = changed.get(name).unwrap_or(&node.losses);
        // What is stored outlives a restart of the control plane, which sees every state begin anew.
        losses.moments.last().filter(|_| losses.lost).map_or(node.seen.since, |at| *at)
    });
    let since: Vec<Timestamp> = since.collect();
    let many = since.len() as u64;
    let too_many = policy.stops(many, total);
    let until = later(*since.iter().max()?, policy.hold);
    let reason = || {
        let until = when(until, snapshot.now);
        format!("{many} of {total} nodes are lost at once, so that failovers from lost nodes wait until {until}")
    };
    (too_many && until > snapshot.now).then(|| Brake { until, reason: reason() })
}
