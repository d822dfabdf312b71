//! Which node owns a group, under which epoch, and on its way where?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Decision, Epoch, NodeName, ReleaseProof};

/// A group's owner as stored. It changes only by a committed plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Placement {
    /// Of the newest placement; 0: never placed.
    pub epoch: Epoch,
    /// The newest owner, also after it was released.
    pub last_owner: Option<NodeName>,
    pub phase: PlacementPhase,
    /// Whether an operator's move put it on its last owner: failback leaves it there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_operator: bool,
}

/// Where a placement stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum PlacementPhase {
    /// Nobody owns it and nobody ever did.
    #[default]
    Never,
    /// `last_owner` owns it: its assignment names the group.
    Held,
    /// `last_owner` was told by `decision` to let go; no release proof yet.
    Releasing { decision: Decision },
    /// Nobody owns it; `proof` says why `last_owner` is known to have stopped it. `cause` is why it left, if that was
    /// not an operator's wish to have it offline.
    Released { proof: ReleaseProof, evidence: String, at: Timestamp, cause: Option<Cause> },
}

impl Placement {
    /// The node that runs it or may still do so.
    pub fn owner(&self) -> Option<&NodeName> {
        match self.phase {
            PlacementPhase::Held | PlacementPhase::Releasing { .. } => self.last_owner.as_ref(),
            PlacementPhase::Never | PlacementPhase::Released { .. } => None,
        }
    }

    /// Whether an operator's move put it on `node`, which turns out to run it.
    pub fn stays_chosen(&self, node: &NodeName) -> bool {
        self.by_operator && self.last_owner.as_ref() == Some(node)
    }

    /// The node whose assignment names the group.
    pub fn assigned_to(&self) -> Option<&NodeName> {
        matches!(self.phase, PlacementPhase::Held).then_some(self.last_owner.as_ref()).flatten()
    }
}

/// A group that failed and stays so for now: why, and when it begins again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedMark {
    pub reason: String,
    pub at: Timestamp,
    /// When it begins again by itself; of a failure that is held, when that is looked at again at the latest.
    pub retry_at: Timestamp,
    /// Set while the group stays on its owner as it is, its failure held back by something that ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldBy>,
}

/// What holds a failover back until it ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// Of the group, its cluster, or the node that it is on.
    Maintenance,
    /// One that is down.
    CommonDependency,
}
