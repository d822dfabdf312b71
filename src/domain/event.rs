//! What happened in a cluster, in an order that lasts?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClusterName, spelled};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    ReignBegan,
    TopologyChanged,
    OperationAccepted,
    OperationEnded,
    NodeUp,
    NodeUnreachable,
    NodeDown,
    /// An agent that is not the one expected, or refuses our orders.
    AgentRefused,
    /// A group got an owner without a failover: its first, or its last one again.
    GroupPlaced,
    GroupReleased,
    GroupOnline,
    GroupFailed,
    FailoverOpened,
    FailoverClosed,
    /// Somebody has seen it.
    FailoverAcknowledged,
    ResourceFailed,
    ResourceRestarted,
}

impl EventKind {
    /// The word as the API spells it.
    pub fn as_str(self) -> String {
        spelled(self)
    }

    /// Whether it says of a group, its subject, where that stands: statistics rest on these.
    pub const fn is_of_group(self) -> bool {
        matches!(self, Self::GroupPlaced | Self::GroupReleased | Self::GroupOnline | Self::GroupFailed)
    }
}

/// An event as stored, numbered per cluster without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub cluster: ClusterName,
    pub sequence: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub kind: EventKind,
    /// What it is about: the name of a node, group or cluster, or the path of an object that was changed. An operation's is its
    /// target.
    pub subject: String,
    /// A sentence.
    pub message: String,
}

/// An event that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    pub at: Timestamp,
    pub kind: EventKind,
    pub subject: String,
    pub message: String,
}
