//! How are several objects changed at once? One after the other in one document, which is judged and stored once.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::edit::{self, Done, Made};
use super::kinds::{One, Target};
use super::objects::of_spec;
use super::places::Places;
use super::writing::{self, Step};
use super::written::Answer;
use super::{OneCluster, clusters, references, whole};
use crate::api::answers::Replacing;
use crate::api::extract::{Document, DryRun, Edit, Path, expectation};
use crate::api::problem::ApiError;
use crate::api::views::{ChangeOp, ChangeSet, ChangeSetResult, ChangeStep, StepResult};
use crate::api::{AppState, body};
use crate::domain::topology::parse;
use crate::domain::{ChangeAction, Finding, Generation};
use crate::store::{ClusterHead, Expect, Stored};

/// As many changes fit into one call.
const MOST: usize = 1000;

/// As many are told one by one in the history.
const TOLD: usize = 5;

/// Make several changes at once
///
/// All of them or none, in their order, as one change with one generation: rules hold for what they make together, not in
/// between. `path` is that of an object below the cluster, as events spell it. What is wrong is told with its place in the request:
/// `/changes/2/body/agent`. An `If-Match` of the call is the ETag of the topology; those of the changes are the ETags of their
/// objects as they were before the call.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/changes", tag = "topology",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = ChangeSet, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ChangeSetResult,
        headers(("etag" = String, description = "The generation"))),
    Replacing,
))]
pub async fn apply_changes(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    asked: Edit,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let ChangeSet { changes, message } = body::fields(body)?;
    let steps = read(changes)?;
    let asked_for = steps.iter().enumerate().map(|(index, step)| OneChange::of(index, step));
    let all = asked_for.collect::<Result<Vec<_>, _>>()?;
    let head = clusters::head(&state, &cluster).await?;
    let change = |stored: &Stored, document: &mut Value| make(stored, document, &all, &asked, message.as_deref());
    edit::edit(&state, &cluster, &asked, change, |done| answer(&state, &head, &all, asked.dry_run, done)).await
}

/// The changes as they were sent, or all that is wrong with their shapes.
fn read(changes: Vec<Value>) -> Result<Vec<ChangeStep>, ApiError> {
    if changes.is_empty() || changes.len() > MOST {
        let detail = format!("these are {} changes: 1 to {MOST} fit into one call", changes.len());
        return Err(ApiError::invalid(vec![Finding::new("/changes", "out_of_range", detail)]));
    }
    let (mut steps, mut wrong) = (Vec::new(), Vec::new());
    for (index, change) in changes.into_iter().enumerate() {
        match body::read_fields::<ChangeStep>(change) {
            Ok(step) => steps.push(step),
            Err(findings) => wrong.extend(findings.into_iter().map(|finding| {
                let pointer = format!("/changes/{index}{}", finding.pointer);
                Finding { pointer, ..finding }
            })),
        }
    }
    if wrong.is_empty() { Ok(steps) } else { Err(ApiError::invalid(wrong)) }
}

/// One of the changes.
struct OneChange<'a> {
    /// Where it stands in the request.
    at: String,
    path: &'a str,
    target: Target<'a>,
    step: Step<'a>,
    expect: Expect,
}

impl<'a> OneChange<'a> {
    fn of(index: usize, sent: &'a ChangeStep) -> Result<Self, ApiError> {
        let at = format!("/changes/{index}");
        let wrong = |field: &str, code: &str, detail: String| {
            ApiError::invalid(vec![Finding::new(format!("{at}/{field}"), code, detail)])
        };
        let needed = |field: &str| wrong(field, "missing_field", format!("the field `{field}` is needed here"));
        let (op, path) = (sent.op.ok_or_else(|| needed("op"))?, sent.path.as_deref().ok_or_else(|| needed("path"))?);
        let target = Target::of(path).ok_or_else(|| {
            let known = "nodes/NAME, groups/NAME, groups/NAME/resources/NAME, hosts/NAME, hosts/NAME/instances/NODE, \
                         handlers/NAME and cluster";
            wrong("path", "bad_path", format!("{path:?} is no path of an object; there are {known}"))
        })?;
        let step = match (op, &sent.body) {
            (ChangeOp::Put, Some(body)) => Step::Put(body),
            (ChangeOp::Patch, Some(patch)) => Step::Patch(patch),
            (ChangeOp::Delete, None) => Step::Delete,
            (ChangeOp::Delete, Some(_)) => {
                return Err(wrong("body", "unknown_field", "what is deleted has no body".to_owned()));
            }
            (_, None) => return Err(needed("body")),
        };
        let expect = expectation(sent.if_match.as_deref(), sent.if_none_match.as_deref());
        let expect = expect.map_err(|error| within(error, &at, path))?;
        Ok(Self { at, path, target, step, expect })
    }

    /// `put node bts1`.
    fn words(&self) -> String {
        let verb = if matches!(self.step, Step::Delete) { "deleted" } else { "put" };
        match self.target {
            Target::Whole => format!("{verb} the cluster"),
            Target::Object(one) => format!("{verb} {}", one.words()),
        }
    }

    /// Makes it in the document; gives what was deleted.
    fn make(&self, stored: &Stored, document: &mut Value) -> Result<Option<(One<'a>, Value)>, ApiError> {
        match self.target {
            Target::Whole => whole::change(stored, document, &self.step, self.expect).map(|()| None),
            Target::Object(one) => {
                let gone = writing::change(stored, document, one, &self.step, self.expect)?;
                Ok(gone.map(|gone| (one, gone)))
            }
        }
    }

    /// An error of this change as one of the call.
    fn told(&self, error: ApiError) -> ApiError {
        within(error, &self.at, self.path)
    }

