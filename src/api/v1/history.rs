//! What happened to the groups: failovers, and who has seen them?

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::cursors::Seal;
use super::{OneCluster, clusters, limit};
use crate::api::AppState;
use crate::api::answers::{Listing, Reading, Writing};
use crate::api::extract::{Body, Caller, Path, Query};
use crate::api::fields::Fields;
use crate::api::problem::ApiError;
use crate::api::repeat::Key;
use crate::api::report::{Format, Table};
use crate::api::views::{AcknowledgeRequest, Page, SparsePage};
use crate::domain::{Cause, ClusterName, FailoverRecord, GroupName, NodeName, Outcome};
use crate::store::{Acknowledgement, FailoverFilter};

/// Which failovers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Failovers {
    /// Only those of this group.
    #[param(value_type = Option<GroupName>)]
    group: Option<GroupName>,
    /// Only those that left this node or came to it.
    #[param(value_type = Option<NodeName>)]
    node: Option<NodeName>,
    /// Only those of this cause.
    #[param(value_type = Option<Cause>)]
    cause: Option<Cause>,
    /// Only those that ended so.
    #[param(value_type = Option<Outcome>)]
    outcome: Option<Outcome>,
    /// Only those that were detected then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only those that were detected before.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only those that somebody has seen, or that nobody has.
    acknowledged: Option<bool>,
    /// `newest` first (the default), or `oldest`.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// Only these fields of each item, with commas between them.
    fields: Option<String>,
    /// 1 to 1000, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the slice before.
    cursor: Option<String>,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Newest,
    Oldest,
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
    /// Only these fields of each item, with commas between them.
    pub fields: Option<String>,
    /// 1 to 1000, default 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the slice before.
    pub cursor: Option<String>,
}

/// List failovers
///
/// Those that were held back too. With `Accept: text/csv` or `text/markdown` as a table; the header `next-cursor` then says how to go
/// on.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/failovers", tag = "history", params(OneCluster, Failovers), responses(
    (status = 200, description = "The failovers", content(
        (Page<FailoverRecord> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json"),
        (String = "text/csv"), (String = "text/markdown"))),
    Listing,
))]
pub async fn list_failovers(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(which): Query<Failovers>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Failovers { group, node, cause, outcome, since, until, acknowledged, order, .. } = which;
    let limit = limit(which.limit);
    let oldest_first = order == Order::Oldest;
    let (fields, format) = (Fields::of::<FailoverRecord>(which.fields.as_deref())?, Format::of(&headers));
    if format != Format::Json {
        fields.only_in_pages()?;
    }
    let mut filter =
        FailoverFilter { group, node, cause, outcome, since, until, acknowledged, limit: 0, after: None, oldest_first };
    let of = (clusters::id(&state, &cluster).await?, &filter);
    let seal = Seal::of(&format!("/v1/clusters/{cluster}/failovers"), of);
    filter.after = seal.place(which.cursor.as_deref())?;
    // With one more, which tells whether there are others.
    filter.limit = limit + 1;
    let found = state.store.failovers(&cluster, &filter).await?;
    let Page { items, next_cursor } = Page::of(found, limit, |last| seal.cursor(last.id));
    Ok(match format {
        Format::Json => fields.answer(Page { items, next_cursor })?,
        Format::Csv => table(&items).csv(next_cursor.as_deref()),
        Format::Markdown => {
            let unseen = items.iter().filter(|record| record.acknowledged_at.is_none()).count();
            let head =
                format!("# Failovers of {cluster}\n\n{} failovers, {unseen} of them seen by nobody.", items.len());
            table(&items).markdown(&head, next_cursor.as_deref())
        }
    })
}

fn table(records: &[FailoverRecord]) -> Table<14> {
    let head = [
        "detected_at",
        "group",
        "cause",
        "actor",
        "from",
        "to",
        "epoch",
        "release_proof",
        "outcome",
        "downtime_ms",
        "reason",
        "acknowledged_by",
        "comment",
        "id",
    ];
    let text = |value: Option<String>| value.unwrap_or_default();
    let row = |record: &FailoverRecord| {
        [
            record.detected_at.to_string(),
            record.group.to_string(),
            record.cause.as_str().to_owned(),
            record.actor.to_string(),
            text(record.from.as_ref().map(ToString::to_string)),
            text(record.to.as_ref().map(ToString::to_string)),
            text(record.epoch.map(|epoch| epoch.to_string())),
            text(record.release_proof.map(|proof| proof.as_str().to_owned())),
            record.outcome.as_str().to_owned(),
            text(record.online_at.map(|_| record.phases_ms.values().sum::<u64>().to_string())),
            record.reason.clone(),
            text(record.acknowledged_by.as_ref().map(ToString::to_string)),
            text(record.comment.clone()),
            record.id.to_string(),
        ]
    };
    Table { head, rows: records.iter().map(row).collect() }
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

/// Acknowledge a failover
///
/// Somebody has seen it, and says what he has to say of it. A later word takes the place of an earlier one, comment and all. One that is
/// not over yet can't be acknowledged.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/failovers/{id}/acknowledge", tag = "history",
    params(OneFailover), request_body = AcknowledgeRequest, responses(
    (status = 200, description = "The failover, with who has seen it", body = FailoverRecord),
    Writing,
))]
pub async fn acknowledge_failover(
    State(state): State<AppState>,
    Path(OneFailover { cluster, id }): Path<OneFailover>,
    Caller(actor): Caller,
    key: Option<Extension<Key>>,
    Body(AcknowledgeRequest { comment }): Body<AcknowledgeRequest>,
) -> Result<Json<FailoverRecord>, ApiError> {
    let at = state.clock.now();
    let answer = key.map(|Extension(key)| key.answer(StatusCode::OK, at));
    let new = Acknowledgement { failover: id, comment, actor, at, answer };
    Ok(Json(state.store.acknowledge(&cluster, &new).await?))
}
