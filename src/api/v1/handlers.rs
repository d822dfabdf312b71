//! Which adapter handlers are wanted, one by one?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OneCluster;
use super::kinds::{HANDLER, List, One};
use super::writing::Step;
use super::{objects, queries};
use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{HandlerView, MergePatch, ObjectResult, Page, SparsePage};
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
/// In pages, in the order of the document unless `sort` says another one.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/handlers", tag = "topology",
    params(OneCluster, queries::Handlers), responses(
    (status = 200, description = "The handlers; with fields, what was asked for of each", content(
        (Page<HandlerView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json")),
        headers(("etag" = String, description = "The generation of the topology"))),
    Listing,
))]
pub async fn list_handlers(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    Query(query): Query<queries::Handlers>,
) -> Result<Response, ApiError> {
    let list = List::of_all(&HANDLER);
    objects::list(&state, &at.cluster, list, &query.of::<HandlerView>(&list.url(&at.cluster))?).await
}

/// Create a handler
///
/// Of the name in the body; refused if there is one already.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/handlers", tag = "topology",
    params(OneCluster, DryRun), request_body = HandlerSpec,
    responses(
    (status = 200, description = "With dry_run: what would happen", body = ObjectResult<HandlerView>),
    (status = 201, description = "Accepted", body = ObjectResult<HandlerView>, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn create_handler(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::create(&state, &at.cluster, List::of_all(&HANDLER), asked, body).await
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
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Put(&body)).await
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
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Patch(&patch)).await
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
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Delete).await
}
