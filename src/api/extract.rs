//! What does a request bring? Extractors whose refusals are problems like every other error.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::IntoParams;

use super::problem::ApiError;
use super::repeat::Key;
use super::views::ACTOR_HEADER;
use super::{AppState, body};
use crate::domain::{Actor, Generation};
use crate::store::Expect;

/// A longer name of an actor is cut off.
const MAX_ACTOR_LENGTH: usize = 200;

/// Parts of the path; what is no name is not found.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection| match rejection {
            PathRejection::FailedToDeserializePathParams(_) => ApiError::no_such_path(parts.uri.path()),
            other => ApiError::bad_request(other.body_text()),
        })
    }
}

/// The query; unknown parameters and wrong values are refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| ApiError::bad_request(reason(&rejection)))
    }
}

/// What is wrong with a query, without the words around it: `node: "a b" is no name`.
fn reason(rejection: &QueryRejection) -> String {
    std::error::Error::source(rejection).map_or_else(|| rejection.body_text(), ToString::to_string)
}

/// A JSON body, as it was written.
#[derive(Debug)]
pub struct Document(pub Value);

impl FromRequest<AppState> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        parse(is_json, &body::read(request, &state.clock).await?).map(Self)
    }
}

/// A merge patch (RFC 7396), also under the media type of plain JSON.
#[derive(Debug)]
pub struct Patch(pub Value);

impl FromRequest<AppState> for Patch {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let is_patch = has_type(request.headers(), "application/merge-patch+json") || is_json(request.headers());
        parse(is_patch, &body::read(request, &state.clock).await?).map(Self)
    }
}

/// The body of an action, whose fields may all be absent; none at all is an empty one.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<AppState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = body::read(request, &state.clock).await?;
        let body = if bytes.is_empty() { Value::Null } else { parse(is_json, &bytes)? };
        if body.is_null() { Ok(Self(T::default())) } else { body::fields(body).map(Self) }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    has_type(headers, "application/json")
}

fn has_type(headers: &HeaderMap, media_type: &str) -> bool {
    let essence = header_text(headers, &header::CONTENT_TYPE).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

fn parse(is_json: bool, bytes: &[u8]) -> Result<Value, ApiError> {
    if !is_json {
        return Err(ApiError::unsupported_media_type());
    }
    serde_json::from_slice(bytes).map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))
}

/// Who acts, as the caller says.
#[derive(Debug)]
pub struct Caller(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let name = parts.headers.get(ACTOR_HEADER).and_then(|value| value.to_str().ok()).map(str::trim);
        let name = name.filter(|name| !name.is_empty()).unwrap_or("anonymous");
        Ok(Self(Actor(name.chars().take(MAX_ACTOR_LENGTH).collect())))
    }
}

/// Who writes desired state, and what the writer expects to find: `If-Match` and `If-None-Match` on a generation.
#[derive(Debug)]
pub struct Writer {
    pub actor: Actor,
    pub expect: Expect,
    /// By what the call is known again when it is repeated.
    pub key: Option<Key>,
}

impl<S: Send + Sync> FromRequestParts<S> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Caller(actor) = Caller::from_request_parts(parts, state).await?;
        let key = parts.extensions.get::<Key>().cloned();
        Ok(Self { actor, expect: expected_by(&parts.headers)?, key })
    }
}

/// Whether it is only a question.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// Answer with the plan and the findings, and change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    pub dry_run: bool,
}

/// Who writes a part of the desired state, what the writer expects to find of it, and whether it is only a question.
#[derive(Debug)]
pub struct Edit {
    pub actor: Actor,
    pub expect: Expect,
    pub dry_run: bool,
    /// Whether it says how something is to be, which overwrites what others said: PUT, PATCH and DELETE.
    pub replaces: bool,
    pub key: Option<Key>,
}

impl<S: Send + Sync> FromRequestParts<S> for Edit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(DryRun { dry_run }) = Query::from_request_parts(parts, state).await?;
        let Writer { actor, expect, key } = Writer::from_request_parts(parts, state).await?;
        let replaces = [Method::PUT, Method::PATCH, Method::DELETE].contains(&parts.method);
        Ok(Self { actor, expect, dry_run, replaces, key })
    }
}

fn expected_by(headers: &HeaderMap) -> Result<Expect, ApiError> {
    let (at, absent) = (header_lines(headers, &header::IF_MATCH), header_lines(headers, &header::IF_NONE_MATCH));
    let text = |value: &'_ HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
    expectation(at.as_ref().map(text).as_deref(), absent.as_ref().map(text).as_deref())
}

/// What a writer says of what it expects to find.
pub fn expectation(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Expect, ApiError> {
    let at = if_match.map(generation).transpose()?;
    match (if_none_match, at) {
        (None, at) => Ok(at.map_or(Expect::Anything, Expect::At)),
        (Some("*"), None) => Ok(Expect::Absent),
        (Some("*"), Some(_)) => Err(ApiError::contradictory_precondition()),
        (Some(other), _) => {
            Err(ApiError::bad_request(format!("If-None-Match takes * here, to create only, not {other}")))
        }
    }
}

fn generation(value: &str) -> Result<Generation, ApiError> {
    // Of a caller that had no tag to put there: to take it for no expectation would overwrite what nobody looked at.
    if value.is_empty() {
        return Err(ApiError::empty_if_match());
    }
    let wrong = || ApiError::bad_request(format!("If-Match takes one ETag of this API, like \"7\", not {value}"));
    let tag = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
    // What stands behind the generation is for readers: what was seen then.
    let (number, seen) = tag.split_once('-').unwrap_or((tag, "0"));
    let is_seen = !seen.is_empty() && seen.bytes().all(|byte| byte.is_ascii_hexdigit());
    // As it was given, and not as `+7` or `07`; nothing that is stored has the 0.
    let generation = number.parse().ok().filter(|number| *number > 0).map(Generation);
    let generation = generation.filter(|generation| generation.to_string() == number);
    generation.filter(|_| is_seen).ok_or_else(wrong)
}

/// A header that is a list, all of its lines as one.
pub fn header_lines(headers: &HeaderMap, name: &header::HeaderName) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let (first, second) = (lines.next()?, lines.next());
    let Some(second) = second else { return Some(first.clone()) };
    let all: Vec<&[u8]> = [first, second].into_iter().chain(lines).map(HeaderValue::as_bytes).collect();
    // Lines of headers with commas between them can be a header; if not, then one that names nothing.
    Some(HeaderValue::from_bytes(&all.join(&b", "[..])).unwrap_or(HeaderValue::from_static("?")))
}

/// A header as text, if it is there and is text.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}
