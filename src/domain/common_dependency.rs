//! What do several groups need that no failover can bring back: a database, a secret server?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DependencyName, GroupName, ResourceName};

/// Something that several groups name in `common_dependencies`. While it is down, a failover of theirs can't help and is
/// held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommonDependency {
    pub name: DependencyName,
    /// What rules take it for.
    #[serde(default)]
    pub kind: CommonDependencyKind,
    /// A resource of this cluster: the dependency is down while that is not online. Absent: only `down` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resource: Option<ResourceRef>,
    /// Set while an operator or an external check says that it is down. Absent in a document keeps the present value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub down: Option<DownMark>,
}

/// What a common dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommonDependencyKind {
    /// A database, such as the one that keeps messages.
    Database,
    /// The master secret server.
    SecretServer,
    #[default]
    Other,
}

/// A resource of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceRef {
    pub group: GroupName,
    pub name: ResourceName,
}

/// An operator's or an external check's word that a common dependency is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DownMark {
    /// Who says so.
    #[schema(min_length = 1, max_length = 256)]
    pub owner: String,
    #[schema(min_length = 1, max_length = 1024)]
    pub reason: String,
    /// When it counts no more, unless it is said again.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}
