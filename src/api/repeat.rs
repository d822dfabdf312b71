//! Has this call been made before? Calls that carry an idempotency key are done once, however often they are made.
//!
//! What a call did and what it was answered are kept in one transaction, so that a repetition over a killed server finds
//! either both or neither. A call that changes nothing keeps only what was asked: it is answered anew.

use axum::body::{self as axum_body, Body};
use axum::extract::Request;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::problem::ApiError;
use super::v1::operations::until_ended;
use super::{AppState, body};
use crate::domain::HumanDuration;
use crate::store::{Error as StoreError, KeptAnswer};

pub const KEY_HEADER: &str = "idempotency-key";

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A longer key is refused.
const LONGEST_KEY: usize = 255;

/// The path of an operation, which tells more by now than its first answer.
const OPERATIONS: &str = "/v1/operations/";

/// By what a call is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    key: String,
    /// A hash of what is asked.
    request: String,
}

impl Key {
    /// The answer to keep with what the call does.
    pub fn answer(self, status: StatusCode, at: jiff::Timestamp) -> KeptAnswer {
        let Self { key, request } = self;
        KeptAnswer { key, request, status: status.as_u16(), etag: None, location: None, body: None, at }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Waiting {
    wait: Option<HumanDuration>,
}

/// Whether a call is to be done once: a POST that carries a key.
pub fn has_key(request: &Request) -> bool {
    request.method() == Method::POST && request.headers().contains_key(KEY_HEADER)
}

/// Answers a repeated call as the first time, refuses another one under the same key, and lets a new one pass.
pub async fn answer_once(state: &AppState, request: Request, next: Next) -> Response {
    once(state, request, next).await.unwrap_or_else(ApiError::into_response)
}

async fn once(state: &AppState, request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let key = key_of(&parts.headers)?;
    let mut unread = Request::new(body);
    unread.headers_mut().extend(parts.headers.get(header::EXPECT).map(|value| (header::EXPECT, value.clone())));
    let body = body::read(unread, &state.clock).await?;
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), &body] {
        // With its length, so that no two requests run into the same bytes.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let request = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = Key { key, request };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    if let Some(kept) = known(state, &key).await?.filter(|kept| !changed_nothing(kept)) {
        return replay(state, kept, &query).await;
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(key.clone());
    let response = next.run(request).await;
    if !response.status().is_success() {
        // Refused, it may be since the same call was done meanwhile.
        return match known(state, &key).await?.filter(|kept| !changed_nothing(kept)) {
            Some(kept) => replay(state, kept, &query).await,
            None => Ok(response),
        };
    }
    let answer = key.answer(response.status(), state.clock.now());
    match state.store.keep_answer(&answer).await {
        // Kept already, by what the call did or by an earlier one.
        Ok(()) | Err(StoreError::Repeated) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(response)
}

fn key_of(headers: &HeaderMap) -> Result<String, ApiError> {
    let wrong = || ApiError::bad_request(format!("Idempotency-Key is 1 to {LONGEST_KEY} visible ASCII characters"));
    let mut values = headers.get_all(KEY_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
    let text = value.to_str().map_err(|_| wrong())?.trim();
    let fits = (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned()).ok_or_else(wrong)
}

/// The answer that was given under the key; a key of another call is refused.
async fn known(state: &AppState, key: &Key) -> Result<Option<KeptAnswer>, ApiError> {
    let kept = state.store.kept_answer(&key.key, KeptAnswer::since(state.clock.now())).await?;
    match kept {
        Some(kept) if kept.request != key.request => Err(ApiError::key_reused(&key.key)),
        kept => Ok(kept),
    }
}

fn changed_nothing(kept: &KeptAnswer) -> bool {
    kept.body.is_none() && kept.location.is_none()
}

async fn replay(state: &AppState, kept: KeptAnswer, query: &str) -> Result<Response, ApiError> {
    let KeptAnswer { status, etag, location, body, .. } = kept;
    let mut status = StatusCode::from_u16(status).map_err(|_| ApiError::internal())?;
    let operation = location.as_deref().and_then(|path| path.strip_prefix(OPERATIONS)).and_then(|id| id.parse().ok());
    let body = match (operation, body) {
        (Some(id), None) => {
            let (json, ended) = operation_now(state, id, query).await?;
            status = if ended { StatusCode::OK } else { StatusCode::ACCEPTED };
            json
        }
        (_, body) => body.unwrap_or_default(),
    };
    let mut response =
        (status, [(header::CONTENT_TYPE, "application/json")], axum_body::Body::from(body)).into_response();
    let text = |text: &str| HeaderValue::from_str(text).map_err(|_| ApiError::internal());
    for (name, value) in [(ETAG, etag), (LOCATION, location)] {
        if let Some(value) = value {
            response.headers_mut().insert(name, text(&value)?);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// The operation that the first call began, as it stands now, and whether it has ended.
async fn operation_now(state: &AppState, id: Uuid, query: &str) -> Result<(String, bool), ApiError> {
    let uri = format!("/?{query}").parse().map_err(|_| ApiError::internal())?;
    let held = axum::extract::Query::<Waiting>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default();
    let operation = until_ended(state, id, super::v1::bounded(held.wait)).await?;
    let json = serde_json::to_string(&operation).map_err(|_| ApiError::internal())?;
    Ok((json, !operation.is_running()))
}
