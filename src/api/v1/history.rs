//! What happened: failovers, changes of what is wanted, events?

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{cursor, limit};
use crate::api::AppState;
use crate::api::extract::{Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{Page, Problem};
use crate::domain::{Change, ClusterName, Event, FailoverRecord, Generation, GroupName};
use crate::store::FailoverFilter;

/// Which failovers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Failovers {
    /// Only those of this group.
    group: Option<GroupName>,
    /// 1 to 1000, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the slice before.
    cursor: Option<String>,
}

/// A slice of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// 1 to 1000, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the slice before.
    cursor: Option<String>,
}

/// List failovers
///
/// Newest first, those that were held back too.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/failovers", tag = "history", params(("cluster" = ClusterName, Path), Failovers), responses(
    (status = 200, description = "The failovers", body = Page<FailoverRecord>),
    (status = 400, description = "The query is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such cluster", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list_failovers(
    State(state): State<AppState>,
    Path(cluster): Path<ClusterName>,
    Query(which): Query<Failovers>,
) -> Result<Json<Page<FailoverRecord>>, ApiError> {
    let limit = limit(which.limit)?;
    let before = cursor::<Uuid>(which.cursor.as_deref())?;
    let items = state.store.failovers(&cluster, &FailoverFilter { group: which.group, limit, before }).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|last| last.id.to_string());
    Ok(Json(Page { items, next_cursor }))
}

/// Get a failover
///
/// With its steps, phases, proof, and the verdict on every node.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/failovers/{id}", tag = "history",
    params(("cluster" = ClusterName, Path), ("id" = Uuid, Path)), responses(
    (status = 200, description = "The failover", body = FailoverRecord),
    (status = 404, description = "There is no such failover", body = Problem, content_type = "application/problem+json"),
))]
pub async fn get_failover(
    State(state): State<AppState>,
    Path((cluster, id)): Path<(ClusterName, Uuid)>,
) -> Result<Json<FailoverRecord>, ApiError> {
    Ok(Json(state.store.failover(&cluster, id).await?))
}

/// List changes
///
/// Who changed what is wanted, and from what to what; newest first.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/changes", tag = "history", params(("cluster" = ClusterName, Path), Slice), responses(
    (status = 200, description = "The changes", body = Page<Change>),
    (status = 400, description = "The query is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such cluster", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list_changes(
    State(state): State<AppState>,
    Path(cluster): Path<ClusterName>,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<Change>>, ApiError> {
    let limit = limit(slice.limit)?;
    let before = cursor::<u64>(slice.cursor.as_deref())?.map(Generation);
    let items = state.store.changes(&cluster, before, limit).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|last| last.generation.to_string());
    Ok(Json(Page { items, next_cursor }))
}

/// List events
///
/// Oldest first, numbered without gaps: `cursor` is the number after which to go on.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/events", tag = "history", params(("cluster" = ClusterName, Path), Slice), responses(
    (status = 200, description = "The events; next_cursor is null at the present end", body = Page<Event>),
    (status = 400, description = "The query is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such cluster", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list_events(
    State(state): State<AppState>,
    Path(cluster): Path<ClusterName>,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<Event>>, ApiError> {
    let limit = limit(slice.limit)?;
    let after = cursor::<u64>(slice.cursor.as_deref())?.unwrap_or(0);
    let items = state.store.events(&cluster, after, limit).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|last| last.sequence.to_string());
    Ok(Json(Page { items, next_cursor }))
}
