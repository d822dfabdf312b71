//! Which adapter handlers are wanted, one by one?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OneCluster;
use super::objects::{self, HANDLER, List, One};
use crate::api::AppState;
use crate::api::answers::{Deleting, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path};
use crate::api::problem::ApiError;
use crate::api::views::{HandlerView, MergePatch, ObjectResult, Page};
use crate::domain::{ClusterName, HandlerName, HandlerSpec};

/// A handler in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneHandler {
    /// The cluster's name.
    cluster: ClusterName,
    /// The handler's name.
    handler: HandlerName,
}

impl OneHandler {
    fn one(&self) -> One<'_> {
        List::of_all(&HANDLER).one(self.handler.as_str())
    }
}

/// List handlers
///
/// In the order of the document.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/handlers", tag = "topology", params(OneCluster), responses(
    (status = 200, description = "The handlers", body = Page<HandlerView>),
    Reading,
))]
pub async fn list_handlers(State(state): State<AppState>, Path(at): Path<OneCluster>) -> Result<Response, ApiError> {
    objects::list(&state, &at.cluster, List::of_all(&HANDLER)).await
}

/// Get a handler
///
/// As the document has it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/handlers/{handler}", tag = "topology", params(OneHandler), responses(
    (status = 200, description = "The handler", body = HandlerView, headers(("etag" = String, description = "Its generation"))),
    Reading,
))]
pub async fn get_handler(State(state): State<AppState>, Path(at): Path<OneHandler>) -> Result<Response, ApiError> {
    objects::get(&state, &at.cluster, at.one()).await
}

/// Put a handler
///
/// Creates or replaces it; another `host` moves it there.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/handlers/{handler}", tag = "topology",
    params(OneHandler, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body = HandlerSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<HandlerView>,
        headers(("etag" = String, description = "Its generation"))),
    (status = 201, description = "Accepted: it is new", body = ObjectResult<HandlerView>),
    Replacing,
))]
pub async fn put_handler(
    State(state): State<AppState>,
    Path(at): Path<OneHandler>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::put(&state, &at.cluster, at.one(), asked, body).await
}

/// Patch a handler
///
/// A merge patch (RFC 7396): fields to replace, and null for those to remove; lists are replaced whole.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}/handlers/{handler}", tag = "topology",
    params(OneHandler, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<HandlerView>,
        headers(("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn patch_handler(
    State(state): State<AppState>,
    Path(at): Path<OneHandler>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    objects::patch(&state, &at.cluster, at.one(), asked, patch).await
}

/// Delete a handler
///
/// Its host stays.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/handlers/{handler}", tag = "topology",
    params(OneHandler, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<HandlerView>),
    Deleting,
))]
pub async fn delete_handler(
    State(state): State<AppState>,
    Path(at): Path<OneHandler>,
    asked: Edit,
) -> Result<Response, ApiError> {
    objects::delete(&state, &at.cluster, at.one(), asked).await
}
