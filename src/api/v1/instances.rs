//! On which nodes does a host have instances, one by one?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::kinds::{HOST, INSTANCE, List, One};
use super::writing::Step;
use super::{objects, queries};

use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{InstanceView, MergePatch, ObjectResult, Page, SparsePage};
use crate::domain::{ClusterName, HostName, InstanceSpec, NodeName};

/// A host on a node in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneInstance {
    /// The cluster's name.
    cluster: ClusterName,
    /// The host's name.
    host: HostName,
    /// The node's name.
    node: NodeName,
}

impl OneInstance {
    fn one(&self) -> One<'_> {
        List::of(&INSTANCE, &HOST, self.host.as_str()).one(self.node.as_str())
    }
}

/// The instances of a host in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Instances {
    /// The cluster's name.
    cluster: ClusterName,
    /// The host's name.
    host: HostName,
}

/// List instances
///
/// In pages, in the order of the document unless `sort` says another one, with what is seen of each.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/hosts/{host}/instances", tag = "topology",
    params(Instances, queries::Instances), responses(
    (status = 200, description = "The instances; with fields, what was asked for of each", content(
        (Page<InstanceView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json")),
        headers(("etag" = String, description = "The generation of the topology"))),
    Listing,
))]
pub async fn list_instances(
    State(state): State<AppState>,
    Path(at): Path<Instances>,
    Query(query): Query<queries::Instances>,
) -> Result<Response, ApiError> {
    let list = List::of(&INSTANCE, &HOST, at.host.as_str());
    objects::list(&state, &at.cluster, list, &query.of::<InstanceView>(&list.url(&at.cluster))?).await
}

/// Create an instance
///
/// Of the node in the body; refused if there is one already.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/hosts/{host}/instances", tag = "topology",
    params(Instances, DryRun), request_body = InstanceSpec,
    responses(
    (status = 200, description = "With dry_run: what would happen", body = ObjectResult<InstanceView>),
    (status = 201, description = "Accepted", body = ObjectResult<InstanceView>, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "Its generation, and what is seen"))),
    Replacing,
))]
pub async fn create_instance(
    State(state): State<AppState>,
    Path(at): Path<Instances>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::create(&state, &at.cluster, List::of(&INSTANCE, &HOST, at.host.as_str()), asked, body).await
}

/// Get an instance
///
/// As wanted and as seen. The ETag is that of its host.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/hosts/{host}/instances/{node}", tag = "topology", params(OneInstance), responses(
    (status = 200, description = "The instance", body = InstanceView, headers(("etag" = String, description = "Its generation, and what is seen"))),
    Reading,
))]
pub async fn get_instance(State(state): State<AppState>, Path(at): Path<OneInstance>) -> Result<Response, ApiError> {
    objects::get(&state, &at.cluster, at.one()).await
}

/// Put an instance
///
/// Maps the host to the node, or changes whether it may run there. Of an unclustered host, an enabled instance starts.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/hosts/{host}/instances/{node}", tag = "topology",
    params(OneInstance, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body = InstanceSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<InstanceView>,
        headers(("etag" = String, description = "Its generation, and what is seen"))),
    (status = 201, description = "Accepted: it is new", body = ObjectResult<InstanceView>),
    Replacing,
))]
pub async fn put_instance(
    State(state): State<AppState>,
    Path(at): Path<OneInstance>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Put(&body)).await
}

/// Patch an instance
///
/// A merge patch (RFC 7396): fields to replace, and null for those to remove; lists are replaced whole.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}/hosts/{host}/instances/{node}", tag = "topology",
    params(OneInstance, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<InstanceView>,
        headers(("etag" = String, description = "Its generation, and what is seen"))),
    Replacing,
))]
pub async fn patch_instance(
    State(state): State<AppState>,
    Path(at): Path<OneInstance>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Patch(&patch)).await
}

/// Delete an instance
///
/// The host is no longer mapped to the node; an instance that runs there stops.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/hosts/{host}/instances/{node}", tag = "topology",
    params(OneInstance, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<InstanceView>),
    Deleting,
))]
pub async fn delete_instance(
    State(state): State<AppState>,
    Path(at): Path<OneInstance>,
    asked: Edit,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Delete).await
}
