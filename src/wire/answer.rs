//! What does an agent say of itself and of what it runs?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{
    Bounded, Decision, Epoch, FailureKind, GroupName, GroupState, HostName, NodeName, ResourceName, ResourceState,
    ResourceType, Revision, Term, Ticks,
};

/// A moment on the agent's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stamp {
    /// Changes with every start of the agent process.
    pub incarnation: Uuid,
    pub ticks: Ticks,
}

/// Which agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentIdentity {
    /// Made once with the state directory: another id is another agent, whatever its name.
    pub agent_id: Uuid,
    pub node: NodeName,
}

/// The newest assignment that the agent has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct AppliedDecision {
    pub term: Term,
    pub decision: Decision,
}

/// Answer to `POST /v1/lease`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseAnswer {
    #[serde(flatten)]
    pub identity: AgentIdentity,
    pub stamp: Stamp,
    pub applied: Option<AppliedDecision>,
    /// Differs from the last one seen when there is something new to observe.
    pub revision: Revision,
    /// What is left of the lease, in ms; 0: none.
    pub lease_left_ms: u64,
}

/// Everything that the agent sees. Answer to `PUT /v1/assignment` and `GET /v1/observation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Observation {
    #[serde(flatten)]
    pub identity: AgentIdentity,
    pub stamp: Stamp,
    pub applied: Option<AppliedDecision>,
    pub revision: Revision,
    pub lease_left_ms: u64,
    /// The types of resources that this agent can run.
    pub drivers: Vec<ResourceType>,
    /// Every group that is assigned to the agent or of which anything may still be alive.
    pub groups: Vec<ObservedGroup>,
    /// Instances of unclustered hosts, likewise. They run outside the leases.
    #[serde(default)]
    pub instances: Vec<ObservedInstance>,
    /// Highest epoch ever seen by this agent, by group, also of groups that it no longer holds.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub epochs: Vec<(GroupName, Epoch)>,
}

/// A group on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedGroup {
    pub group: GroupName,
    pub epoch: Epoch,
    pub state: GroupState,
    /// Whether anything of it may be alive.
    pub running: bool,
    /// When its first resource was begun under this epoch, and when all were online, on the agent's clock.
    pub begun_at: Option<Ticks>,
    pub online_at: Option<Ticks>,
    /// Set when a resource is beyond its restart policy and the group should fail over.
    pub failure: Option<ObservedFailure>,
    pub resources: Vec<ObservedResource>,
}

/// An instance of an unclustered host on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedInstance {
    pub host: HostName,
    pub resource: ObservedResource,
}

/// Why a group should leave this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedFailure {
    pub kind: FailureKind,
    pub resource: ResourceName,
    pub reason: String,
    pub at: Ticks,
}

/// A resource on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedResource {
    pub name: ResourceName,
    pub state: ResourceState,
    pub pid: Option<u32>,
    /// What ends it for certain by the end of the lease; null while it does not run.
    pub bounded: Option<Bounded>,
    /// Restarts counted against its policy.
    pub restarts: u32,
    pub message: Option<String>,
}
