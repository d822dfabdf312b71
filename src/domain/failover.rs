//! What is recorded of a change of owner: why, by whom, when each part happened, and the proof.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Actor, ClusterName, Decision, Epoch, GroupName, NodeName};

/// Why a group changes its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    NodeLost,
    ResourceFailed,
    StartFailed,
    OperatorMove,
    Drain,
    /// It goes back to a preferred owner.
    Failback,
    TopologyChange,
    /// It shares its node with a group that it must keep away from.
    AntiAffinity,
}

impl Cause {
    /// Whether a failover of this cause spends the group's failover budget.
    pub const fn spends_budget(self) -> bool {
        matches!(self, Self::NodeLost | Self::ResourceFailed | Self::StartFailed)
    }

    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeLost => "node_lost",
            Self::ResourceFailed => "resource_failed",
            Self::StartFailed => "start_failed",
            Self::OperatorMove => "operator_move",
            Self::Drain => "drain",
            Self::Failback => "failback",
            Self::TopologyChange => "topology_change",
            Self::AntiAffinity => "anti_affinity",
        }
    }
}

/// Why the old owner is known to have stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseProof {
    /// It reported so, having applied the decision that takes the group away.
    Acknowledged,
    /// Its lease has passed, by the control plane's clock and the drift bound.
    LeaseExpired,
    /// An operator said so.
    OperatorConfirmed,
    /// There was no owner before.
    NeverStarted,
}

impl ReleaseProof {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::LeaseExpired => "lease_expired",
            Self::OperatorConfirmed => "operator_confirmed",
            Self::NeverStarted => "never_started",
        }
    }
}

/// How a failover ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    InProgress,
    /// The group is online on its new owner.
    Succeeded,
    /// The new owner could not bring it online.
    Failed,
    /// It was wanted and held back: no node could take it, or the budget was spent.
    Blocked,
    /// Something newer was decided before it was done.
    Superseded,
}

impl Outcome {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Superseded => "superseded",
        }
    }
}

/// A recorded change of owner, planned or not, done or held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailoverRecord {
    pub id: Uuid,
    pub cluster: ClusterName,
    pub group: GroupName,
    pub cause: Cause,
    /// Who asked for it; `locum` when it happened by itself.
    pub actor: Actor,
    /// A sentence: why it happened.
    pub reason: String,
    pub from: Option<NodeName>,
    /// The new owner; null while none is known, and in a failover that was held back.
    pub to: Option<NodeName>,
    /// The epoch of the new placement; null until it is stored.
    pub epoch: Option<Epoch>,
    pub release_proof: Option<ReleaseProof>,
    /// What the proof rests on, as a sentence.
    pub release_evidence: Option<String>,
    pub outcome: Outcome,
    /// When the need was seen.
    #[schema(value_type = String, format = DateTime)]
    pub detected_at: Timestamp,
    /// When the release proof was stored.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub released_at: Option<Timestamp>,
    /// When the new owner reported to have begun.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub start_begun_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub online_at: Option<Timestamp>,
    /// Milliseconds of each finished phase: `release` (detected to released), `place` (to start begun), `start` (to
    /// online). They sum to the downtime that the control plane saw.
    pub phases_ms: BTreeMap<String, u64>,
    /// The largest overlap of two owners that was possible, in ms: 0 with a proof.
    pub max_overlap_ms: u64,
    /// What happened, in order.
    pub steps: Vec<FailoverStep>,
    /// For every node: why it was chosen, or why not.
    pub verdicts: BTreeMap<NodeName, String>,
    /// The decision that opened it.
    pub decision: Decision,
    pub acknowledged_by: Option<Actor>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
    pub comment: Option<String>,
}

/// One thing that happened in a failover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailoverStep {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// A sentence: "bts1 was told to let go (decision 17)".
    pub what: String,
}
