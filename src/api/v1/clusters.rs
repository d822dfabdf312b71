//! Which clusters are there, and what is wanted of one as a whole?

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use uuid::Uuid;

use super::edit::{self, Made};
use super::lists::Entry;
use super::preview::Outlook;
use super::writing::Step;
use super::written::{self, Answer, etag};
use super::{OneCluster, judged, precondition, queries, topology, whole};
use crate::api::AppState;
use crate::api::answers::{Deleting, Listing, Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Patch, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{
    ClusterSpec, ClusterView, MergePatch, ObjectResult, Page, SparsePage, TopologyResult, WholeCluster,
};
use crate::domain::{ChangeAction, ClusterName, Generation, TopologySpec, still_runs};
use crate::store::{ClusterHead, Stored};

/// List clusters
///
/// In pages, by name unless `sort` says another order.
#[utoipa::path(get, path = "/v1/clusters", tag = "topology", params(queries::Clusters), responses(
    (status = 200, description = "The clusters; with fields, what was asked for of each", content(
        (Page<ClusterView> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json"))),
    Listing,
))]
pub async fn list_clusters(
    State(state): State<AppState>,
    Query(query): Query<queries::Clusters>,
) -> Result<Response, ApiError> {
    let asked = query.of::<ClusterView>("/v1/clusters")?;
    let clusters: Vec<ClusterView> = state.store.clusters().await?.into_iter().map(whole::in_list).collect();
    let values: Vec<Value> =
        clusters.iter().map(serde_json::to_value).collect::<Result<_, _>>().map_err(|_| ApiError::internal())?;
    let entries = clusters.iter().zip(&values);
    let entries = entries.map(|(of, value)| Entry { name: of.name.as_str(), generation: of.generation, value });
    let mut entries: Vec<Entry<'_>> = entries.collect();
    asked.sort(&mut entries);
    if let Some(mark) = &asked.after {
        asked.go_on(mark, &[], &mut entries);
    }
    asked.fields.answer(asked.page(&entries, Generation(0), |entry| entry.value.clone()))
}

/// Create a cluster
///
/// Of the name in the document, as PUT of its topology with `If-None-Match: *` does: refused whole, with every finding, when
/// anything is wrong, and if there is one of that name.
#[utoipa::path(post, path = "/v1/clusters", tag = "topology", params(DryRun), request_body = TopologySpec, responses(
    (status = 200, description = "With dry_run: what would happen", body = TopologyResult),
    (status = 201, description = "Accepted", body = TopologyResult, headers(
        ("location" = String, description = "Its path"), ("etag" = String, description = "The generation"))),
    Replacing,
))]
pub async fn create_cluster(
    State(state): State<AppState>,
    asked: Edit,
    Document(document): Document,
) -> Result<Response, ApiError> {
    topology::create(&state, asked, &document).await
}

/// Get a cluster
///
/// What is wanted of it as a whole: settings, policy, common dependencies, waivers, maintenance. Its objects, the topology and the
/// status are calls of their own.
#[utoipa::path(get, path = "/v1/clusters/{cluster}", tag = "topology", params(OneCluster), responses(
    (status = 200, description = "The cluster", body = WholeCluster, headers(("etag" = String, description = "The generation"))),
    Reading,
))]
pub async fn get_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
) -> Result<Response, ApiError> {
    let head = head(&state, &cluster).await?;
    let stored = state.store.topology(&cluster).await?;
    let view = whole::view(&head, &stored.spec, stored.generation);
    Ok(([(header::ETAG, etag(stored.generation))], Json(view)).into_response())
}

/// What is known of a cluster beside what is wanted of it.
pub async fn head(state: &AppState, cluster: &ClusterName) -> Result<ClusterHead, ApiError> {
    let head = state.store.clusters().await?.into_iter().find(|head| head.name == *cluster);
    head.ok_or_else(|| ApiError::not_found("cluster", cluster.as_str()))
}

/// The id of a cluster that is there: another one of its name has another.
pub async fn id(state: &AppState, cluster: &ClusterName) -> Result<Option<Uuid>, ApiError> {
    Ok(state.store.clusters().await?.into_iter().find(|head| head.name == *cluster).map(|head| head.id))
}

