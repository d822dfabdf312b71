//! Where will a group be once the plan so far is committed, and for which nodes does it count?

use super::affinity;
use super::draft::Draft;
use super::plan::Intent;
use super::snapshot::GroupView;
use crate::domain::{Cause, FailedMark, GroupName, NodeName, Placement};

/// A group as it will be once the plan so far is committed.
#[derive(Clone)]
pub(super) struct Standing {
    pub placement: Placement,
    pub mark: Option<FailedMark>,
    /// The failover in progress, stored or opened by this plan.
    pub open: Option<Intent>,
    /// The cause of a failover that this plan holds back.
    pub held: Option<Cause>,
    /// Which of the plan's placements is its own.
    pub placed: Option<usize>,
}

/// The nodes that a group counts for.
#[derive(PartialEq, Eq)]
pub(super) struct At<'a> {
    /// Whose load it adds to.
    pub bound_for: Option<&'a NodeName>,
    /// From which it keeps others of its anti-affinity classes.
    pub kept_free: Vec<&'a NodeName>,
}

impl<'a> At<'a> {
    pub fn of(draft: &Draft<'a>, (name, view): (&'a GroupName, &'a GroupView), standing: &Standing) -> Self {
        let known = |node: &NodeName| draft.node(node).map(|(name, _)| name);
        let bound_for = standing.destination().and_then(known);
        let mut kept_free = Vec::new();
        if !view.spec.anti_affinity.is_empty() {
            kept_free.extend(bound_for);
            if affinity::is_enforced(draft.snapshot) {
                kept_free.extend(standing.placement.owner().and_then(known));
                let running = draft.index.reports(name).iter().filter(|report| report.may_run());
                kept_free.extend(running.map(|report| report.node));
            }
            kept_free.sort_unstable();
            kept_free.dedup();
        }
        Self { bound_for, kept_free }
    }
}

impl Standing {
    /// The node that owns the group, or that it is on its way to.
    pub fn destination(&self) -> Option<&NodeName> {
        let intended = || self.open.as_ref().and_then(|intent| intent.to.as_ref());
        self.placement.assigned_to().or_else(intended)
    }

    pub fn stored(group: &GroupView) -> Self {
        let open = group.open.as_ref().map(|record| Intent {
            cause: record.cause,
            actor: record.actor.clone(),
            to: record.to.clone(),
            detected_at: record.detected_at,
        });
        Self { placement: group.placement.clone(), mark: group.failed.clone(), open, held: None, placed: None }
    }
}
