//! What is a host: a container of adapter handlers, its instances on nodes, and what is seen of them?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Dependency, GroupName, HostName, HumanDuration, NodeName, ResourceClass, RestartPolicy, RunSpec};

/// A container of adapter handlers. Clustered, it is one instance, a resource of its group; unclustered, it runs one
/// instance on every node that it is mapped to.
///
/// What it runs stands in `run`; without that it can be described and judged, and is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    pub name: HostName,
    #[serde(default)]
    pub kind: HostKind,
    /// Whether it tracks messages for the group of servers. Default false.
    #[serde(default)]
    #[schema(default = false)]
    pub tracking: bool,
    /// Whether the sender's identity is taken over from what it hands on. Default false.
    #[serde(default)]
    #[schema(default = false)]
    pub trusted: bool,
    /// Whether it is the host that new handlers are bound to. Default false.
    #[serde(default, rename = "default")]
    #[schema(default = false)]
    pub is_default: bool,
    /// The group that it is clustered in; absent: it is unclustered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub clustered_in: Option<GroupName>,
    /// Clustered: the resources of its group that it needs, besides the network name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub depends_on: Option<Dependency>,
    /// The nodes that it is mapped to. Clustered, those with an enabled instance are its possible owners.
    #[serde(default)]
    pub instances: Vec<InstanceSpec>,
    /// What rules take it for. Default `host`.
    #[serde(default = "host_class", rename = "class")]
    #[schema(default = "host")]
    pub class: ResourceClass,
    #[serde(default)]
    pub restart: RestartPolicy,
    /// How long an instance may be on its way online before that counts as a failure. 100 ms to 1 h, default 3m.
    #[serde(default = "super::resource::default_pending_timeout")]
    #[schema(default = "3m")]
    pub pending_timeout: HumanDuration,
    /// What an instance is: `type` and the fields of that type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run: Option<RunSpec>,
}

const fn host_class() -> ResourceClass {
    ResourceClass::Host
}

impl HostSpec {
    /// The nodes with an instance that may run.
    pub fn enabled_nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.instances.iter().filter(|instance| !instance.disabled).map(|instance| &instance.node)
    }
}

/// Who runs a host's instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// A service of its own. Only these can be clustered.
    #[default]
    InProcess,
    /// Runs inside another server's processes, such as a web server's.
    Isolated,
}

/// A host on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceSpec {
    pub node: NodeName,
    /// Whether it may not be started. A clustered host can't be failed over to it. Default false.
    #[serde(default)]
    #[schema(default = false)]
    pub disabled: bool,
}

/// What an instance is to its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterInstanceType {
    /// It runs on its node, beside the others.
    UnClustered,
    /// One of the instances of which at most one runs.
    Clustered,
    /// The one that clients see, under the group's network name.
    ClusteredVirtual,
}

/// What is seen of an instance, in the field's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    Stopped,
    StartPending,
    StopPending,
    Running,
    ContinuePending,
    PausePending,
    Paused,
    Unknown,
}

impl From<super::ResourceState> for ServiceState {
    fn from(state: super::ResourceState) -> Self {
        match state {
            super::ResourceState::Offline | super::ResourceState::Failed => Self::Stopped,
            super::ResourceState::OnlinePending => Self::StartPending,
            super::ResourceState::Online => Self::Running,
            super::ResourceState::OfflinePending => Self::StopPending,
            super::ResourceState::Unknown => Self::Unknown,
        }
    }
}
