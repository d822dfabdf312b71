//! What does a plan change in the store? Whole rows, ready to be written in one transaction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Assignment, Decision, FailedMark, FailoverRecord, GroupName, NewEvent, NodeName, Operation, Placement,
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
    pub forget_nodes: Vec<NodeName>,
    pub forget_groups: Vec<GroupName>,
    pub events: Vec<NewEvent>,
}
