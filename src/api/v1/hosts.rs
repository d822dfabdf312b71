//! Which hosts are wanted, one by one, and what is seen of their instances?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::OneCluster;
use super::kinds::{HOST, List, One};
use super::writing::Step;
use super::{objects, queries};
use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{HostView, MergePatch, ObjectResult, Page, SparsePage};
use crate::board::hosts;
use crate::domain::{ClusterName, HostName, HostSpec, TopologySpec};

/// A host in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneHost {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The host's name.
    host: HostName,
}

impl OneHost {
    pub fn one(&self) -> One<'_> {
        List::of_all(&HOST).one(self.host.as_str())
    }
}

/// List hosts
///
/// In pages, in the order of the document unless `sort` says another one, with what is seen of their instances.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/hosts", tag = "topology",
    params(OneCluster, queries::Hosts), responses(
    (status = 200, description = "The hosts; with fields, what was asked for of each", content(
        (Page<HostView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json")),
        headers(("etag" = String, description = "The generation of the topology"))),
    Listing,
))]
pub async fn list_hosts(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    Query(query): Query<queries::Hosts>,
) -> Result<Response, ApiError> {
    let list = List::of_all(&HOST);
    objects::list(&state, &at.cluster, list, &query.of::<HostView>(&list.url(&at.cluster))?).await
}

/// Create a host
///
/// Of the name in the body; refused if there is one already.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/hosts", tag = "topology",
    params(OneCluster, DryRun), request_body = HostSpec,
    responses(
    (status = 200, description = "With dry_run: what would happen", body = ObjectResult<HostView>),
    (status = 201, description = "Accepted", body = ObjectResult<HostView>, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "Its generation, and what is seen"))),
    Replacing,
))]
pub async fn create_host(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::create(&state, &at.cluster, List::of_all(&HOST), asked, body).await
}

/// Get a host
///
/// As the document has it, and for each instance what it is to its cluster and what is seen of it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/hosts/{host}", tag = "topology", params(OneHost), responses(
    (status = 200, description = "The host", body = HostView, headers(("etag" = String, description = "Its generation, and what is seen"))),
    Reading,
))]
pub async fn get_host(State(state): State<AppState>, Path(at): Path<OneHost>) -> Result<Response, ApiError> {
    objects::get(&state, &at.cluster, at.one()).await
}

/// Put a host
///
/// Creates or replaces it. An unclustered host starts on every node with an enabled instance.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/hosts/{host}", tag = "topology",
    params(OneHost, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body = HostSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<HostView>,
        headers(("etag" = String, description = "Its generation, and what is seen"))),
    (status = 201, description = "Accepted: it is new", body = ObjectResult<HostView>),
    Replacing,
))]
pub async fn put_host(
    State(state): State<AppState>,
    Path(at): Path<OneHost>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Put(&body)).await
}

/// Patch a host
///
/// A merge patch (RFC 7396): fields to replace, and null for those to remove; lists are replaced whole.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}/hosts/{host}", tag = "topology",
    params(OneHost, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<HostView>,
        headers(("etag" = String, description = "Its generation, and what is seen"))),
    Replacing,
))]
pub async fn patch_host(
    State(state): State<AppState>,
    Path(at): Path<OneHost>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Patch(&patch)).await
}

/// Delete a host
///
/// Refused while handlers run in it, while it is clustered or the default, and if no other host tracks. Its instances stop.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/hosts/{host}", tag = "topology",
    params(OneHost, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<HostView>),
    Deleting,
))]
pub async fn delete_host(
    State(state): State<AppState>,
    Path(at): Path<OneHost>,
    asked: Edit,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Delete).await
}

/// Adds what is seen to a host, or to an instance of one.
pub fn with_what_is_seen(state: &AppState, spec: &TopologySpec, one: One<'_>, mut value: Value) -> Value {
    let name = one.list.of.map_or(one.name, |(_, host)| host);
    let Some(host) = spec.hosts.iter().find(|host| host.name.as_str() == name) else { return value };
    let view = state.boards.view(&spec.cluster);
    let snapshot = view.as_ref().map(|view| &*view.snapshot);
    let seen = hosts::host(snapshot, host);
    if one.list.of.is_some() {
        let of_node = seen.instances.iter().find(|instance| instance.node.as_str() == one.name);
        return of_node.map_or(Value::Null, |instance| json!(instance));
    }
    value["instances"] = json!(seen.instances);
    value["cluster_instance_type"] = json!(seen.cluster_instance_type);
    value["virtual_instance"] = json!(seen.virtual_instance);
    value
}
