//! What do the rules say of a topology, and what does somebody take upon himself?

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::edit::{self, Made};
use super::{OneCluster, judged, marks, precondition, written};
use crate::advice::{Advice, Severity};
use crate::api::AppState;
use crate::api::answers::{Deleting, Reading, Replacing};
use crate::api::extract::{Body, DryRun, Edit, Path, Query, Writer};
use crate::api::problem::ApiError;
use crate::api::views::{ObjectResult, WaiverRequest};
use crate::domain::{Actor, ChangeAction, ClusterName, Finding, Waiver};
use crate::store::Stored;

/// Which findings.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only those that are this bad or worse: `error`, `warning`, `advice`.
    #[param(value_type = Option<Severity>)]
    severity: Option<Severity>,
}

/// A rule in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneRule {
    /// The cluster's name.
    cluster: ClusterName,
    /// The rule's id.
    rule: String,
}

/// Which waiver of a rule.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WaiverOf {
    /// The one for this object; absent: the one for all of that rule.
    object: Option<String>,
    /// Answer with the plan and the findings, and change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

/// Get the advice
///
/// All that the rules find in the topology, and where a rule needs it, in what is seen; for each host, whether it should be
/// clustered.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/advice", tag = "topology", params(OneCluster, Which), responses(
    (status = 200, description = "The advice", body = Advice),
    Reading,
))]
pub async fn get_advice(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(Which { severity }): Query<Which>,
) -> Result<Json<Advice>, ApiError> {
    let stored = state.store.topology(&cluster).await?;
    let mut advice = judged::judge(&state, &stored.spec);
    let asked = |found: Severity| severity.is_none_or(|least| found <= least);
    advice.findings.retain(|finding| asked(finding.severity));
    advice.waived.retain(|waived| asked(waived.finding.severity));
    Ok(Json(advice))
}

/// Waive a finding
///
/// It refuses nothing and warns of nothing until the waiver ends. One for the same rule and object is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/advice/waivers", tag = "topology",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = WaiverRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Waiver>),
    Replacing,
))]
pub async fn put_waiver(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    asked: Edit,
    Body(request): Body<WaiverRequest>,
) -> Result<Response, ApiError> {
    let waiver = checked(request, &asked.actor, state.clock.now())?;
    let message = format!(
        "waived {} until {}: {}",
        described(&waiver.rule, waiver.object.as_deref()),
        waiver.expires,
        waiver.reason
    );
    let change = |stored: &Stored, document: &mut Value| {
        asked.expect.check("cluster", cluster.as_str(), Some(stored.generation))?;
        let at = position(stored, &waiver.rule, waiver.object.as_deref());
        let waivers = waivers(document)?;
        let index = at.unwrap_or(waivers.len());
        match waivers.get_mut(index) {
            Some(present) => *present = json!(waiver),
            None => waivers.push(json!(waiver)),
        }
        let object = path(&waiver.rule, waiver.object.as_deref());
        Ok(Made {
            at: format!("/waivers/{index}").into(),
            action: ChangeAction::PutWaiver,
            object,
            message: message.clone(),
            unsaid: None,
        })
    };
    edit::edit(&state, &cluster, &asked, change, |done| {
        let generation = done.before.generation;
        written::answer(done, Some(json!(waiver)), Some(generation), asked.dry_run)
    })
    .await
}

/// End a waiver
///
/// The finding counts again. That refuses nothing: the topology is as it is.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/advice/waivers/{rule}", tag = "topology",
    params(OneRule, WaiverOf,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    responses(
    (status = 200, description = "It is gone, or with dry_run: what would happen", body = ObjectResult<Waiver>),
    Deleting,
))]
pub async fn delete_waiver(
    State(state): State<AppState>,
    Path(OneRule { cluster, rule }): Path<OneRule>,
    Query(WaiverOf { object, dry_run }): Query<WaiverOf>,
    Writer { actor, expect, .. }: Writer,
) -> Result<Response, ApiError> {
    let asked = Edit { actor, expect, dry_run, replaces: true, key: None };
    let message = format!("ended the waiver of {}", described(&rule, object.as_deref()));
    let change = |stored: &Stored, document: &mut Value| {
        asked.expect.check("cluster", cluster.as_str(), Some(stored.generation))?;
        let missing = || ApiError::not_found("waiver of", &described(&rule, object.as_deref()));
        let index = position(stored, &rule, object.as_deref()).ok_or_else(missing)?;
        waivers(document)?.remove(index);
        let at = "/waivers".to_owned();
        let path = path(&rule, object.as_deref());
        let unsaid = precondition::unsaid(stored, &asked, || Some(stored.generation));
        Ok(Made { at: at.into(), action: ChangeAction::DeleteWaiver, object: path, message: message.clone(), unsaid })
    };
    edit::edit(&state, &cluster, &asked, change, |done| {
        let generation = done.before.generation;
        written::answer(done, None, Some(generation), dry_run)
    })
    .await
}

fn checked(request: WaiverRequest, actor: &Actor, now: Timestamp) -> Result<Waiver, ApiError> {
    let WaiverRequest { rule, object, reason, actor: who, expires, length } = request;
    let mut findings = Vec::new();
    let mut missing =
        |field: &str, detail: &str| findings.push(Finding::new(format!("/{field}"), "missing_field", detail));
    if rule.is_none() {
        missing("rule", "name the rule whose finding it is about, like \"R33\"");
    }
    if reason.is_none() {
        missing("reason", "say why it is accepted");
    }
    let expires = marks::end("expires", expires, length, now).map_err(|wrong| findings.push(wrong)).ok();
    match (rule, reason, expires) {
        (Some(rule), Some(reason), Some(expires)) if findings.is_empty() => {
            Ok(Waiver { rule, object, reason, actor: who.unwrap_or_else(|| actor.0.clone()), expires })
        }
        _ => Err(ApiError::invalid(findings)),
    }
}

fn position(stored: &Stored, rule: &str, object: Option<&str>) -> Option<usize> {
    stored.spec.waivers.iter().position(|waiver| waiver.rule == rule && waiver.object.as_deref() == object)
}

fn waivers(document: &mut Value) -> Result<&mut Vec<Value>, ApiError> {
    let fields = document.as_object_mut().ok_or_else(ApiError::internal)?;
    let waivers = fields.entry("waivers").or_insert_with(|| Value::Array(Vec::new()));
    waivers.as_array_mut().ok_or_else(ApiError::internal)
}

fn described(rule: &str, object: Option<&str>) -> String {
    object.map_or_else(|| rule.to_owned(), |object| format!("{rule} for {object}"))
}

fn path(rule: &str, object: Option<&str>) -> String {
    object.map_or_else(|| format!("waivers/{rule}"), |object| format!("waivers/{rule} {object}"))
}
