//! Who changed the desired state, when, and from what to what?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ClusterName, Generation};

/// Who asked. Without identity configured it is what the caller says of itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// Locum itself.
    pub fn locum() -> Self {
        Self("locum".to_owned())
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    CreateCluster,
    PutTopology,
    DeleteCluster,
    /// What belongs to the cluster as a whole: settings, policy, common dependencies, waivers, maintenance.
    PutCluster,
    /// Several objects at once.
    ChangeSeveral,
    Pause,
    Drain,
    Resume,
    Online,
    Offline,
    /// What an operation wanted is taken back with it.
    Cancel,
    PutNode,
    DeleteNode,
    PutGroup,
    DeleteGroup,
    PutResource,
    DeleteResource,
    PutHost,
    DeleteHost,
    PutInstance,
    DeleteInstance,
    PutHandler,
    DeleteHandler,
    ClusterHost,
    UnclusterHost,
    BeginMaintenance,
    EndMaintenance,
    /// A common dependency is said to be down.
    MarkDown,
    /// That no longer counts.
    MarkUp,
    PutWaiver,
    DeleteWaiver,
    Revert,
}

/// One accepted change of desired state. Its number is the generation that it made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    pub cluster: ClusterName,
    pub generation: Generation,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub actor: Actor,
    pub action: ChangeAction,
    /// What was done to what, and why if that was said: `clustered host FtpReceive in group ftp: it reads a queue`. Empty
    /// for a change that an earlier version wrote.
    #[serde(default)]
    pub message: String,
    /// The topology before; null when it created the cluster.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// The topology after; null when it deleted the cluster.
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
}
