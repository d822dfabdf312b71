//! What is a group: the unit of failover, what is wanted of it and what is seen?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GroupName, HumanDuration, NodeName, ResourceSpec};

/// Resources that run together on one node, the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    pub name: GroupName,
    /// What is wanted of it. Absent keeps the present value; a new group is `online`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wanted: Option<GroupWanted>,
    /// Nodes in the order in which they are preferred. A wish: other possible owners follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_owners: Vec<NodeName>,
    #[serde(default)]
    pub failover: FailoverBudget,
    #[schema(min_items = 1)]
    pub resources: Vec<ResourceSpec>,
}

impl GroupSpec {
    /// The nodes among `all` on which every resource of the group may run.
    pub fn possible_owners<'a>(&self, all: impl IntoIterator<Item = &'a NodeName>) -> BTreeSet<NodeName> {
        let allows = |node: &NodeName| {
            self.resources.iter().all(|r| r.possible_owners.as_ref().is_none_or(|list| list.contains(node)))
        };
        all.into_iter().filter(|node| allows(node)).cloned().collect()
    }
}

/// How often a group may fail over by itself. Planned moves do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FailoverBudget {
    /// Failovers within `period`; absent: the number of nodes less one. 0 to 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1000)]
    pub max_failovers: Option<u32>,
    /// 1 s to 1193 h.
    #[schema(default = "6h")]
    pub period: HumanDuration,
}

impl Default for FailoverBudget {
    fn default() -> Self {
        Self { max_failovers: None, period: HumanDuration::from_secs(6 * 60 * 60) }
    }
}

/// What the operator wants of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupWanted {
    #[default]
    Online,
    Offline,
}

/// What is seen of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Nothing of it runs, as wanted.
    Offline,
    /// On its way: starting, stopping, or moving.
    Pending,
    /// All its resources are online.
    Online,
    /// Some of its resources are online, and the others will not be by themselves.
    PartialOnline,
    /// It can't run where it may: beyond its restart policy or its failover budget.
    Failed,
    /// Wanted online, and no node can take it.
    Unplaced,
    /// Its owner does not answer and may still run it.
    Unknown,
}
