//! What does a request to the agent bring? Extractors whose refusals are problems like every other error.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::MAX_BODY_BYTES;
use super::problem::EndpointError;

/// Parts of the path; what is no name is not found.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = EndpointError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, EndpointError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection| match rejection {
            PathRejection::FailedToDeserializePathParams(_) => EndpointError::no_such_path(parts.uri.path()),
            other => EndpointError::bad_request(other.body_text()),
        })
    }
}

/// The query; wrong values are refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = EndpointError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, EndpointError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| EndpointError::bad_request(rejection.body_text()))
    }
}

/// A body in JSON.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = EndpointError;

    async fn from_request(request: Request, state: &S) -> Result<Self, EndpointError> {
        let body = axum::Json::<T>::from_request(request, state).await;
        body.map(|axum::Json(value)| Self(value)).map_err(|rejection| match rejection {
            JsonRejection::MissingJsonContentType(_) => EndpointError::unsupported_media_type(),
            JsonRejection::JsonDataError(error) => EndpointError::invalid(error.body_text()),
            JsonRejection::JsonSyntaxError(error) => EndpointError::bad_request(error.body_text()),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => EndpointError::too_large(MAX_BODY_BYTES),
            other => EndpointError::bad_request(other.body_text()),
        })
    }
}
