//! How does a cluster look to a reader: in a list, and as a whole?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{ClusterName, CommonDependency, Generation, Maintenance, Policy, Settings, Waiver};

/// A cluster in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    pub name: ClusterName,
    /// Agents obey this id, not the name.
    pub id: Uuid,
    pub generation: Generation,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A cluster as a whole: what is wanted of it beside its nodes, groups, hosts and handlers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WholeCluster {
    #[schema(read_only)]
    pub name: ClusterName,
    /// Agents obey this id, not the name.
    #[schema(read_only)]
    pub id: Uuid,
    /// That of the topology; its ETag.
    #[schema(read_only)]
    pub generation: Generation,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Timestamp,
    pub settings: Settings,
    pub policy: Policy,
    /// What several groups need that no failover can bring back.
    pub common_dependencies: Vec<CommonDependency>,
    /// Findings that somebody takes upon himself.
    pub waivers: Vec<Waiver>,
    /// Of the whole cluster; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maintenance: Option<Maintenance>,
}

/// What is wanted of a cluster as a whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a body is checked with the document that it goes into")]
pub struct ClusterSpec {
    #[schema(required = false)]
    settings: Settings,
    #[schema(required = false)]
    policy: Policy,
    /// What several groups need that no failover can bring back. An absent `down` keeps its value.
    #[schema(required = false)]
    common_dependencies: Vec<CommonDependency>,
    /// Findings that somebody takes upon himself.
    #[schema(required = false)]
    waivers: Vec<Waiver>,
    /// Of the whole cluster. Absent keeps the present value.
    #[schema(nullable = false)]
    maintenance: Option<Maintenance>,
}
