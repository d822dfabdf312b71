//! What is wanted of a cluster, as one document?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::judged::{self, Judged};
use super::preview::Outlook;
use super::written::{Answer, etag};
use super::{OneCluster, precondition};
use crate::advice::FindingChanges;
use crate::api::AppState;
use crate::api::answers::{Reading, Replacing};
use crate::api::extract::{Document, DryRun, Edit, Path};
use crate::api::problem::ApiError;
use crate::api::views::TopologyResult;
use crate::domain::topology::parse;
use crate::domain::{ClusterName, Finding, Generation, TopologySpec};
use crate::planner::PlanSummary;
use crate::store::{Accepted, AnswerOf, Error as StoreError, Expect, Stored};

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
    Replacing,
))]
pub async fn put_topology(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    asked: Edit,
    Document(document): Document,
) -> Result<Response, ApiError> {
    let mut considered = consider(&state, Some(&cluster), &document, asked.expect).await?;
    if let Some(present) = &considered.present {
        let unsaid = precondition::unsaid(present, &asked, || Some(present.generation));
        considered.refusal = unsaid.or(considered.refusal);
    }
    if asked.dry_run {
        return Ok(considered.would_be()?.into_response());
    }
    let Considered { spec, summary, findings, .. } = considered.accepted()?;
    let accepted = state.store.put_topology(&spec, asked.expect, &asked.actor, state.clock.now()).await?;
    state.nudge.cluster(&cluster);
    Ok(result(spec, accepted, summary, findings)?.into_response())
}

/// Creates the cluster of a document. What is answered is kept with it.
pub async fn create(state: &AppState, asked: Edit, document: &Value) -> Result<Response, ApiError> {
    let asked = Edit { expect: Expect::Absent, ..asked };
    let considered = consider(state, None, document, asked.expect).await?;
    if asked.dry_run {
        return Ok(considered.would_be()?.into_response());
    }
    let Considered { spec, summary, findings, .. } = considered.accepted()?;
    let (cluster, at) = (spec.cluster.clone(), state.clock.now());
    let answered = {
        let spec = spec.clone();
        move |generation| {
            let accepted = Accepted { created: true, changed: true, generation };
            let path = format!("/v1/clusters/{}", spec.cluster);
            Ok::<_, ApiError>(result(spec, accepted, summary, findings)?.at(&path))
        }
    };
    let kept = asked.key.map(|key| -> AnswerOf {
        let answered = answered.clone();
        let unwritten = |_| StoreError::Database("an answer can't be written".to_owned());
        Box::new(move |generation| Ok(answered(generation).map_err(unwritten)?.kept(key, at)))
    });
    let accepted = state.store.create_cluster(&spec, &asked.actor, at, kept).await?;
    state.nudge.cluster(&cluster);
    Ok(answered(accepted.generation)?.into_response())
}

fn result(
    spec: TopologySpec,
    accepted: Accepted,
    summary: PlanSummary,
    findings: FindingChanges,
) -> Result<Answer, ApiError> {
    let (cluster, Accepted { created, changed, generation }) = (spec.cluster, accepted);
    let (dry_run, refused) = (false, None);
    let result = TopologyResult { cluster, generation, created, changed, dry_run, summary, findings, refused };
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Answer::new(status, generation, &result)
}

/// A document, and what it would do.
struct Considered {
    spec: TopologySpec,
    /// The same with the operator state that it would have.
    wanted: TopologySpec,
    present: Option<Arc<Stored>>,
    summary: PlanSummary,
    findings: FindingChanges,
    refusal: Option<ApiError>,
}

/// Checks and judges a document, of the cluster in the path if there is one.
async fn consider(
    state: &AppState,
    cluster: Option<&ClusterName>,
    document: &Value,
    expect: Expect,
) -> Result<Considered, ApiError> {
    let spec = check(cluster, document)?;
    let present = present(state, &spec.cluster).await?;
    expect.check("cluster", spec.cluster.as_str(), present.as_ref().map(|present| present.generation))?;
    let before = present.as_ref().map(|stored| &*stored.spec);
    let wanted = spec.clone().with_operator_state(before);
    let Judged { changes: findings, refusal } = judged::change(state, before, &wanted);
    let refusal = refusal.map(|errors| ApiError::rules_broken(errors.at(document)));
    let generation = present.as_ref().map_or(Generation(0), |stored| stored.generation);
    let summary = Outlook::of(state, &wanted.cluster, generation).with(&wanted);
    Ok(Considered { spec, wanted, present, summary, findings, refusal })
}

impl Considered {
    /// Itself, unless it is refused.
    fn accepted(mut self) -> Result<Self, ApiError> {
        self.refusal.take().map_or(Ok(self), Err)
    }

    /// What a dry run answers.
    fn would_be(self) -> Result<Answer, ApiError> {
        let Self { spec, wanted, present, summary, findings, refusal } = self;
        let (generation, created, changed) = match present {
            Some(before) => (before.generation, false, wanted != *before.spec),
            None => (Generation(0), true, true),
        };
        let refused = refusal.map(|refusal| refusal.detail().to_owned());
        let (cluster, dry_run) = (spec.cluster, true);
        let result = TopologyResult { cluster, generation, created, changed, dry_run, summary, findings, refused };
        Answer::new(StatusCode::OK, generation, &result)
    }
}

fn check(cluster: Option<&ClusterName>, document: &Value) -> Result<TopologySpec, ApiError> {
    let named = document.get("cluster").and_then(Value::as_str);
    let other = named.zip(cluster).filter(|(name, cluster)| *name != cluster.as_str()).map(|(name, cluster)| {
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