/// Put a cluster
///
/// Replaces what is wanted of it as a whole, and leaves its objects as they are: what is absent becomes its default, except
/// operator state: an absent `maintenance`, or `down` of a common dependency, keeps its value. The ETag is that of the topology.
#[utoipa::path(put, path = "/v1/clusters/{cluster}", tag = "topology",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body = ClusterSpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<WholeCluster>,
        headers(("etag" = String, description = "The generation"))),
    Replacing,
))]
pub async fn put_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    write(&state, &cluster, asked, &Step::Put(&body)).await
}

/// Patch a cluster
///
/// A merge patch (RFC 7396) of what is wanted of it as a whole: fields to replace, and null for those to remove; lists are replaced
/// whole.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}", tag = "topology",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still its ETag")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"), responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<WholeCluster>,
        headers(("etag" = String, description = "The generation"))),
    Replacing,
))]
pub async fn patch_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    asked: Edit,
    Patch(patch): Patch,
) -> Result<Response, ApiError> {
    write(&state, &cluster, asked, &Step::Patch(&patch)).await
}

async fn write(state: &AppState, cluster: &ClusterName, asked: Edit, step: &Step<'_>) -> Result<Response, ApiError> {
    let head = head(state, cluster).await?;
    let change = |stored: &Stored, document: &mut Value| {
        whole::change(stored, document, step, asked.expect)?;
        let (object, message) = (cluster.to_string(), "put the cluster".to_owned());
        let unsaid = precondition::unsaid(stored, &asked, || Some(stored.generation));
        Ok(Made { at: whole::places(""), action: ChangeAction::PutCluster, object, message, unsaid })
    };
    edit::edit(state, cluster, &asked, change, |done| {
        let found = done.before.generation;
        let object = serde_json::to_value(whole::view(&head, &done.spec, done.generation));
        let object = object.map_err(|_| ApiError::internal())?;
        written::answer(done, Some(object), Some(found), asked.dry_run)
    })
    .await
}

/// Delete a cluster
///
/// Only when no group has an owner: take them offline first. With `dry_run` it answers what still holds it up.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}", tag = "topology",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    responses(
    (status = 200, description = "With dry_run: what would go", body = TopologyResult),
    (status = 204, description = "It is gone"),
    Deleting,
))]
pub async fn delete_cluster(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    asked: Edit,
) -> Result<Response, ApiError> {
    let stored = state.store.topology(&cluster).await?;
    let unsaid = precondition::unsaid(&stored, &asked, || Some(stored.generation));
    if asked.dry_run {
        asked.expect.check("cluster", cluster.as_str(), Some(stored.generation))?;
        let still_runs = still_runs_in(&state, &cluster).await?;
        let refused = unsaid.map(|unsaid| unsaid.detail().to_owned()).or(still_runs);
        let result = TopologyResult { refused, ..without(&state, &stored) };
        return Ok(Answer::new(StatusCode::OK, stored.generation, &result)?.into_response());
    }
    if let Some(unsaid) = unsaid {
        return Err(unsaid);
    }
    state.store.delete_cluster(&cluster, asked.expect, &asked.actor, state.clock.now()).await?;
    state.nudge.cluster(&cluster);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What may still run in a cluster, as it is stored: that refuses to delete it.
async fn still_runs_in(state: &AppState, cluster: &ClusterName) -> Result<Option<String>, ApiError> {
    let snapshot = state.store.load(cluster, state.clock.now()).await?;
    let owned = snapshot.groups.iter().filter_map(|(name, group)| Some((name, group.placement.owner()?)));
    let told = snapshot.nodes.iter().filter(|(_, node)| node.confirmed_down.is_none());
    Ok(still_runs(cluster, owned, told.map(|(name, node)| (name, &node.assignment))))
}

/// What would go with a cluster.
fn without(state: &AppState, stored: &Stored) -> TopologyResult {
    let (spec, generation) = (&*stored.spec, stored.generation);
    let nothing = TopologySpec {
        nodes: Vec::new(),
        groups: Vec::new(),
        hosts: Vec::new(),
        handlers: Vec::new(),
        common_dependencies: Vec::new(),
        waivers: Vec::new(),
        ..spec.clone()
    };
    let summary = Outlook::of(state, &nothing.cluster, generation).with(&nothing);
    let findings = judged::change(state, Some(spec), &nothing).changes;
    let cluster = spec.cluster.clone();
    let (created, changed, dry_run, refused) = (false, true, true, None);
    TopologyResult { cluster, generation, created, changed, dry_run, summary, findings, refused }
}
