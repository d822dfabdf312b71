//! Which clusters are there?

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::edit::etag;
use super::{OneCluster, judged, preview};
use crate::api::AppState;
use crate::api::answers::{Listing, Reading};
use crate::api::extract::{Caller, DryRun, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{Page, Problem, TopologyResult};
use crate::domain::{ClusterName, Generation, TopologySpec};
use crate::store::ClusterHead;

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

impl From<ClusterHead> for ClusterView {
    fn from(head: ClusterHead) -> Self {
        let ClusterHead { name, id, generation, created_at } = head;
        Self { name, id, generation, created_at }
    }
}

/// List clusters
///
/// All of them, by name.
#[utoipa::path(get, path = "/v1/clusters", tag = "topology", responses(
    (status = 200, description = "The clusters", body = Page<ClusterView>),
    Listing,
))]
pub async fn list_clusters(State(state): State<AppState>) -> Result<Json<Page<ClusterView>>, ApiError> {
    let items = state.store.clusters().await?.into_iter().map(ClusterView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Get a cluster
///
/// Its id and generation; the topology and the status are calls of their own.
#[utoipa::path(get, path = "/v1/clusters/{cluster}", tag = "topology", params(OneCluster), responses(
    (status = 200, description = "The cluster", body = ClusterView, headers(("etag" = String, description = "The generation"))),
    Reading,
))]
pub async fn get_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
) -> Result<Response, ApiError> {
    let head = state.store.clusters().await?.into_iter().find(|head| head.name == cluster);
    let head = head.ok_or_else(|| ApiError::not_found("cluster", cluster.as_str()))?;
    Ok(([(header::ETAG, etag(head.generation))], Json(ClusterView::from(head))).into_response())
}

/// Delete a cluster
///
/// Only when no group has an owner: take them offline first. With `dry_run` it answers what still holds it up.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}", tag = "topology", params(OneCluster, DryRun), responses(
    (status = 200, description = "With dry_run: what would go", body = TopologyResult),
    (status = 204, description = "It is gone"),
    Reading,
    (status = 422, description = "Groups still have owners", body = Problem, content_type = "application/problem+json"),
))]
pub async fn delete_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(DryRun { dry_run }): Query<DryRun>,
    Caller(actor): Caller,
) -> Result<Response, ApiError> {
    if dry_run {
        let stored = state.store.topology(&cluster).await?;
        return Ok(Json(without(&state, &stored.spec, stored.generation)).into_response());
    }
    state.store.delete_cluster(&cluster, &actor, state.clock.now()).await?;
    state.nudge.cluster(&cluster);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What would go with a cluster, and what still runs in it, which refuses that.
fn without(state: &AppState, spec: &TopologySpec, generation: Generation) -> TopologyResult {
    let nothing = TopologySpec {
        nodes: Vec::new(),
        groups: Vec::new(),
        hosts: Vec::new(),
        handlers: Vec::new(),
        common_dependencies: Vec::new(),
        waivers: Vec::new(),
        ..spec.clone()
    };
    let summary = preview::of_topology(state, &nothing, generation);
    let owned = summary.lines.iter().filter_map(|line| Some(format!("{} on {}", line.group, line.from.as_ref()?)));
    let told = summary.instances.iter().map(|line| format!("{} on {}", line.host, line.node));
    let left: Vec<String> = owned.chain(told).collect();
    let refused = (!left.is_empty())
        .then(|| format!("{} still run: take groups offline first, and remove instances", left.join(", ")));
    let findings = judged::change(state, Some(spec), &nothing).changes;
    let cluster = spec.cluster.clone();
    TopologyResult { cluster, generation, created: false, changed: true, dry_run: true, summary, findings, refused }
}
