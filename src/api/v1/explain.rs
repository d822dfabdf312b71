//! Why is a group where it is, and what would change it?

use axum::Json;
use axum::extract::State;

use super::actions::OneGroup;
use super::preview;
use crate::api::AppState;
use crate::api::answers::Reading;
use crate::api::extract::Path;
use crate::api::problem::ApiError;
use crate::api::views::Problem;
use crate::planner::{self, Explanation};

/// Explain a group
///
/// Why it is where it is: for each node what speaks for or against it, and what would change that. By the code that places
/// it, on what is seen now.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups/{group}/explain", tag = "plan", params(OneGroup), responses(
    (status = 200, description = "The explanation", body = Explanation),
    Reading,
    (status = 503, description = "The cluster is new and was not looked at yet", body = Problem, content_type = "application/problem+json"),
))]
pub async fn explain_group(
    State(state): State<AppState>,
    Path(OneGroup { cluster, group }): Path<OneGroup>,
) -> Result<Json<Explanation>, ApiError> {
    let snapshot = preview::looked_at(&state, &cluster).await?;
    planner::explanation(&snapshot, &group).map(Json).ok_or_else(|| ApiError::not_found("group", group.as_str()))
}
