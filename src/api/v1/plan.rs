//! What if: nodes lost or paused, something common down, another topology? And how much of that can the cluster take?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::judged::{self, Judged};
use super::{OneCluster, preview};
use crate::api::AppState;
use crate::api::answers::{Reading, Writing};
use crate::api::extract::{Body, Path};
use crate::api::problem::ApiError;
use crate::api::views::{Problem, WhatIfView};
use crate::domain::topology::parse;
use crate::domain::{ClusterName, Finding, TopologySpec};
use crate::planner::what_if::counted_ids;
use crate::planner::{self, Faults, Resilience, Snapshot};
use crate::store::Error as StoreError;

/// Body of a what-if.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WhatIfRequest {
    /// What goes wrong; absent: nothing.
    pub faults: Faults,
    /// The topology that is wanted then; absent: the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TopologySpec>)]
    pub topology: Option<Value>,
}

/// Ask what would be
///
/// The plan that would answer these faults under this topology, with a verdict on every node for each group that it moves or
/// can't place, and where every group ends once nothing is left to do. Downtimes are bounds by the timers, not forecasts.
/// Nothing is changed.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/plan", tag = "plan", params(OneCluster), request_body = WhatIfRequest,
    responses(
    (status = 200, description = "What would be", body = WhatIfView),
    Writing,
    (status = 503, description = "The cluster is new and was not looked at yet", body = Problem, content_type = "application/problem+json"),
))]
pub async fn plan_what_if(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Body(WhatIfRequest { faults, topology }): Body<WhatIfRequest>,
) -> Result<Json<WhatIfView>, ApiError> {
    let stored = match state.store.topology(&cluster).await {
        Ok(stored) => Some(Arc::clone(&stored.spec)),
        Err(StoreError::NotFound { .. }) if topology.is_some() => None,
        Err(error) => return Err(error.into()),
    };
    let wanted = topology.as_ref().map(|document| check(&cluster, document)).transpose()?;
    let wanted = wanted.map(|spec| spec.with_operator_state(stored.as_deref()));
    let (before, judged) = match (&wanted, &stored) {
        (None, _) => (preview::looked_at(&state, &cluster).await?, None),
        (Some(wanted), None) => (planner::cold(wanted, state.clock.now()), Some(judged::change(&state, None, wanted))),
        (Some(wanted), Some(stored)) => {
            let seen = preview::looked_at(&state, &cluster).await?;
            let judged = judged::change(&state, Some(stored), wanted);
            (planner::with_topology(seen, wanted), Some(judged))
        }
    };
    known(&faults, &before)?;
    let document = topology.unwrap_or_default();
    let (findings, refused) = judged.map_or_else(Default::default, |Judged { changes, refusal }| {
        let refused = refusal.map(|errors| ApiError::rules_broken(errors.at(&document)).detail().to_owned());
        (changes, refused)
    });
    let what_if = computed(move || planner::what_if(&before, &faults, &mut counted_ids())).await?;
    Ok(Json(WhatIfView { what_if, findings, refused }))
}

/// Get the resilience
///
/// For every single node and pair of nodes: which groups would be down if they were lost now, and for how long at worst. In a
/// cluster of more than 40 nodes only the pairs that can matter are computed; the answer says which were.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/resilience", tag = "plan", params(OneCluster), responses(
    (status = 200, description = "What the loss of one or two nodes would do", body = Resilience),
    Reading,
    (status = 503, description = "The cluster is new and was not looked at yet", body = Problem, content_type = "application/problem+json"),
))]
pub async fn get_resilience(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
) -> Result<Json<Resilience>, ApiError> {
    let snapshot = preview::looked_at(&state, &cluster).await?;
    computed(move || planner::resilience(&snapshot, &mut counted_ids())).await.map(Json)
}

/// The document under `topology`; places in it count from the request's root.
fn check(cluster: &ClusterName, document: &Value) -> Result<TopologySpec, ApiError> {
    let within = |finding: Finding| Finding { pointer: format!("/topology{}", finding.pointer), ..finding };
    let invalid = |findings: Vec<Finding>| ApiError::invalid(findings.into_iter().map(within).collect());
    let spec = parse(document).map_err(invalid)?;
    if spec.cluster != *cluster {
        let detail =
            format!("the topology is of cluster {}, and the path of {cluster}: they must be the same", spec.cluster);
        return Err(invalid(vec![Finding::new("/cluster", "other_cluster", detail)]));
    }
    Ok(spec)
}

fn known(faults: &Faults, snapshot: &Snapshot) -> Result<(), ApiError> {
    let unknown = faults.unknown(snapshot).into_iter();
    let findings: Vec<Finding> =
        unknown.map(|(field, detail)| Finding::new(format!("/faults/{field}"), "dangling_reference", detail)).collect();
    if findings.is_empty() { Ok(()) } else { Err(ApiError::invalid(findings)) }
}

/// What takes the planner a while keeps no other request waiting.
async fn computed<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(compute).await.map_err(|error| {
        tracing::error!(%error, "a computation ended without a result: this is a defect");
        ApiError::internal()
    })
}
