//! What is a resource: something that the agent starts, stops and probes, and what is seen of it?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HumanDuration, NodeName, ProcessSpec, ResourceName};

/// A resource of a group. Resources start in the order of the document, each once the one before is online, and stop
/// in the reverse order.
///
/// Its `type` and the fields of that type stand beside the common ones; `topology::schema` describes the flat shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceSpec {
    /// Unique in its group.
    pub name: ResourceName,
    /// The only nodes on which it can run; absent: every node. A group can run where all its resources can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible_owners: Option<Vec<NodeName>>,
    #[serde(default)]
    pub restart: RestartPolicy,
    /// How long it may be on its way online before that counts as a failure. 100 ms to 1 h, default 3m.
    #[serde(default = "default_pending_timeout")]
    pub pending_timeout: HumanDuration,
    /// What it is, by type.
    #[serde(flatten)]
    pub run: RunSpec,
}

const fn default_pending_timeout() -> HumanDuration {
    HumanDuration::from_secs(180)
}

impl ResourceSpec {
    /// Its type's name: which driver it needs.
    pub fn resource_type(&self) -> ResourceType {
        match self.run {
            RunSpec::Process(_) => ResourceType::Process,
        }
    }
}

/// The fields that belong to a resource's type, told apart by `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunSpec {
    Process(ProcessSpec),
}

/// The name of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    Process,
}

/// What happens when a resource fails: restarts on the same node, then a failover of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestartPolicy {
    /// Restarts on the same node within `period`. 0 to 1000.
    #[schema(default = 1, minimum = 0, maximum = 1000)]
    pub max_restarts: u32,
    /// Failures older than this are forgotten. 1 s to 1193 h.
    #[schema(default = "15m")]
    pub period: HumanDuration,
    /// Wait before a restart. 0s to 10 min.
    #[schema(default = "500ms")]
    pub delay: HumanDuration,
    /// Beyond `max_restarts`, whether the group fails over; without it the resource stays `failed`.
    #[schema(default = true)]
    pub fail_over: bool,
    /// A group that failed and could not fail over begins again after this. Not below `period`, at most 1193 h.
    #[schema(default = "1h")]
    pub retry_after: HumanDuration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            max_restarts: 1,
            period: HumanDuration::from_secs(15 * 60),
            delay: HumanDuration::from_millis(500),
            fail_over: true,
            retry_after: HumanDuration::from_secs(60 * 60),
        }
    }
}

/// What is seen of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceState {
    Offline,
    OnlinePending,
    Online,
    OfflinePending,
    Failed,
    Unknown,
}

/// How far a resource is beyond its restart policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It was online under this placement, and failed.
    ResourceFailed,
    /// It never came online under this placement.
    StartFailed,
}

/// What ends a resource for certain by the end of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bounded {
    /// The guard kills its whole cgroup.
    Cgroup,
    /// The guard kills its process group; a process that leaves the group escapes.
    ProcessGroup,
}
