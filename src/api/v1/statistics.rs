//! How did the groups fare, and who owned each of them when?

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OneCluster;
use super::actions::OneGroup;
use crate::api::AppState;
use crate::api::answers::Listing;
use crate::api::extract::{Path, Query};
use crate::api::problem::ApiError;
use crate::api::report::{Format, Table};
use crate::domain::Finding;
use crate::domain::statistics::{self, FailoverBrief, GroupStatistics, Span, Statistics, Timeline, Window};

/// From when to when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct During {
    /// The beginning; absent: 30 days before the end.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The end, which does not belong to it; absent, or not reached yet: now.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl During {
    fn window(&self, state: &AppState) -> Result<Window, ApiError> {
        let wrong = |detail| ApiError::invalid(vec![Finding::new("", "bad_window", detail)]);
        Window::new(self.since, self.until, state.clock.now()).map_err(wrong)
    }
}

/// Get the statistics of a cluster
///
/// For each group how many failovers there were, by outcome and by cause, how long it was up and down, and how long it took
/// to come back. What is older than `policy.retention` is unknown, as is all that nothing was recorded of. With `Accept:
/// text/csv` or `text/markdown` as a table.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/statistics", tag = "history", params(OneCluster, During), responses(
    (status = 200, description = "The statistics", content(
        (Statistics = "application/json"), (String = "text/csv"), (String = "text/markdown"))),
    Listing,
))]
pub async fn get_statistics(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(during): Query<During>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let window = during.window(&state)?;
    let history = state.store.history(&cluster, None).await?;
    let found = statistics::statistics(&cluster, &history, window);
    Ok(match Format::of(&headers) {
        Format::Json => Json(found).into_response(),
        Format::Csv => statistics_table(&found).csv(None),
        Format::Markdown => {
            let head = format!("# Statistics of {cluster}\n\nFrom {} to {}.", found.since, found.until);
            statistics_table(&found).markdown(&head, None)
        }
    })
}

/// Get the timeline of a group
///
/// Who owned it from when to when, and the gaps between with the failover that each was for. The spans follow each other without a gap
/// from `since` to `until`. With `Accept: text/csv` or `text/markdown` as a table.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups/{group}/timeline", tag = "history", params(OneGroup, During),
    responses(
    (status = 200, description = "The timeline", content(
        (Timeline = "application/json"), (String = "text/csv"), (String = "text/markdown"))),
    Listing,
))]
pub async fn get_timeline(
    State(state): State<AppState>,
    Path(OneGroup { cluster, group }): Path<OneGroup>,
    Query(during): Query<During>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let window = during.window(&state)?;
    let history = state.store.history(&cluster, Some(&group)).await?;
    let found = statistics::timeline(&cluster, &history, &group, window);
    let found = found.ok_or_else(|| ApiError::not_found("group", group.as_str()))?;
    Ok(match Format::of(&headers) {
        Format::Json => Json(found).into_response(),
        Format::Csv => timeline_table(&found).csv(None),
        Format::Markdown => timeline_table(&found).markdown(&format!("# Timeline of {group} in {cluster}"), None),
    })
}

fn statistics_table(found: &Statistics) -> Table<12> {
    let head = [
        "group",
        "uptime_percent",
        "uptime_ms",
        "downtime_ms",
        "offline_ms",
        "unknown_ms",
        "failovers",
        "outcomes",
        "causes",
        "mean_between_ms",
        "mean_recovery_ms",
        "longest_ms",
    ];
    let row = |group: &GroupStatistics| {
        [
            group.group.to_string(),
            text(group.uptime_percent),
            group.uptime_ms.to_string(),
            group.downtime_ms.to_string(),
            group.offline_ms.to_string(),
            group.unknown_ms.to_string(),
            group.failovers.to_string(),
            counts(group.outcomes.iter().map(|(outcome, count)| (outcome.as_str(), *count))),
            counts(group.causes.iter().map(|(cause, count)| (cause.as_str(), *count))),
            text(group.mean_between_ms),
            text(group.mean_recovery_ms),
            text(group.longest.as_ref().and_then(|FailoverBrief { downtime_ms, .. }| *downtime_ms)),
        ]
    };
    Table { head, rows: found.groups.iter().map(row).collect() }
}

fn timeline_table(found: &Timeline) -> Table<6> {
    let row = |span: &Span| {
        [
            span.since.to_string(),
            span.until.to_string(),
            span.state.as_str().to_owned(),
            text(span.owner.as_ref()),
            text(span.cause.map(|cause| cause.as_str())),
            text(span.failover),
        ]
    };
    let head = ["since", "until", "state", "owner", "cause", "failover"];
    Table { head, rows: found.spans.iter().map(row).collect() }
}

fn text(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// `failed 1, succeeded 3`.
fn counts(all: impl Iterator<Item = (&'static str, u64)>) -> String {
    all.map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}
