//! Who says that something is down which many groups need?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::marks::{self, Mark, Of};
use crate::api::AppState;
use crate::api::answers::{Deleting, Replacing};
use crate::api::extract::{Body, DryRun, Edit, Path};
use crate::api::problem::ApiError;
use crate::api::views::{MarkRequest, ObjectResult};
use crate::domain::{ChangeAction, ClusterName, DependencyName, DownMark};

/// A common dependency in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneDependency {
    /// The cluster's name.
    cluster: ClusterName,
    /// The common dependency's name.
    dependency: DependencyName,
}

/// Say that a common dependency is down
///
/// An operator or an external check says so, and says it again before the time is over. Until then, failovers of groups that
/// need it are held back, because they can't help.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/common-dependencies/{dependency}/down", tag = "actions",
    params(OneDependency, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<DownMark>),
    Replacing,
))]
pub async fn mark_down(
    State(state): State<AppState>,
    Path(at): Path<OneDependency>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    let of = Of::Dependency(&at.dependency);
    let (owner, reason, until) = marks::checked(request, &asked.actor, state.clock.now())?;
    let message = format!("said that {} is down, until {until}: {reason}", of.words());
    let mark = Mark { cluster: &at.cluster, of, action: ChangeAction::MarkDown, message };
    marks::write(&state, mark, asked, Some(json!(DownMark { owner, reason, until }))).await
}

/// Say that a common dependency is no longer down
///
/// Failovers that were held back for it are done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/common-dependencies/{dependency}/down", tag = "actions",
    params(OneDependency, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    responses(
    (status = 200, description = "It counts as up, or with dry_run: what would happen", body = ObjectResult<DownMark>),
    Deleting,
))]
pub async fn mark_up(
    State(state): State<AppState>,
    Path(at): Path<OneDependency>,
    asked: Edit,
) -> Result<Response, ApiError> {
    let of = Of::Dependency(&at.dependency);
    let message = format!("said that {} is no longer down", of.words());
    marks::write(&state, Mark { cluster: &at.cluster, of, action: ChangeAction::MarkUp, message }, asked, None).await
}
