//! Which clusters are there?

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::OneCluster;
use crate::api::AppState;
use crate::api::answers::{Listing, Reading};
use crate::api::extract::{Caller, Path};
use crate::api::problem::ApiError;
use crate::api::views::{Page, Problem};
use crate::domain::{ClusterName, Generation};
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
    (status = 200, description = "The cluster", body = ClusterView),
    Reading,
))]
pub async fn get_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
) -> Result<Json<ClusterView>, ApiError> {
    let head = state.store.clusters().await?.into_iter().find(|head| head.name == cluster);
    head.map(|head| Json(head.into())).ok_or_else(|| ApiError::not_found("cluster", cluster.as_str()))
}

/// Delete a cluster
///
/// Only when no group has an owner: take them offline first.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}", tag = "topology", params(OneCluster), responses(
    (status = 204, description = "It is gone"),
    Reading,
    (status = 422, description = "Groups still have owners", body = Problem, content_type = "application/problem+json"),
))]
pub async fn delete_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Caller(actor): Caller,
) -> Result<StatusCode, ApiError> {
    state.store.delete_cluster(&cluster, &actor, state.clock.now()).await?;
    state.nudge.cluster(&cluster);
    Ok(StatusCode::NO_CONTENT)
}
