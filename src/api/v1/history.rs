//! What happened: failovers and events?

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{OneCluster, cursor, limit};
use crate::api::AppState;
use crate::api::answers::Reading;
use crate::api::extract::{Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::Page;
use crate::domain::{ClusterName, Event, FailoverRecord, GroupName};
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

/// A failover in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneFailover {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The failover's id.
    pub id: Uuid,
}

/// A slice of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// 1 to 1000, default 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the slice before.
    pub cursor: Option<String>,
}

/// List failovers
///
/// Newest first, those that were held back too.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/failovers", tag = "history", params(OneCluster, Failovers), responses(
    (status = 200, description = "The failovers", body = Page<FailoverRecord>),
    Reading,
))]
pub async fn list_failovers(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
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
    params(OneFailover), responses(
    (status = 200, description = "The failover", body = FailoverRecord),
    Reading,
))]
pub async fn get_failover(
    State(state): State<AppState>,
    Path(OneFailover { cluster, id }): Path<OneFailover>,
) -> Result<Json<FailoverRecord>, ApiError> {
    Ok(Json(state.store.failover(&cluster, id).await?))
}

/// List events
///
/// Oldest first, numbered without gaps: `cursor` is the number after which to go on.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/events", tag = "history", params(OneCluster, Slice), responses(
    (status = 200, description = "The events; next_cursor is null at the present end", body = Page<Event>),
    Reading,
))]
pub async fn list_events(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<Event>>, ApiError> {
    let limit = limit(slice.limit)?;
    let after = cursor::<u64>(slice.cursor.as_deref())?.unwrap_or(0);
    let items = state.store.events(&cluster, after, limit).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|last| last.sequence.to_string());
    Ok(Json(Page { items, next_cursor }))
}
