//! How does a caller of the agent learn what was wrong? Every error is `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::agent::core::CoreError;
use crate::wire::Refusal;

/// Where problem types are named; the last part is stable.
const TYPES: &str = "https://locum.invalid/problems/";

/// An error as RFC 9457 has it, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable for programs: `https://locum.invalid/problems/...`.
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    /// What was wrong and what would be right, as a sentence.
    detail: String,
}

/// An order that the agent understood and did not obey: a problem with what the agent knows better.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedOrder {
    /// Stable for programs: `https://locum.invalid/problems/order-refused`; `code` says which rule.
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    /// Brings `detail`, which a problem has as well.
    #[serde(flatten)]
    refusal: Refusal,
}

/// An error on its way to the caller.
#[derive(Debug)]
pub enum EndpointError {
    /// The order was understood and not obeyed.
    Refused(Box<Refusal>),
    /// Anything else.
    Other(OtherError),
}

/// What makes a plain problem.
#[derive(Debug)]
pub struct OtherError {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    allow: Option<HeaderValue>,
}

impl EndpointError {
    fn other(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::Other(OtherError { status, kind, title, detail: detail.into(), allow: None })
    }

    /// The request itself can't be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::other(StatusCode::BAD_REQUEST, "bad-request", "The request can't be read", detail)
    }

    /// The body is JSON, but not what the path takes.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::other(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The body is not what this path takes", detail)
    }

    /// The body is not said to be JSON.
    pub fn unsupported_media_type() -> Self {
        let detail = "send the body as JSON, with the header content-type: application/json";
        Self::other(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not JSON", detail)
    }

    /// The body is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than {} MiB", limit / (1024 * 1024));
        Self::other(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::other(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// There is no such path.
    pub fn no_such_path(path: &str) -> Self {
        let detail = format!("there is nothing at {path} on a node agent; the control plane's API is elsewhere");
        Self::other(StatusCode::NOT_FOUND, "not-found", "There is no such path", detail)
    }

    /// The path is there, the method is not.
    pub fn no_such_method(method: &str, path: &str, allow: Option<HeaderValue>) -> Self {
        let allowed = allow.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("other methods");
        let detail = format!("{path} does not take {method}, only {allowed}");
        Self::Other(OtherError {
            status: StatusCode::METHOD_NOT_ALLOWED,
            kind: "method-not-allowed",
            title: "The method is not allowed here",
            detail,
            allow,
        })
    }

    /// The agent itself failed; `detail` says at what.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::other(StatusCode::INTERNAL_SERVER_ERROR, "internal", "An error of the agent", detail)
    }
}

impl From<CoreError> for EndpointError {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::Refused(refusal) => Self::Refused(refusal),
            CoreError::Failed(sentence) => {
                tracing::error!(cause = %sentence, "a request failed");
                Self::internal(sentence)
            }
        }
    }
}

impl IntoResponse for EndpointError {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => {
                let problem = RefusedOrder {
                    problem_type: format!("{TYPES}order-refused"),
                    title: "The agent does not obey this order",
                    status: StatusCode::CONFLICT.as_u16(),
                    refusal: *refusal,
                };
                as_problem(StatusCode::CONFLICT, &problem)
            }
            Self::Other(OtherError { status, kind, title, detail, allow }) => {
                let problem =
                    Problem { problem_type: format!("{TYPES}{kind}"), title, status: status.as_u16(), detail };
                let mut response = as_problem(status, &problem);
                if let Some(allow) = allow {
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
        }
    }
}

fn as_problem<T: Serialize>(status: StatusCode, problem: &T) -> Response {
    let mut response = (status, Json(problem)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
