//! What is a group: the unit of failover, what is wanted of it and what is seen?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DependencyName, GroupName, HumanDuration, Maintenance, NodeName, ResourceList, ResourceSpec};

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
    #[serde(default)]
    pub failback: Failback,
    #[serde(default)]
    pub priority: Priority,
    /// Groups with a class in common keep away from each other's nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub anti_affinity: Vec<String>,
    /// Groups that are online, wherever, before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<GroupName>,
    /// What it needs that no failover can bring back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub common_dependencies: Vec<DependencyName>,
    /// Absent keeps the present value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maintenance: Option<Maintenance>,
    /// In the order in which they start, unless they say what they depend on. Hosts that are clustered in the group come
    /// after them.
    #[serde(default)]
    #[schema(value_type = Vec<ResourceSpec>)]
    pub resources: ResourceList,
}

impl GroupSpec {
    /// Whether every resource of the group may run on `node`.
    pub fn allows(&self, node: &NodeName) -> bool {
        !self.resources.is_restricted()
            || self.resources.iter().all(|r| r.possible_owners.as_ref().is_none_or(|list| list.contains(node)))
    }

    /// The nodes among `all` on which every resource of the group may run.
    pub fn possible_owners<'a>(&self, all: impl IntoIterator<Item = &'a NodeName>) -> BTreeSet<NodeName> {
        all.into_iter().filter(|node| self.allows(node)).cloned().collect()
    }

    /// The shortest list of possible owners of a resource; `None` if all may run on every node.
    pub fn shortest_list(&self) -> Option<&[NodeName]> {
        if !self.resources.is_restricted() {
            return None;
        }
        let lists = self.resources.iter().filter_map(|resource| resource.possible_owners.as_deref());
        lists.min_by_key(|list| list.len())
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

/// Whether a group goes back to a preferred owner that can take it again. Without preferred owners it has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Failback {
    pub policy: FailbackPolicy,
    /// `window`: the hour of the day in which the window begins, 0 to 23.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 23)]
    pub start: Option<u8>,
    /// `window`: the hour in which it ends, 0 to 23; before `start`, on the next day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 23)]
    pub end: Option<u8>,
    /// `window`: the IANA time zone of those hours. Absent: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, example = "Europe/Berlin")]
    pub time_zone: Option<String>,
}

/// When a group goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailbackPolicy {
    #[default]
    Never,
    /// As soon as it can.
    Immediate,
    /// Between two hours of the day.
    Window,
}

/// Which groups come first when many start, and which fill up nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It is started by an operator only: what was not online stays offline, and a failover needs an operator.
    NoAutoStart,
    Low,
    #[default]
    Medium,
    High,
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
