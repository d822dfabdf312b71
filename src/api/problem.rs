//! How does a caller learn what was wrong? Every error of the API is `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::views::Problem;
use crate::domain::{Finding, Generation};
use crate::store;

/// Where problem types are named; the last part is stable.
pub const TYPES: &str = "https://locum.invalid/problems/";

/// So many findings are told at most, and so many letters of each sentence: nobody reads more, and what was sent is not sent back.
const MOST_FINDINGS: usize = 100;
const MOST_LETTERS: usize = 1000;

/// An error on its way to the caller.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Finding>,
    /// Boxed like what follows, so that errors stay small on the way.
    versions: Option<Box<Versions>>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// The generation that was expected, if any was, and the present one, if there is any.
#[derive(Debug, Clone, Copy, Default)]
struct Versions {
    expected: Option<Generation>,
    actual: Option<Generation>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: short(detail.into()), errors: Vec::new(), versions: None, header: None }
    }

    /// The request itself can't be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request can't be read", detail)
    }

    /// There is no such thing.
    pub fn not_found(kind: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", format!("there is no {kind} {name:?}"))
    }

    /// There is no such path.
    pub fn no_such_path(path: &str) -> Self {
        let detail = format!("there is nothing at {path}; /docs lists what there is");
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such path", detail)
    }

    /// A group does not run where it was asked for.
    pub fn not_active(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-active", "It is not active there", detail)
    }

    /// The path is there, the method is not.
    pub fn no_such_method(method: &str, path: &str, allow: Option<HeaderValue>) -> Self {
        let allowed = allow.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("other methods");
        let detail = format!("{path} does not take {method}, only {allowed}");
        let title = "The method is not allowed here";
        let header = allow.map(|allow| Box::new((header::ALLOW, allow)));
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title, detail) }
    }

    /// The thing is in a state in which this can't be done.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "This can't be done now", detail)
    }

    /// The body is larger than the API takes.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than {} MiB", limit / (1024 * 1024));
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// The body takes longer than the API waits for one.
    pub fn too_slow(limit: std::time::Duration) -> Self {
        let detail = format!("the body did not come within {} s", limit.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body comes too slowly", detail)
    }

    /// The body is not what the path takes.
    pub fn unsupported_media_type() -> Self {
        let detail = "send the body as JSON, with the header content-type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not JSON", detail)
    }

    /// The document is refused whole, with every finding.
    pub fn invalid(errors: Vec<Finding>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("one thing is wrong: {}", one.detail),
            all => format!("{} things are wrong; nothing was changed{}", all.len(), only_some(all)),
        };
        let title = "What was sent is not valid";
        Self { errors: few(errors), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title, detail) }
    }

    /// What was found in a document that is not valid.
    #[cfg(test)]
    pub fn findings(&self) -> &[Finding] {
        &self.errors
    }

    /// A rule refuses what was asked.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "A rule refuses this", detail)
    }

    /// It would newly break rules that no waiver covers.
    pub fn rules_broken(errors: Vec<Finding>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("rule {}: {}", one.code, one.detail),
            all => format!("it would break {} rules; nothing was changed{}", all.len(), only_some(all)),
        };
        let title = "It would break a rule that no waiver covers";
        Self { errors: few(errors), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "rule-broken", title, detail) }
    }

    /// The same of a part of what was asked for, which stands at `at` and is called `words`.
    #[must_use]
    pub fn within(mut self, at: &str, words: &str) -> Self {
        if self.errors.is_empty() {
            self.detail = short(format!("{words}: {}", self.detail));
        }
        self.errors.iter_mut().for_each(|finding| finding.pointer.insert_str(0, at));
        self
    }

    /// What was wrong, as a sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    fn of_versions(self, expected: Option<Generation>, actual: Option<Generation>) -> Self {
        Self { versions: Some(Box::new(Versions { expected, actual })), ..self }
    }

    /// The caller's expectation does not hold.
    pub fn precondition(expected: Generation, actual: Generation) -> Self {
        let detail =
            format!("you expected generation {expected}, but the generation is {actual}; read it again, then decide");
        let title = "It changed meanwhile";
        let new = Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", title, detail);
        new.of_versions(Some(expected), Some(actual).filter(is_stored))
    }

    /// The caller expects it at a generation, and there is none.
    pub fn gone(kind: &str, name: &str, expected: Generation) -> Self {
        let detail =
            format!("you expected generation {expected}, but there is no {kind} {name:?}; read again, then decide");
        let new = Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", "It is not there", detail);
        new.of_versions(Some(expected), None)
    }

    /// The caller expects that it is there and that it is not.
    pub fn contradictory_precondition() -> Self {
        let detail = "If-Match and If-None-Match: * never hold both: send the one that you mean";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", "It can't be both", detail)
    }

    /// The caller expects that there is none.
    pub fn exists(kind: &str, name: &str, actual: Option<Generation>) -> Self {
        let detail = format!("{kind} {name:?} exists already, and you asked to create it only");
        let new = Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", "It exists already", detail);
        new.of_versions(None, actual.filter(is_stored))
    }

    /// The cluster asks its writers what they expect to find, and this one does not say. `actual`: what there is.
    pub fn precondition_required(actual: Option<Generation>) -> Self {
        Self::unsaid(actual, "If-Match", "If-None-Match: *")
    }

    /// The same of one of several changes.
    pub fn precondition_required_of_change(actual: Option<Generation>) -> Self {
        Self::unsaid(actual, "`if_match`", "`if_none_match`: \"*\"")
    }

    fn unsaid(actual: Option<Generation>, matches: &str, none: &str) -> Self {
        let there = actual.map_or_else(
            || format!("there is nothing yet, so send {none} to create it"),
            |actual| format!("send {matches} with the ETag of what you read; that is \"{actual}\" now"),
        );
        let detail = format!(
            "this cluster takes writes only from who says what is to be overwritten (policy.require_if_match): {there}"
        );
        let title = "Say what you expect to find";
        let new = Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", title, detail);
        new.of_versions(None, actual)
    }

    /// The caller says that it expects something, and not what.
    pub fn empty_if_match() -> Self {
        let detail = "If-Match is empty: send the ETag of what you read, like \"7\", or leave it away";
        let title = "Say what you expect to find";
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", title, detail)
    }

    /// An idempotency key came with another call before.
    pub fn key_reused(key: &str) -> Self {
        let detail = format!(
            "the Idempotency-Key {key:?} came with another call within the last 24 hours: take a new key for a new call"
        );
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "The key belongs to another call", detail)
    }

    /// Not yet, or not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let title = "Not available at the moment";
        let header = Some(Box::new((header::RETRY_AFTER, HeaderValue::from_static("1"))));
        Self { header, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail) }
    }

    /// A defect or a database that fails; what happened stands in the log.
    pub fn internal() -> Self {
        let detail = "something went wrong here, not in your request; the server's log says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "An error of the server", detail)
    }
}

