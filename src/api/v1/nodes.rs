//! Which nodes are wanted, one by one?

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OneCluster;
use super::kinds::{List, NODE, One};
use super::writing::Step;
use super::{objects, queries};
use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{MergePatch, NodeView, ObjectResult, Page, SparsePage};
use crate::domain::{ClusterName, NodeName, NodeSpec};

/// A node of the topology in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WantedNode {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The node's name.
    node: NodeName,
}

impl WantedNode {
    pub fn one(&self) -> One<'_> {
        List::of_all(&NODE).one(self.node.as_str())
    }
}

/// List nodes
///
/// In pages, in the order of the document unless `sort` says another one. What is seen of them stands in the status.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/nodes", tag = "topology",
    params(OneCluster, queries::Nodes), responses(
    (status = 200, description = "The nodes; with fields, what was asked for of each", content(
        (Page<NodeView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json")),
        headers(("etag" = String, description = "The generation of the topology"))),
    Listing,
))]
pub async fn list_nodes(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    Query(query): Query<queries::Nodes>,
) -> Result<Response, ApiError> {
    let list = List::of_all(&NODE);
    objects::list(&state, &at.cluster, list, &query.of::<NodeView>(&list.url(&at.cluster))?).await
}

/// Create a node
///
/// Of the name in the body; refused if there is one already.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes", tag = "topology",
    params(OneCluster, DryRun), request_body = NodeSpec,
    responses(
    (status = 200, description = "With dry_run: what would happen", body = ObjectResult<NodeView>),
    (status = 201, description = "Accepted", body = ObjectResult<NodeView>, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn create_node(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::create(&state, &at.cluster, List::of_all(&NODE), asked, body).await
}

/// Get a node
///
/// As the document has it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/nodes/{node}", tag = "topology", params(WantedNode), responses(
    (status = 200, description = "The node", body = NodeView, headers(("etag" = String, description = "Its generation"))),
    Reading,
))]
pub async fn get_node(State(state): State<AppState>, Path(at): Path<WantedNode>) -> Result<Response, ApiError> {
    objects::get(&state, &at.cluster, at.one()).await
}

/// Put a node
///
/// Creates or replaces it. An absent `wanted` or `maintenance` keeps its value.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/nodes/{node}", tag = "topology",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body = NodeSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<NodeView>,
        headers(("etag" = String, description = "Its generation"))),
    (status = 201, description = "Accepted: it is new", body = ObjectResult<NodeView>),
    Replacing,
))]
pub async fn put_node(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Put(&body)).await
}

/// Patch a node
///
/// A merge patch (RFC 7396): fields to replace, and null for those to remove, `maintenance` and `wanted` too.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}/nodes/{node}", tag = "topology",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<NodeView>,
        headers(("etag" = String, description = "Its generation"))),
    Replacing,
))]
pub async fn patch_node(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Patch(&patch)).await
}

/// Delete a node
///
/// Refused while anything names it. What it runs is released first, like in any change.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/nodes/{node}", tag = "topology",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<NodeView>),
    Deleting,
))]
pub async fn delete_node(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
) -> Result<Response, ApiError> {
    objects::write(&state, &at.cluster, at.one(), asked, &Step::Delete).await
}
