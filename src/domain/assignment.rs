//! What is one node told to run? The whole wanted state of a node, as its agent gets it.

use serde::{Deserialize, Serialize};

use super::{Epoch, GroupName, HostName, HumanDuration, OwnerSet, ResourceList, ResourceSpec, Settings};

/// The whole wanted state of one node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assignment {
    pub timers: LeaseTimers,
    /// In the order of their names.
    pub groups: Vec<GroupAssignment>,
    /// Instances of unclustered hosts, in the order of their names. They run outside the leases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceAssignment>,
    /// Hosts that an earlier assignment named and this one does not, until the node has said that they stopped. For the
    /// control plane to remember: an agent stops whatever it is not told to run. In the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<Leaving>,
}

/// A host that may still run on a node as what it no longer is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leaving {
    pub host: HostName,
    pub ran: Ran,
}

/// How a host was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ran {
    /// In a group: it is over with the node's lease.
    Clustered,
    /// As an instance, outside the leases: only the node itself, or an operator, can say that it is over.
    Instance,
}

/// An instance of an unclustered host: it runs here, whatever runs elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceAssignment {
    pub host: HostName,
    /// Named like the host.
    pub resource: ResourceSpec,
}

/// What the agent must know of the cluster's timers to stop in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTimers {
    pub stop_budget: HumanDuration,
    pub margin: HumanDuration,
}

impl Default for LeaseTimers {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl From<&Settings> for LeaseTimers {
    fn from(settings: &Settings) -> Self {
        Self { stop_budget: settings.stop_budget, margin: settings.margin }
    }
}

/// One group that the node owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAssignment {
    pub group: GroupName,
    pub epoch: Epoch,
    /// The possible owners at the time, sorted: whom the owner will ask for promises.
    pub owner_set: OwnerSet,
    /// In the order in which they start.
    pub resources: ResourceList,
}
