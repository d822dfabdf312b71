//! How is a part of the desired state written? Read the whole, change the part, check the whole, replace it.
//!
//! The replacement is a compare-and-swap on the generation, so that every rule holds for what is stored. Whoever came in
//! between is no conflict: the change is made anew on what is there then.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::judged::{self, Judged};
use super::preview;
use crate::advice::FindingChanges;
use crate::api::AppState;
use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::api::repeat::Key;
use crate::api::views::ObjectResult;
use crate::domain::topology::parse;
use crate::domain::{ChangeAction, ClusterName, Finding, Generation, TopologySpec};
use crate::planner::PlanSummary;
use crate::store::{Error as StoreError, Expect, KeptAnswer, Replacement, Stored};

/// How often a change is made anew because somebody else came in between.
const ATTEMPTS: u32 = 8;

/// A change that was made in a document, in words.
pub struct Made {
    /// Where in the document stands what the caller sent.
    pub at: Places,
    pub action: ChangeAction,
    /// `nodes/bts1`.
    pub object: String,
    /// `put node bts1`.
    pub message: String,
}

/// Where in a document stands what a caller sent: pointers into the document, each with one into what was sent. An empty one is
/// the whole.
pub struct Places(pub Vec<(String, String)>);

/// One place at which stands all of what was sent.
impl From<String> for Places {
    fn from(at: String) -> Self {
        Self(vec![(at, String::new())])
    }
}

impl Places {
    /// The pointer into what was sent: by the innermost place, and the last of several.
    fn sent(&self, pointer: &str) -> Option<String> {
        let within = self.0.iter().filter_map(|(at, sent)| Some((at.len(), sent, pointer.strip_prefix(at.as_str())?)));
        let whole = within.filter(|(_, _, rest)| rest.is_empty() || rest.starts_with('/'));
        whole.max_by_key(|(length, ..)| *length).map(|(_, sent, rest)| format!("{sent}{rest}"))
    }
}

/// A change that was accepted or, in a dry run, that would be.
pub struct Done {
    /// What was stored before.
    pub before: Stored,
    pub spec: TopologySpec,
    /// Of the whole, after it; in a dry run the present one.
    pub generation: Generation,
    pub changed: bool,
    pub summary: PlanSummary,
    pub findings: FindingChanges,
    pub refused: Option<String>,
}

/// What is answered to a change.
pub struct Answer {
    status: StatusCode,
    etag: HeaderValue,
    /// The path of what is new.
    location: Option<String>,
    body: String,
}

impl Answer {
    pub fn new(status: StatusCode, generation: Generation, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(|_| ApiError::internal())?;
        Ok(Self { status, etag: etag(generation), location: None, body })
    }

    /// Lets the ETag change with the body too; what is written `If-Match` counts the generation only.
    pub fn tag_body(&mut self, generation: Generation) {
        let mut tag = format!("\"{generation}-");
        Sha256::digest(&self.body).iter().take(8).for_each(|byte| tag.push_str(&format!("{byte:02x}")));
        tag.push('"');
        self.etag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"0\""));
    }

    /// Says where it is, if it is new.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.location = (self.status == StatusCode::CREATED).then(|| path.to_owned());
        self
    }

    /// To be kept with the change.
    pub fn kept(&self, key: Key, at: Timestamp) -> KeptAnswer {
        let etag = self.etag.to_str().ok().map(str::to_owned);
        let (location, body) = (self.location.clone(), Some(self.body.clone()));
        KeptAnswer { etag, location, body, ..key.answer(self.status, at) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let headers = [(header::ETAG, self.etag), (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status, headers, self.body).into_response();
        if let Some(path) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            response.headers_mut().insert(header::LOCATION, path);
        }
        response
    }
}

