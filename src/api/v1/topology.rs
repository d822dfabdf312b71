//! What is wanted of a cluster, as one document?

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{OneCluster, preview};
use crate::api::AppState;
use crate::api::answers::{Reading, Writing};
use crate::api::extract::{Document, Path, Query, Writer};
use crate::api::problem::ApiError;
use crate::api::views::{Problem, TopologyResult};
use crate::domain::topology::parse;
use crate::domain::{ClusterName, Finding, Generation, TopologySpec};
use crate::store::{Error as StoreError, Expect};

/// Whether it is only a question.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// Answer with the plan, and change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

/// Get the topology
///
/// The whole desired state as one document. The ETag is its generation.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/topology", tag = "topology", params(OneCluster), responses(
    (status = 200, description = "The topology", body = TopologySpec, headers(("etag" = String, description = "The generation"))),
    Reading,
))]
pub async fn get_topology(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
) -> Result<Response, ApiError> {
    let (spec, generation) = state.store.topology(&cluster).await?;
    Ok(([(header::ETAG, etag(generation))], Json(spec)).into_response())
}

/// Put the topology
///
/// Creates the cluster or replaces its topology: what is absent is removed, except that an absent `wanted` keeps its value.
/// Refused whole, with every finding, when anything is wrong. With `dry_run` it answers what would happen.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/topology", tag = "topology",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is no such cluster")),
    request_body = TopologySpec, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = TopologyResult,
        headers(("etag" = String, description = "The generation"))),
    (status = 201, description = "Accepted: the cluster is new", body = TopologyResult),
    Writing,
    (status = 412, description = "It changed meanwhile", body = Problem, content_type = "application/problem+json"),
))]
pub async fn put_topology(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(DryRun { dry_run }): Query<DryRun>,
    Writer { actor, expect }: Writer,
    Document(document): Document,
) -> Result<Response, ApiError> {
    let spec = check(&cluster, &document)?;
    let present = present(&state, &cluster).await?;
    let summary =
        preview::of_topology(&state, &spec, present.as_ref().map_or(Generation(0), |(_, generation)| *generation));
    let accepted = if dry_run {
        would_accept(&spec, present, expect)?
    } else {
        let accepted = state.store.put_topology(&spec, expect, &actor, state.clock.now()).await?;
        state.nudge.cluster(&cluster);
        (accepted.generation, accepted.created, accepted.changed)
    };
    let (generation, created, changed) = accepted;
    let result = TopologyResult { cluster, generation, created, changed, dry_run, summary };
    let status = if created && !dry_run { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::ETAG, etag(generation))], Json(result)).into_response())
}

fn check(cluster: &ClusterName, document: &serde_json::Value) -> Result<TopologySpec, ApiError> {
    let named = document.get("cluster").and_then(serde_json::Value::as_str);
    let other = named.filter(|name| *name != cluster.as_str()).map(|name| {
        let detail = format!("the document is of cluster {name:?}, and the path of {cluster}: they must be the same");
        Finding::new("/cluster", "other_cluster", detail)
    });
    match (parse(document), other) {
        (Ok(spec), None) => Ok(spec),
        (Ok(_), Some(other)) => Err(ApiError::invalid(vec![other])),
        (Err(mut findings), other) => {
            findings.extend(other);
            findings.sort();
            Err(ApiError::invalid(findings))
        }
    }
}

async fn present(state: &AppState, cluster: &ClusterName) -> Result<Option<(TopologySpec, Generation)>, ApiError> {
    match state.store.topology(cluster).await {
        Ok(present) => Ok(Some(present)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn would_accept(
    spec: &TopologySpec,
    present: Option<(TopologySpec, Generation)>,
    expect: Expect,
) -> Result<(Generation, bool, bool), ApiError> {
    match (present, expect) {
        (Some(_), Expect::Absent) => Err(StoreError::Exists { kind: "cluster", name: spec.cluster.to_string() }.into()),
        (Some((_, actual)), Expect::At(expected)) if expected != actual => {
            Err(StoreError::Conflict { expected, actual }.into())
        }
        (Some((before, generation)), _) => Ok((generation, false, spec.with_operator_state(Some(&before)) != before)),
        (None, Expect::At(_)) => Err(ApiError::not_found("cluster", spec.cluster.as_str())),
        (None, _) => Ok((Generation(0), true, true)),
    }
}

fn etag(generation: Generation) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{generation}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}
