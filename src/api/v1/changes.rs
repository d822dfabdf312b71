//! Who changed what is wanted, from what to what, and how is it undone?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::cursors::Seal;
use super::edit::{self, Done, Made};
use super::history::Slice;
use super::written::Answer;
use super::{OneCluster, clusters, limit, precondition};
use crate::api::AppState;
use crate::api::answers::{Listing, Reading, Replacing};
use crate::api::extract::{Body, Edit, Path, Query, Writer};
use crate::api::fields::Fields;
use crate::api::problem::ApiError;
use crate::api::report::{Format, Table};
use crate::api::views::{ActionRequest, ChangeView, Page, SparsePage, TopologyResult};
use crate::domain::topology::parse;
use crate::domain::{Change, ChangeAction, ClusterName, Generation, TopologySpec, differences, spelled};
use crate::store::Stored;

/// A change in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneChange {
    /// The cluster's name.
    cluster: ClusterName,
    /// The generation that it made.
    generation: Generation,
}

/// How to revert.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HowToRevert {
    /// Answer with the plan and the findings, and change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
    /// Also what operators set since then: `wanted`, maintenance, common dependencies that are said to be down.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    operator_state: bool,
}

/// List changes
///
/// Who changed what is wanted, and from what to what; newest first. With `Accept: text/csv` or `text/markdown` as a table of
/// who did what; the header `next-cursor` then says how to go on.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/changes", tag = "history", params(OneCluster, Slice), responses(
    (status = 200, description = "The changes", content(
        (Page<Change> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json"),
        (String = "text/csv"), (String = "text/markdown"))),
    Listing,
))]
pub async fn list_changes(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(slice): Query<Slice>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let limit = limit(slice.limit);
    let seal = Seal::of(&format!("/v1/clusters/{cluster}/changes"), clusters::id(&state, &cluster).await?);
    let before = seal.place::<u64>(slice.cursor.as_deref())?.map(Generation);
    let (fields, format) = (Fields::of::<Change>(slice.fields.as_deref())?, Format::of(&headers));
    if format != Format::Json {
        fields.only_in_pages()?;
    }
    let found = state.store.changes(&cluster, before, limit + 1).await?;
    let Page { items, next_cursor } = Page::of(found, limit, |last| seal.cursor(last.generation));
    Ok(match format {
        Format::Json => fields.answer(Page { items, next_cursor })?,
        Format::Csv => table(&items).csv(next_cursor.as_deref()),
        Format::Markdown => {
            let head = format!("# Changes of {cluster}");
            table(&items).markdown(&head, next_cursor.as_deref())
        }
    })
}

fn table(changes: &[Change]) -> Table<5> {
    let row = |change: &Change| {
        let (generation, action, message) =
            (change.generation.to_string(), spelled(change.action), change.message.clone());
        [generation, change.at.to_string(), change.actor.to_string(), action, message]
    };
    Table { head: ["generation", "at", "actor", "action", "message"], rows: changes.iter().map(row).collect() }
}

/// Get a change
///
/// The one that made a generation: the topology before and after it, and what differs, by the names of objects.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/changes/{generation}", tag = "history", params(OneChange), responses(
    (status = 200, description = "The change", body = ChangeView),
    Reading,
))]
pub async fn get_change(
    State(state): State<AppState>,
    Path(OneChange { cluster, generation }): Path<OneChange>,
) -> Result<Json<ChangeView>, ApiError> {
    let change = find(&state, &cluster, generation).await?;
    let diff = differences(change.before.as_ref(), change.after.as_ref());
    Ok(Json(ChangeView { change, diff }))
}

/// Revert to a generation
///
/// Makes what is wanted what it was after that change, as a new change. What operators set since then stays, so that a
/// revert never resumes a drained node, unless `operator_state` asks for it; objects that come back are wanted as they were
/// then. With `dry_run` it answers the plan first.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/changes/{generation}/revert", tag = "history",
    params(OneChange, HowToRevert,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = ActionRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = TopologyResult,
        headers(("etag" = String, description = "The generation"))),
    Replacing,
))]
pub async fn revert(
    State(state): State<AppState>,
    Path(OneChange { cluster, generation }): Path<OneChange>,
    Query(HowToRevert { dry_run, operator_state }): Query<HowToRevert>,
    Writer { actor, expect, key }: Writer,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let change = find(&state, &cluster, generation).await?;
    let Some(document) = change.after else {
        return Err(ApiError::refused(format!(
            "generation {generation} deleted the cluster: there is nothing to revert to"
        )));
    };
    let then = parse(&document).map_err(ApiError::invalid)?;
    let asked = Edit { actor, expect, dry_run, replaces: true, key };
    let why = request.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!("reverted to generation {generation}{why}");
    let change = |stored: &Stored, document: &mut Value| {
        asked.expect.check("cluster", cluster.as_str(), Some(stored.generation))?;
        let wanted = if operator_state { then.clone() } else { with_operator_state_of(&then, &stored.spec) };
        *document = serde_json::to_value(wanted).map_err(|_| ApiError::internal())?;
        let (at, object) = (String::new().into(), cluster.to_string());
        let unsaid = precondition::unsaid(stored, &asked, || Some(stored.generation));
        Ok(Made { at, action: ChangeAction::Revert, object, message: message.clone(), unsaid })
    };
    edit::edit(&state, &cluster, &asked, change, |done| whole(&cluster, done, dry_run)).await
}

/// What a change of the whole answers.
fn whole(cluster: &ClusterName, done: Done, dry_run: bool) -> Result<Answer, ApiError> {
    let summary = done.summary();
    let Done { generation, changed, findings, refused, .. } = done;
    let (cluster, created) = (cluster.clone(), false);
    let result = TopologyResult { cluster, generation, created, changed, dry_run, summary, findings, refused };
    Answer::new(StatusCode::OK, generation, &result)
}

/// `then` with the operator state of what is wanted now, for all that is there now.
fn with_operator_state_of(then: &TopologySpec, now: &TopologySpec) -> TopologySpec {
    let mut wanted = then.clone();
    wanted.maintenance.clone_from(&now.maintenance);
    for node in &mut wanted.nodes {
        if let Some(present) = now.nodes.iter().find(|present| present.name == node.name) {
            (node.wanted, node.maintenance) = (present.wanted, present.maintenance.clone());
        }
    }
    for group in &mut wanted.groups {
        let present = now.groups.iter().find(|present| present.name == group.name);
        if let Some(present) = present
            && (group.wanted, &group.maintenance) != (present.wanted, &present.maintenance)
        {
            let group = Arc::make_mut(group);
            (group.wanted, group.maintenance) = (present.wanted, present.maintenance.clone());
        }
    }
    for dependency in &mut wanted.common_dependencies {
        if let Some(present) = now.common_dependencies.iter().find(|present| present.name == dependency.name) {
            dependency.down.clone_from(&present.down);
        }
    }
    wanted
}

/// The change that made a generation, if it is known.
pub async fn at(state: &AppState, cluster: &ClusterName, generation: Generation) -> Result<Option<Change>, ApiError> {
    let newest = state.store.changes(cluster, Some(Generation(generation.0.saturating_add(1))), 1).await?;
    Ok(newest.into_iter().find(|change| change.generation == generation))
}

async fn find(state: &AppState, cluster: &ClusterName, generation: Generation) -> Result<Change, ApiError> {
    let change = at(state, cluster, generation).await?;
    change.ok_or_else(|| ApiError::not_found("change", &generation.to_string()))
}