    /// The paths of what is this call's own once it is made. Who names the version of a part names that of the whole.
    fn owns(&self) -> Vec<String> {
        let whole = match (self.target, self.expect) {
            (Target::Object(one), Expect::At(_)) => Some(one.owner().path()),
            _ => None,
        };
        [self.target.path()].into_iter().chain(whole).collect()
    }

    /// Why it is refused for want of a word on what it overwrites. What a change before it `made`, this call knows.
    fn unsaid(&self, stored: &Stored, made: &BTreeSet<String>) -> Option<ApiError> {
        let (found, own) = match self.target {
            Target::Whole => (Some(stored.generation), false),
            // A part of what is not stored is not stored.
            Target::Object(one) => (one.found(stored).ok().flatten(), made.contains(&one.owner().path())),
        };
        let silent = self.expect == Expect::Anything && !own && !made.contains(&self.target.path());
        silent.then(|| self.told(ApiError::precondition_required_of_change(found)))
    }
}

/// An error of the change at this place, of the object at this path, as one of the call.
fn within(error: ApiError, at: &str, path: &str) -> ApiError {
    error.within(&format!("{at}/body"), &format!("{} ({path})", at.trim_start_matches('/')))
}

/// Makes all changes in the document.
fn make(
    stored: &Stored,
    document: &mut Value,
    all: &[OneChange<'_>],
    asked: &Edit,
    message: Option<&str>,
) -> Result<Made, ApiError> {
    let cluster = &stored.spec.cluster;
    asked.expect.check("cluster", cluster.as_str(), Some(stored.generation))?;
    let demands = stored.spec.policy.require_if_match && asked.expect == Expect::Anything;
    let (mut gone, mut unsaid, mut made) = (Vec::new(), None, BTreeSet::new());
    for change in all {
        if demands && unsaid.is_none() {
            unsaid = change.unsaid(stored, &made);
            made.extend(change.owns());
        }
        let deleted = change.make(stored, document).map_err(|error| change.told(error))?;
        gone.extend(deleted.map(|(one, object)| (change, one, object)));
    }
    // What is wrong with a document that can't be read is told by whoever checks it.
    if let Some(after) = (!gone.is_empty()).then(|| parse(document).ok()).flatten() {
        for (change, one, object) in gone {
            if one.index(document)?.is_none() {
                references::refuse_if_needed(&after, one, &object).map_err(|error| change.told(error))?;
            }
        }
    }
    let message = in_words(all, message);
    let (at, action) = (places(document, all)?, ChangeAction::ChangeSeveral);
    Ok(Made { at, action, object: cluster.to_string(), message, unsaid })
}

/// Where in the document stands what was sent, after all changes.
fn places(document: &Value, all: &[OneChange<'_>]) -> Result<Places, ApiError> {
    let mut places = Vec::new();
    for change in all {
        let sent = format!("{}/body", change.at);
        match (change.target, change.step) {
            (Target::Whole, _) => places.extend(whole::places(&sent).0),
            (Target::Object(_), Step::Delete) => {}
            // Deleted by a later one, or with what it was a part of.
            (Target::Object(one), _) => places.extend(one.pointer(document).ok().flatten().map(|at| (at, sent))),
        }
    }
    Ok(Places(places))
}

fn in_words(all: &[OneChange<'_>], message: Option<&str>) -> String {
    let told: Vec<String> = all.iter().take(TOLD).map(OneChange::words).collect();
    let more = if all.len() > TOLD { format!(" and {} more", all.len() - TOLD) } else { String::new() };
    let why = message.map(|message| format!(": {message}")).unwrap_or_default();
    format!("{}{more}{why}", told.join(", "))
}

fn answer(
    state: &AppState,
    head: &ClusterHead,
    all: &[OneChange<'_>],
    dry_run: bool,
    done: Done,
) -> Result<Answer, ApiError> {
    let results = all.iter().map(|change| result(state, head, change, (&done, dry_run)));
    let changes = results.collect::<Result<Vec<_>, _>>()?;
    let summary = done.summary();
    let Done { generation, changed, findings, refused, .. } = done;
    let cluster = head.name.clone();
    let result = ChangeSetResult { cluster, generation, changed, dry_run, changes, summary, findings, refused };
    Answer::new(StatusCode::OK, generation, &result)
}

/// What became of the object of one change.
fn result(
    state: &AppState,
    head: &ClusterHead,
    change: &OneChange<'_>,
    (done, dry_run): (&Done, bool),
) -> Result<StepResult, ApiError> {
    let path = change.path.to_owned();
    let Target::Object(one) = change.target else {
        let was = whole::view(head, &done.before.spec, done.generation);
        let is = whole::view(head, &done.spec, done.generation);
        let json = |whole| serde_json::to_value(whole).map_err(|_| ApiError::internal());
        let (was, is) = (json(was)?, json(is)?);
        let (changed, generation) = (was != is, done.generation);
        return Ok(StepResult { path, object: Some(is), generation, created: false, changed });
    };
    // What is part of something that is not there is not there.
    let found = |one: One<'_>, spec| one.value_in(spec).ok().flatten();
    let (before, after) = (&done.before.spec, &done.spec);
    let (was, is) = (found(one, before), found(one, after));
    let touched = found(one.owner(), before) != found(one.owner(), after);
    let stored: Option<Generation> = one.generation(&done.before.objects);
    let generation = if touched && !dry_run { done.generation } else { stored.unwrap_or_default() };
    let object = if is.is_some() { of_spec(state, after, one, generation)? } else { None };
    Ok(StepResult { path, object, generation, created: was.is_none() && is.is_some(), changed: was != is })
}
