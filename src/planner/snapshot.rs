//! What does the planner know? Everything it decides on, as one value: desired state, placements, what is seen, and now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    Assignment, Bounded, Cause, ClusterName, CommonDependency, Confirmation, Decision, DependencyName, Epoch,
    FailedMark, FailoverRecord, FailureKind, Generation, GroupName, GroupSpec, GroupState, GroupWanted, HostName,
    HostSpec, Losses, Maintenance, NodeName, NodeSpec, NodeState, NodeWanted, Operation, Placement, Policy,
    ResourceName, ResourceState, ResourceType, Settings, Term,
};

/// One cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub cluster: ClusterName,
    pub generation: Generation,
    pub decision: Decision,
    pub term: Term,
    pub now: Timestamp,
    pub settings: Settings,
    #[serde(default)]
    pub policy: Policy,
    /// Of the whole cluster.
    #[serde(default)]
    pub maintenance: Option<Maintenance>,
    #[serde(default)]
    pub common_dependencies: BTreeMap<DependencyName, CommonDependency>,
    pub nodes: BTreeMap<NodeName, NodeView>,
    pub groups: BTreeMap<GroupName, GroupView>,
    /// Clustered and unclustered ones. The specs of groups have the clustered ones as resources already.
    #[serde(default)]
    pub hosts: BTreeMap<HostName, HostSpec>,
    /// Running operations, oldest first.
    pub operations: Vec<Operation>,
}

impl Snapshot {
    /// A cluster of which nothing is stored or seen.
    pub fn empty(cluster: ClusterName, generation: Generation, now: Timestamp) -> Self {
        Self {
            cluster,
            generation,
            decision: Decision::default(),
            term: Term::default(),
            now,
            settings: Settings::default(),
            policy: Policy::default(),
            maintenance: None,
            common_dependencies: BTreeMap::new(),
            nodes: BTreeMap::new(),
            groups: BTreeMap::new(),
            hosts: BTreeMap::new(),
            operations: Vec::new(),
        }
    }
}

/// A node: what is wanted of it, what is stored for it, what is seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    pub spec: NodeSpec,
    pub wanted: NodeWanted,
    /// No longer in the topology; kept until it owns nothing.
    pub retired: bool,
    /// An operator's word that it runs nothing, since it last answered.
    pub confirmed_down: Option<Confirmation>,
    /// Its stored assignment, and the decision at which that last changed.
    pub assignment: Assignment,
    pub assigned_at: Decision,
    #[serde(default)]
    pub losses: Losses,
    pub seen: NodeSeen,
}

/// What is seen of a node under the present reign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    pub state: NodeState,
    /// When that state began.
    pub since: Timestamp,
    /// When a node that does not answer was last heard, under this reign: what it ran may be gone since then.
    #[serde(default)]
    pub silent_since: Option<Timestamp>,
    /// Whether an operator's word that it runs nothing was given in this silence, in this reign.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vouched_for: bool,
    /// For an unreachable node: when it will be proven down, if it stays silent.
    pub down_at: Option<Timestamp>,
    /// What is wrong with it as a sentence for the operator: it refuses our orders, another agent answers, no answer.
    pub problem: Option<String>,
    /// Whether it has answered under this reign what it runs. Without it `groups` says nothing.
    pub answered: bool,
    /// The decision that it has applied under this reign's term.
    pub applied: Option<Decision>,
    pub drivers: BTreeSet<ResourceType>,
    /// The groups that it holds, whether assigned or found running; last known when it does not answer.
    pub groups: BTreeMap<GroupName, SeenGroup>,
    /// Instances of unclustered hosts, likewise.
    #[serde(default)]
    pub instances: BTreeMap<HostName, SeenResource>,
}

impl NodeSeen {
    /// A node of which nothing has been heard.
    pub fn unheard(now: Timestamp) -> Self {
        Self {
            state: NodeState::Unreachable,
            since: now,
            silent_since: None,
            vouched_for: false,
            down_at: None,
            problem: None,
            answered: false,
            applied: None,
            drivers: BTreeSet::new(),
            groups: BTreeMap::new(),
            instances: BTreeMap::new(),
        }
    }
}

/// What a node last said of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGroup {
    pub epoch: Epoch,
    pub state: GroupState,
    /// Whether anything of it may be alive there.
    pub running: bool,
    /// When its first resource was begun under this epoch, and when all were online.
    pub begun_at: Option<Timestamp>,
    pub online_at: Option<Timestamp>,
    /// Set when a resource is beyond its restart policy and the group should fail over.
    pub failure: Option<SeenFailure>,
    /// In the order of the document.
    pub resources: Vec<SeenResource>,
}

/// Why a group should leave a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFailure {
    pub kind: FailureKind,
    pub resource: ResourceName,
    /// A sentence: "exited with code 3 twice within 15m".
    pub reason: String,
    pub at: Timestamp,
}

/// What a node last said of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenResource {
    pub name: ResourceName,
    pub state: ResourceState,
    pub pid: Option<u32>,
    pub bounded: Option<Bounded>,
    /// Restarts counted against the policy.
    pub restarts: u32,
    /// What it waits for or what went wrong last.
    pub message: Option<String>,
}

impl SeenResource {
    /// Whether anything of it may be alive, or be started again by the node itself.
    pub fn may_be_alive(&self) -> bool {
        !matches!(self.state, ResourceState::Offline | ResourceState::Failed)
    }
}

/// A group: what is wanted of it and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// With the hosts that are clustered in it as resources.
    pub spec: Arc<GroupSpec>,
    pub wanted: GroupWanted,
    /// No longer in the topology; kept until nobody owns it.
    pub retired: bool,
    pub placement: Placement,
    pub failed: Option<FailedMark>,
    /// The failover in progress: at most one. Few groups have one, and it is as large as all the rest of a group.
    pub open: Option<Box<FailoverRecord>>,
    /// Failovers that ran within the budget's period and have not been reset, oldest first.
    pub recent: Vec<PastFailover>,
}

/// What the budget and the choice of a node need to know of an earlier failover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFailover {
    pub cause: Cause,
    pub from: Option<NodeName>,
    pub at: Timestamp,
}
