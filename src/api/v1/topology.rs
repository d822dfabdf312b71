//! What is wanted of a cluster, as one document?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::edit::etag;
use super::judged::{self, Judged};
use super::{OneCluster, preview};
use crate::api::AppState;
use crate::api::answers::{Reading, Writing};
use crate::api::extract::{Document, DryRun, Path, Query, Writer};
use crate::api::problem::ApiError;
use crate::api::views::{Problem, TopologyResult};
use crate::domain::topology::parse;
use crate::domain::{ClusterName, Finding, Generation, TopologySpec};
use crate::store::{Error as StoreError, Expect, Stored};

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
    let stored = state.store.topology(&cluster).await?;
    Ok(([(header::ETAG, etag(stored.generation))], Json(&stored.spec)).into_response())
}

/// Put the topology
///
/// Creates the cluster or replaces its topology: what is absent is removed, except operator state: an absent `wanted`,
/// `maintenance` or `down` keeps its value.
/// Refused whole, with every finding, when anything is wrong or when it newly breaks a rule. With `dry_run` it answers what
/// would happen.
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
    Writer { actor, expect, .. }: Writer,
    Document(document): Document,
) -> Result<Response, ApiError> {
    let spec = check(&cluster, &document)?;
    let present = present(&state, &cluster).await?;
    let before = present.as_ref().map(|stored| &stored.spec);
    let wanted = spec.with_operator_state(before);
    let Judged { changes: findings, refusal } = judged::change(&state, before, &wanted);
    let refusal = refusal.map(|errors| ApiError::rules_broken(errors.at(&document)));
    let generation = present.as_ref().map_or(Generation(0), |stored| stored.generation);
    if !dry_run && expect == Expect::Anything && before.is_some_and(|before| before.policy.require_if_match) {
        return Err(ApiError::precondition_required(generation));
    }
    let summary = preview::of_topology(&state, &wanted, generation);
    let refused = refusal.as_ref().map(|refusal| refusal.detail().to_owned());
    let accepted = if dry_run {
        would_accept(&wanted, present, expect)?
    } else {
        refusal.map_or(Ok(()), Err)?;
        let accepted = state.store.put_topology(&spec, expect, &actor, state.clock.now()).await?;
        state.nudge.cluster(&cluster);
        (accepted.generation, accepted.created, accepted.changed)
    };
    let (generation, created, changed) = accepted;
    let result = TopologyResult { cluster, generation, created, changed, dry_run, summary, findings, refused };
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

async fn present(state: &AppState, cluster: &ClusterName) -> Result<Option<Arc<Stored>>, ApiError> {
    match state.store.topology(cluster).await {
        Ok(present) => Ok(Some(present)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn would_accept(
    spec: &TopologySpec,
    present: Option<Arc<Stored>>,
    expect: Expect,
) -> Result<(Generation, bool, bool), ApiError> {
    match (present, expect) {
        (Some(_), Expect::Absent) => Err(StoreError::Exists { kind: "cluster", name: spec.cluster.to_string() }.into()),
        (Some(present), Expect::At(expected)) if expected != present.generation => {
            Err(StoreError::Conflict { expected, actual: present.generation }.into())
        }
        (Some(before), _) => Ok((before.generation, false, *spec != before.spec)),
        (None, Expect::At(_)) => Err(ApiError::not_found("cluster", spec.cluster.as_str())),
        (None, _) => Ok((Generation(0), true, true)),
    }
}
