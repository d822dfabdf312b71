//! Which groups are wanted, one by one?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OneCluster;
use super::kinds::{GROUP, List, One};
use super::writing::Step;
use super::{objects, queries};
use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{GroupView, MergePatch, ObjectResult, Page, SparsePage};
use crate::domain::{ClusterName, GroupName, GroupSpec};

/// A group of the topology in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WantedGroup {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The group's name.
    group: GroupName,
}

impl WantedGroup {
    pub fn one(&self) -> One<'_> {
        List::of_all(&GROUP).one(self.group.as_str())
    }
}

/// List groups
///
/// In pages, in the order of the document unless `sort` says another one, without the hosts that are clustered in them. What is
/// seen of them stands in the status.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups", tag = "topology",
    params(OneCluster, queries::Groups), responses(
    (status = 200, description = "The groups; with fields, what was asked for of each", content(
        (Page<GroupView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json")),
        headers(("etag" = String, description = "The generation of the topology"))),
    Listing,
))]
pub async fn list_groups(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    Query(query): Query<queries::Groups>,
) -> Result<Response, ApiError> {
    let list = List::of_all(&GROUP);
    objects::list(&state, &at.cluster, list, &query.of::<GroupView>(&list.url(&at.cluster))?).await
}

/// Create a group
///
/// Of the name in the body; refused if there is one already.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups", tag = "topology",
    params(OneCluster, DryRun), request_body = GroupSpec,
    responses(
    (status = 200, description = "With dry_run: what would happen", body = ObjectResult<GroupView>),
    (status = 201, description = "Accepted", body = ObjectResult<GroupView>, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn create_group(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::create(&state, &at.cluster, List::of_all(&GROUP), asked, body).await
}

/// Get a group
///
/// As the document has it, without the hosts that are clustered in it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups/{group}", tag = "topology", params(WantedGroup), responses(
    (status = 200, description = "The group", body = GroupView, headers(("etag" = String, description = "Its generation"))),
    Reading,
))]
pub async fn get_group(State(state): State<AppState>, Path(at): Path<WantedGroup>) -> Result<Response, ApiError> {
    objects::get(&state, &at.cluster, at.one()).await
}

/// Put a group
///
/// Creates or replaces it. An absent `wanted` or `maintenance` keeps its value.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/groups/{group}", tag = "topology",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body = GroupSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<GroupView>,
        headers(("etag" = String, description = "Its generation"))),
    (status = 201, description = "Accepted: it is new", body = ObjectResult<GroupView>),
    Replacing,
))]
pub async fn put_group(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Put(&body)).await
}

/// Patch a group
///
/// A merge patch (RFC 7396): fields to replace, and null for those to remove, `maintenance` and `wanted` too.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}/groups/{group}", tag = "topology",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<GroupView>,
        headers(("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn patch_group(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Patch(&patch)).await
}

/// Delete a group
///
/// Refused while a host is clustered in it or another group needs it. It stops where it runs.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/groups/{group}", tag = "topology",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<GroupView>),
    Deleting,
))]
pub async fn delete_group(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Delete).await
}
