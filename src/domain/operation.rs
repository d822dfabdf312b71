//! What is an operation: an operator's action that takes time, and where it stands?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Actor, ClusterName, Decision, NodeName};

/// Which action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Move a group to a node, or to the best one.
    Move,
    /// Want a group online.
    Online,
    /// Want a group offline.
    Offline,
    /// Forget that a group failed, and its spent budget.
    Reset,
    /// Place nothing new on a node.
    Pause,
    /// Move everything off a node.
    Drain,
    /// Let a node run groups again.
    Resume,
    /// An operator's word that a silent node runs nothing.
    ConfirmDown,
}

impl OperationKind {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Reset => "reset",
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Resume => "resume",
            Self::ConfirmDown => "confirm_down",
        }
    }

    /// Whether its target is a node; else it is a group.
    pub const fn targets_node(self) -> bool {
        matches!(self, Self::Pause | Self::Drain | Self::Resume | Self::ConfirmDown)
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Accepted and not yet done.
    Running,
    Succeeded,
    Failed,
    /// Something newer was asked for before it was done.
    Superseded,
}

impl OperationState {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

/// An action that takes time. Its final state is stored with the plan that reached it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    pub id: Uuid,
    pub cluster: ClusterName,
    pub kind: OperationKind,
    /// The name of the group or node that it is about.
    pub target: String,
    /// For a move: where to; null for the best node.
    pub to: Option<NodeName>,
    pub reason: Option<String>,
    pub actor: Actor,
    pub state: OperationState,
    /// What it waits for, what it did, or why it failed and what to do next.
    pub message: String,
    /// The decision that accepted it.
    pub decision: Decision,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}
