//! What does a dashboard see of a cluster? Wanted and seen side by side, rendered once per change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    Bounded, ClusterName, Decision, Epoch, Generation, GroupName, GroupState, GroupWanted, HumanDuration, NodeName,
    NodeState, NodeWanted, ResourceName, ResourceState, Settings, Term,
};

/// The observed state of a cluster. It changes only when something in it does: no ages, no countdowns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusDocument {
    pub cluster: ClusterName,
    pub generation: Generation,
    pub term: Term,
    pub decision: Decision,
    pub settings: Settings,
    /// From the loss of a node to the moment when its groups may be started elsewhere, at worst:
    /// heartbeat + lease * (1 + drift) + margin.
    pub worst_case_takeover: HumanDuration,
    pub nodes: Vec<NodeStatus>,
    pub groups: Vec<GroupStatus>,
}

/// A node as wanted and as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeStatus {
    pub name: NodeName,
    pub agent: String,
    pub wanted: NodeWanted,
    pub state: NodeState,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// For an unreachable node: when it will be proven down, if it stays silent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub down_at: Option<Timestamp>,
    /// What is wrong and what to do, as a sentence.
    pub problem: Option<String>,
    /// The groups that it owns.
    pub groups: Vec<GroupName>,
}

/// A group as wanted and as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupStatus {
    pub name: GroupName,
    pub wanted: GroupWanted,
    pub state: GroupState,
    /// The node that runs it; null when it runs nowhere.
    pub owner: Option<NodeName>,
    pub last_owner: Option<NodeName>,
    pub epoch: Epoch,
    pub preferred_owners: Vec<NodeName>,
    pub possible_owners: Vec<NodeName>,
    /// Why it is not online, or what it waits for, as a sentence.
    pub message: Option<String>,
    /// A failed group begins again then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
    /// Failovers spent of the budget, and the budget.
    pub failovers_spent: u32,
    pub max_failovers: u32,
    pub resources: Vec<ResourceStatus>,
}

/// A resource as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceStatus {
    pub name: ResourceName,
    pub state: ResourceState,
    pub pid: Option<u32>,
    pub bounded: Option<Bounded>,
    pub restarts: u32,
    pub message: Option<String>,
}
