//! What does a request bring? Extractors whose refusals are problems like every other error.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::MAX_BODY_BYTES;
use super::problem::ApiError;
use super::views::ACTOR_HEADER;
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
            .map_err(|rejection: QueryRejection| ApiError::bad_request(rejection.body_text()))
    }
}

/// A JSON body, as it was written.
#[derive(Debug)]
pub struct Document(pub serde_json::Value);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        read_json(request, state).await.map(Self)
    }
}

/// The body of an action; none at all is an empty one.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        if !chunked && length.is_none_or(|length| length == "0") {
            return Ok(Self(T::default()));
        }
        read_json(request, state).await.map(Self)
    }
}

async fn read_json<S: Send + Sync, T: DeserializeOwned>(request: Request, state: &S) -> Result<T, ApiError> {
    axum::Json::<T>::from_request(request, state).await.map(|axum::Json(value)| value).map_err(|rejection| {
        match rejection {
            JsonRejection::MissingJsonContentType(_) => ApiError::unsupported_media_type(),
            JsonRejection::JsonDataError(error) => ApiError::refused(error.body_text()),
            JsonRejection::JsonSyntaxError(error) => ApiError::bad_request(error.body_text()),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(MAX_BODY_BYTES),
            other => ApiError::bad_request(other.body_text()),
        }
    })
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

/// What the caller expects to find: `If-Match` and `If-None-Match` on a generation.
#[derive(Debug)]
pub struct Precondition(pub Expect);

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        if let Some(value) = header_text(&parts.headers, &header::IF_NONE_MATCH) {
            return match value {
                "*" => Ok(Self(Expect::Absent)),
                other => Err(ApiError::bad_request(format!("If-None-Match takes * here, to create only, not {other}"))),
            };
        }
        match header_text(&parts.headers, &header::IF_MATCH) {
            None | Some("*") => Ok(Self(Expect::Anything)),
            Some(value) => {
                let generation = value.trim_matches('"').parse().map(Generation);
                let wrong =
                    |_| ApiError::bad_request(format!("If-Match takes an ETag of this API, like \"7\", not {value}"));
                generation.map(|generation| Self(Expect::At(generation))).map_err(wrong)
            }
        }
    }
}

/// A header as text, if it is there and is text.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}
