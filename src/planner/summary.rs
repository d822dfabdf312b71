//! What does a plan do, in words that an operator reads before saying yes?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{GroupName, NodeName};

/// A plan in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct PlanSummary {
    /// In the order of the groups' names.
    pub lines: Vec<PlanLine>,
    /// Whether a group that runs now would stop, restart or move.
    pub disturbs: bool,
}

/// What happens to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanLine {
    pub action: PlanAction,
    pub group: GroupName,
    pub from: Option<NodeName>,
    pub to: Option<NodeName>,
    /// A sentence.
    pub reason: String,
}

/// What kind of thing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    Start,
    Stop,
    Move,
    /// Its resources changed: those restart in place.
    Restart,
    /// It should run and no node can take it, or it is held back.
    Wait,
    /// It leaves the topology.
    Remove,
}
