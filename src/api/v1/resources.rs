//! Which resources does a group have, one by one?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::kinds::{GROUP, List, One, RESOURCE};
use super::writing::Step;
use super::{objects, queries};

use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{MergePatch, ObjectResult, Page, ResourceView, SparsePage};
use crate::domain::{ClusterName, GroupName, ResourceName, ResourceSpec};

/// A resource in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneResource {
    /// The cluster's name.
    cluster: ClusterName,
    /// The name of its group.
    group: GroupName,
    /// The resource's name.
    resource: ResourceName,
}

impl OneResource {
    fn one(&self) -> One<'_> {
        List::of(&RESOURCE, &GROUP, self.group.as_str()).one(self.resource.as_str())
    }
}

/// The resources of a group in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Resources {
    /// The cluster's name.
    cluster: ClusterName,
    /// The group's name.
    group: GroupName,
}

/// List resources
///
/// In the order in which they start, unless they say what they depend on. Hosts that are clustered in the group are not among them.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups/{group}/resources", tag = "topology",
    params(Resources, queries::Resources), responses(
    (status = 200, description = "The resources; with fields, what was asked for of each", content(
        (Page<ResourceView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json")),
        headers(("etag" = String, description = "The generation of the topology"))),
    Listing,
))]
pub async fn list_resources(
    State(state): State<AppState>,
    Path(at): Path<Resources>,
    Query(query): Query<queries::Resources>,
) -> Result<Response, ApiError> {
    let list = List::of(&RESOURCE, &GROUP, at.group.as_str());
    objects::list(&state, &at.cluster, list, &query.of::<ResourceView>(&list.url(&at.cluster))?).await
}

/// Create a resource
///
/// Of the name in the body; refused if there is one already.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/resources", tag = "topology",
    params(Resources, DryRun), request_body = ResourceSpec,
    responses(
    (status = 200, description = "With dry_run: what would happen", body = ObjectResult<ResourceView>),
    (status = 201, description = "Accepted", body = ObjectResult<ResourceView>, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn create_resource(
    State(state): State<AppState>,
    Path(at): Path<Resources>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::create(&state, &at.cluster, List::of(&RESOURCE, &GROUP, at.group.as_str()), asked, body).await
}

/// Get a resource
///
/// As the document has it. The ETag is that of its group.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups/{group}/resources/{resource}", tag = "topology", params(OneResource), responses(
    (status = 200, description = "The resource", body = ResourceView, headers(("etag" = String, description = "Its generation"))),
    Reading,
))]
pub async fn get_resource(State(state): State<AppState>, Path(at): Path<OneResource>) -> Result<Response, ApiError> {
    objects::get(&state, &at.cluster, at.one()).await
}

/// Put a resource
///
/// Creates it, as the last one, or replaces it where it stands.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/groups/{group}/resources/{resource}", tag = "topology",
    params(OneResource, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body = ResourceSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<ResourceView>,
        headers(("etag" = String, description = "Its generation"))),
    (status = 201, description = "Accepted: it is new", body = ObjectResult<ResourceView>),
    Replacing,
))]
pub async fn put_resource(
    State(state): State<AppState>,
    Path(at): Path<OneResource>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Put(&body)).await
}

/// Patch a resource
///
/// A merge patch (RFC 7396): fields to replace, and null for those to remove; lists are replaced whole.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}/groups/{group}/resources/{resource}", tag = "topology",
    params(OneResource, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<ResourceView>,
        headers(("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn patch_resource(
    State(state): State<AppState>,
    Path(at): Path<OneResource>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Patch(&patch)).await
}

/// Delete a resource
///
/// Refused while others depend on it.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/groups/{group}/resources/{resource}", tag = "topology",
    params(OneResource, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<ResourceView>),
    Deleting,
))]
pub async fn delete_resource(
    State(state): State<AppState>,
    Path(at): Path<OneResource>,
    asked: Edit,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Delete).await
}