/// Makes a change of a cluster's document by `change`, which refuses it or says what it did, and answers by `answer`.
pub async fn edit(
    state: &AppState,
    cluster: &ClusterName,
    asked: &Edit,
    change: impl Fn(&Stored, &mut Value) -> Result<Made, ApiError>,
    answer: impl Fn(Done) -> Result<Answer, ApiError>,
) -> Result<Response, ApiError> {
    let mut attempts = ATTEMPTS;
    loop {
        let before = state.store.topology(cluster).await?;
        demand_expectation(&before, asked)?;
        let mut document = serde_json::to_value(&before.spec).map_err(|_| ApiError::internal())?;
        let made = change(&before, &mut document)?;
        let relative = |findings: Vec<Finding>| relative_to(&made.at, &document, findings);
        let parsed = parse(&document).map_err(|findings| ApiError::invalid(relative(findings)))?;
        let spec = parsed.with_operator_state(None);
        let Judged { changes: findings, refusal } = judged::change(state, Some(&before.spec), &spec);
        let refusal = refusal.map(|errors| ApiError::rules_broken(relative(errors.at(&document))));
        let summary = preview::of_topology(state, &spec, before.generation);
        let changed = spec != before.spec;
        if asked.dry_run {
            let (generation, refused) = (before.generation, refusal.map(|refusal| refusal.detail().to_owned()));
            let done = Done { before, spec, generation, changed, summary, findings, refused };
            return Ok(answer(done)?.into_response());
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let Made { action, object, message, .. } = made;
        let (on, actor, at) = (before.generation, asked.actor.clone(), state.clock.now());
        let mut new = Replacement { spec: spec.clone(), on, action, message, object, actor, at, answer: None };
        // The change rests on `on`, so what it will be is known before: the answer is kept with it.
        let generation = if changed { on.next() } else { on };
        let answer = answer(Done { before, spec, generation, changed, summary, findings, refused: None })?;
        new.answer = asked.key.clone().map(|key| answer.kept(key, at));
        match state.store.replace_topology(&new).await {
            Ok(_) => {
                state.nudge.cluster(cluster);
                return Ok(answer.into_response());
            }
            Err(StoreError::Conflict { .. }) if attempts > 1 => attempts -= 1,
            Err(StoreError::Conflict { .. }) => {
                return Err(ApiError::conflict("others write this cluster all the time; try again"));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Refuses a write that says nothing of what it expects to find, where the cluster asks for that.
fn demand_expectation(before: &Stored, asked: &Edit) -> Result<(), ApiError> {
    let silent = asked.replaces && asked.expect == Expect::Anything && !asked.dry_run;
    if silent && before.spec.policy.require_if_match {
        return Err(ApiError::precondition_required(before.generation));
    }
    Ok(())
}

/// Whether an object is as its writer expects it; `found` is the generation that last changed it, if it is there.
pub fn expected(kind: &'static str, name: &str, found: Option<Generation>, expect: Expect) -> Result<(), ApiError> {
    match (expect, found) {
        (Expect::Absent, Some(_)) => Err(StoreError::Exists { kind, name: name.to_owned() }.into()),
        (Expect::At(_), None) => Err(ApiError::not_found(kind, name)),
        (Expect::At(expected), Some(actual)) if expected != actual => {
            Err(StoreError::Conflict { expected, actual }.into())
        }
        _ => Ok(()),
    }
}

/// What a write of an object answers. `found` is the generation that last changed it, if it was there.
pub fn answer(done: Done, object: Option<Value>, found: Option<Generation>, dry_run: bool) -> Result<Answer, ApiError> {
    answer_saying(done, object, found, dry_run, None)
}

/// The same with a sentence.
pub fn answer_saying(
    done: Done,
    object: Option<Value>,
    found: Option<Generation>,
    dry_run: bool,
    message: Option<String>,
) -> Result<Answer, ApiError> {
    let Done { generation, changed, summary, findings, refused, .. } = done;
    let created = found.is_none() && object.is_some();
    let generation = if changed && !dry_run { generation } else { found.unwrap_or_default() };
    let status = if created && !dry_run { StatusCode::CREATED } else { StatusCode::OK };
    let result = ObjectResult { object, generation, created, changed, dry_run, message, summary, findings, refused };
    Answer::new(status, generation, &result)
}

pub fn etag(generation: Generation) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{generation}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Findings with pointers into what the caller sent, which stands at `at`. What is wrong elsewhere is said of the whole of
/// it, with the place in words.
fn relative_to(at: &Places, document: &Value, findings: Vec<Finding>) -> Vec<Finding> {
    let relative = |finding: Finding| match at.sent(&finding.pointer) {
        Some(pointer) => Finding { pointer, ..finding },
        None => {
            let detail = format!("{}: {}", in_words(&finding.pointer, document), finding.detail);
            Finding { pointer: String::new(), detail, ..finding }
        }
    };
    findings.into_iter().map(relative).collect()
}

/// `/groups/0/preferred_owners/1` as `groups/ftp/preferred_owners/1`.
fn in_words(pointer: &str, document: &Value) -> String {
    let (mut place, mut words) = (Some(document), Vec::new());
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        place = place.and_then(|value| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(&key),
        });
        let name = place.and_then(|value| value.get("name").or_else(|| value.get("node"))).and_then(Value::as_str);
        words.push(name.map_or(key, str::to_owned));
    }
    words.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn findings_point_into_what_was_sent() {
        let document = json!({ "groups": [{ "name": "ftp", "preferred_owners": ["a"] }], "nodes": [{ "name": "a" }] });
        let findings = ["/nodes/0/agent", "/nodes/0", "/groups/0/preferred_owners/0", "/nodes/01"];
        let findings = findings.map(|pointer| Finding::new(pointer, "code", "wrong")).to_vec();
        let found = relative_to(&"/nodes/0".to_owned().into(), &document, findings);
        let said: Vec<_> = found.iter().map(|f| (f.pointer.as_str(), f.detail.as_str())).collect();
        let elsewhere = ("", "groups/ftp/preferred_owners/0: wrong");
        assert_eq!(said[..3], [("/agent", "wrong"), ("", "wrong"), elsewhere]);
        assert_eq!(said[3].0, "");
    }

    #[test]
    fn of_several_places_the_innermost_and_last_counts() {
        let places = [
            ("/groups/1", "/changes/0/body"),
            ("/groups/1/resources/0", "/changes/2/body"),
            ("/groups/1", "/changes/3/body"),
        ];
        let places = Places(places.map(|(at, sent)| (at.to_owned(), sent.to_owned())).to_vec());
        assert_eq!(places.sent("/groups/1/resources/0/name").as_deref(), Some("/changes/2/body/name"));
        assert_eq!(places.sent("/groups/1/resources/1").as_deref(), Some("/changes/3/body/resources/1"));
        assert_eq!(places.sent("/groups/10"), None);
    }
}
