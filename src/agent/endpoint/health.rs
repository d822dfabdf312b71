//! How is the agent itself?

use std::fmt::Write;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::agent::core::CoreHandle;
use crate::domain::{ClusterName, GroupState, NodeName, ResourceState};
use crate::wire::{ObservedGroup, ObservedInstance};

/// The agent works.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
    /// The node that it acts for.
    node: NodeName,
    /// The cluster that it obeys; null before the first order.
    cluster: Option<ClusterName>,
}

/// Whether the agent answers
///
/// Says nothing of its lease or of what it runs.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It answers", body = Health)))]
pub async fn healthz(State(core): State<CoreHandle>) -> Json<Health> {
    let overview = core.overview();
    let version = env!("CARGO_PKG_VERSION");
    Json(Health { status: "ok", version, node: overview.node, cluster: overview.cluster })
}

/// Lease, groups and instances as numbers
///
/// In the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "The metrics", body = String, content_type = "text/plain")))]
pub async fn metrics(State(core): State<CoreHandle>) -> impl IntoResponse {
    let overview = core.overview();
    let left = u64::try_from(core.lease_left().as_millis()).unwrap_or(u64::MAX);
    let text = exposition(left, &overview.groups, &overview.instances);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// The Prometheus text. Names need no escaping: their alphabet has neither quotes nor backslashes.
pub(super) fn exposition(lease_left_ms: u64, groups: &[ObservedGroup], instances: &[ObservedInstance]) -> String {
    let (seconds, rest) = (lease_left_ms / 1000, lease_left_ms % 1000);
    let mut text = format!(
        "# HELP locum_agent_lease_left_seconds What is left of the node's lease; 0: none.\n\
         # TYPE locum_agent_lease_left_seconds gauge\n\
         locum_agent_lease_left_seconds {seconds}.{rest:03}\n\
         # HELP locum_agent_group_online Whether all resources of the group are online on this node.\n\
         # TYPE locum_agent_group_online gauge\n"
    );
    for group in groups {
        let online = u8::from(group.state == GroupState::Online);
        // Writing to a String can't fail.
        let _ = writeln!(text, "locum_agent_group_online{{group=\"{}\"}} {online}", group.group);
    }
    text.push_str(
        "# HELP locum_agent_instance_online Whether the instance of the host is online on this node.\n\
         # TYPE locum_agent_instance_online gauge\n",
    );
    for ObservedInstance { host, resource } in instances {
        let online = u8::from(resource.state == ResourceState::Online);
        let _ = writeln!(text, "locum_agent_instance_online{{host=\"{host}\"}} {online}");
    }
    text
}
