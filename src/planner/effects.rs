//! What does a plan change in the store? Whole rows, ready to be written in one transaction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::replay::KeptPlan;
use super::snapshot::{GroupView, PastFailover, Snapshot};
use crate::domain::{
    Assignment, Decision, FailedMark, FailoverRecord, GroupName, Losses, NewEvent, NodeName, Operation, Outcome,
    Placement,
};

/// What one commit writes. The store applies it as it stands: every rule was applied before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effects {
    /// The decision of this commit: that of the snapshot plus one, or higher after higher ones were heard of.
    pub decision: Decision,
    /// New placements, by group.
    pub placements: BTreeMap<GroupName, Placement>,
    /// Failover records, opened or updated.
    pub failovers: Vec<FailoverRecord>,
    /// New assignments, only of nodes whose assignment changes; each gets this commit's decision.
    pub assignments: BTreeMap<NodeName, Assignment>,
    /// Failed marks to set or clear.
    pub marks: BTreeMap<GroupName, Option<FailedMark>>,
    /// Groups whose earlier failovers no longer count against the budget.
    pub budgets_reset: Vec<GroupName>,
    /// Operations that were updated.
    pub operations: Vec<Operation>,
    /// Nodes whose confirmation as down no longer counts.
    pub withdrawn_confirmations: Vec<NodeName>,
    /// Nodes of which a loss begins or ends.
    #[serde(default)]
    pub losses: BTreeMap<NodeName, Losses>,
    pub forget_nodes: Vec<NodeName>,
    pub forget_groups: Vec<GroupName>,
    pub events: Vec<NewEvent>,
    /// The plan itself, where it made failovers what they are: to be replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptPlan>,
}

impl Effects {
    /// The snapshot as a store that commits them would load it. What is seen stays as it is.
    pub fn apply_to(&self, snapshot: &mut Snapshot) {
        snapshot.decision = self.decision;
        let mut records: BTreeMap<&GroupName, Vec<&FailoverRecord>> = BTreeMap::new();
        for record in &self.failovers {
            records.entry(&record.group).or_default().push(record);
        }
        for (name, group) in &mut snapshot.groups {
            self.apply_to_group(name, group, records.get(name).map_or(&[], Vec::as_slice));
        }
        for (name, node) in &mut snapshot.nodes {
            if let Some(assignment) = self.assignments.get(name) {
                node.assignment = assignment.clone();
                node.assigned_at = self.decision;
            }
            if self.withdrawn_confirmations.contains(name) {
                node.confirmed_down = None;
            }
            if let Some(losses) = self.losses.get(name) {
                node.losses.clone_from(losses);
            }
        }
        for updated in &self.operations {
            snapshot.operations.iter_mut().filter(|op| op.id == updated.id).for_each(|op| *op = updated.clone());
        }
        snapshot.operations.retain(Operation::is_running);
        snapshot.nodes.retain(|name, _| !self.forget_nodes.contains(name));
        snapshot.groups.retain(|name, _| !self.forget_groups.contains(name));
    }

    fn apply_to_group(&self, name: &GroupName, group: &mut GroupView, records: &[&FailoverRecord]) {
        if let Some(placement) = self.placements.get(name) {
            group.placement = placement.clone();
        }
        if let Some(mark) = self.marks.get(name) {
            group.failed.clone_from(mark);
        }
        if self.budgets_reset.contains(name) {
            group.recent.clear();
        }
        for record in records {
            let past = PastFailover { cause: record.cause, from: record.from.clone(), at: record.detected_at };
            // Only failovers that ran are remembered: one that ended blocked did not.
            group.recent.retain(|known| *known != past);
            if record.outcome != Outcome::Blocked {
                group.recent.push(past);
            }
            if record.outcome == Outcome::InProgress {
                group.open = Some(Box::new((*record).clone()));
            } else if group.open.as_ref().is_some_and(|open| open.id == record.id) {
                group.open = None;
            }
        }
    }
}