fn only_some(all: &[Finding]) -> String {
    let some = format!("; `errors` has the first {MOST_FINDINGS}");
    if all.len() > MOST_FINDINGS { some } else { String::new() }
}

fn few(mut errors: Vec<Finding>) -> Vec<Finding> {
    errors.truncate(MOST_FINDINGS);
    for finding in &mut errors {
        finding.detail = short(std::mem::take(&mut finding.detail));
        // A part of a pointer points to nothing: to what it is in, then.
        if let Some((end, _)) = finding.pointer.char_indices().nth(MOST_LETTERS) {
            let within = finding.pointer[..end].rfind('/').unwrap_or_default();
            finding.pointer.truncate(within);
        }
    }
    errors
}

fn short(mut sentence: String) -> String {
    if let Some((end, _)) = sentence.char_indices().nth(MOST_LETTERS) {
        sentence.truncate(end);
        sentence.push('…');
    }
    sentence
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound { kind, name } => Self::not_found(kind, &name),
            store::Error::Conflict { expected, actual } => Self::precondition(expected, actual),
            store::Error::Exists { kind, name, actual } => Self::exists(kind, &name, actual),
            store::Error::Gone { kind, name, expected } => Self::gone(kind, &name, expected),
            store::Error::Unsaid { actual } => Self::precondition_required(Some(actual)),
            store::Error::Refused(sentence) => Self::refused(sentence),
            store::Error::NotNow(sentence) => Self::conflict(sentence),
            store::Error::Repeated => Self::conflict("the same call was made twice at once; ask again"),
            store::Error::Outrun => Self::conflict("something newer was decided meanwhile; try again"),
            store::Error::Database(cause) => {
                tracing::error!(%cause, "a request failed in the database");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Versions { expected, actual } = self.versions.map(|versions| *versions).unwrap_or_default();
        let problem = Problem {
            problem_type: format!("{TYPES}{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
            expected: expected.map(tag),
            actual: actual.map(tag),
        };
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = self.header.map(|header| *header) {
            headers.insert(name, value);
        }
        response
    }
}

/// What the same call made has no version yet.
fn is_stored(generation: &Generation) -> bool {
    *generation != Generation(0)
}

fn tag(generation: Generation) -> String {
    format!("\"{generation}\"")
}
