//! Who keeps Locum from acting by itself, and until when?

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::OneCluster;
use super::groups::WantedGroup;
use super::marks::{self, Mark, Of};
use super::nodes::WantedNode;
use crate::api::AppState;
use crate::api::answers::{Deleting, Replacing};
use crate::api::extract::{Body, DryRun, Edit, Path};
use crate::api::problem::ApiError;
use crate::api::views::{MarkRequest, ObjectResult};
use crate::domain::{ChangeAction, ClusterName, Maintenance};

async fn begin(
    state: &AppState,
    cluster: &ClusterName,
    of: Of<'_>,
    asked: Edit,
    request: MarkRequest,
) -> Result<Response, ApiError> {
    let (owner, reason, until) = marks::checked(request, &asked.actor, state.clock.now())?;
    let message = format!("began maintenance of {} until {until}: {reason}", of.words());
    let mark = Mark { cluster, of, action: ChangeAction::BeginMaintenance, message };
    marks::write(state, mark, asked, Some(json!(Maintenance { owner, reason, until }))).await
}

async fn end(state: &AppState, cluster: &ClusterName, of: Of<'_>, asked: Edit) -> Result<Response, ApiError> {
    let message = format!("ended maintenance of {}", of.words());
    marks::write(state, Mark { cluster, of, action: ChangeAction::EndMaintenance, message }, asked, None).await
}

/// Begin maintenance of a cluster
///
/// Until it ends, Locum moves and fails over nothing of it by itself; what an operator asks for is done. One that is there
/// already is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/maintenance", tag = "actions",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Replacing,
))]
pub async fn begin_cluster_maintenance(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    begin(&state, &at.cluster, Of::Cluster, asked, request).await
}

/// End maintenance of a cluster
///
/// What was held back meanwhile is done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/maintenance", tag = "actions",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    responses(
    (status = 200, description = "It is over, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Deleting,
))]
pub async fn end_cluster_maintenance(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
) -> Result<Response, ApiError> {
    end(&state, &at.cluster, Of::Cluster, asked).await
}

/// Begin maintenance of a node
///
/// Until it ends, Locum moves and fails over nothing of it by itself; what an operator asks for is done. One that is there
/// already is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/maintenance", tag = "actions",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the node's ETag")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Replacing,
))]
pub async fn begin_node_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    begin(&state, &at.cluster, Of::Object(at.one()), asked, request).await
}

/// End maintenance of a node
///
/// What was held back meanwhile is done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/nodes/{node}/maintenance", tag = "actions",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the node's ETag")),
    responses(
    (status = 200, description = "It is over, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Deleting,
))]
pub async fn end_node_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
) -> Result<Response, ApiError> {
    end(&state, &at.cluster, Of::Object(at.one()), asked).await
}

/// Begin maintenance of a group
///
/// Until it ends, Locum moves and fails over nothing of it by itself; what an operator asks for is done. One that is there
/// already is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/maintenance", tag = "actions",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the group's ETag")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Replacing,
))]
pub async fn begin_group_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    begin(&state, &at.cluster, Of::Object(at.one()), asked, request).await
}

/// End maintenance of a group
///
/// What was held back meanwhile is done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/groups/{group}/maintenance", tag = "actions",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the group's ETag")),
    responses(
    (status = 200, description = "It is over, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Deleting,
))]
pub async fn end_group_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
) -> Result<Response, ApiError> {
    end(&state, &at.cluster, Of::Object(at.one()), asked).await
}
