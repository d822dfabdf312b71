//! What is one node told to run? The whole wanted state of a node, as its agent gets it.

use serde::{Deserialize, Serialize};

use super::{Epoch, GroupName, HostName, HumanDuration, OwnerSet, ResourceSpec, Settings};

/// The whole wanted state of one node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assignment {
    pub timers: LeaseTimers,
    /// In the order of their names.
    pub groups: Vec<GroupAssignment>,
    /// Instances of unclustered hosts, in the order of their names. They run outside the leases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceAssignment>,
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
    pub resources: Vec<ResourceSpec>,
}
