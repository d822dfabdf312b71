//! What is answered to a change?

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::edit::Done;
use crate::api::problem::ApiError;
use crate::api::repeat::Key;
use crate::api::views::ObjectResult;
use crate::domain::Generation;
use crate::store::KeptAnswer;

/// What is answered to a change, or to a question about what can be changed.
pub struct Answer {
    status: StatusCode,
    /// None of what is not there, as after a dry run.
    etag: Option<HeaderValue>,
    /// The path of what is new.
    location: Option<String>,
    body: String,
}

impl Answer {
    pub fn new(status: StatusCode, generation: Generation, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(|_| ApiError::internal())?;
        let etag = (generation != Generation(0)).then(|| etag(generation));
        Ok(Self { status, etag, location: None, body })
    }

    /// Lets the ETag change with what is seen too; what is written `If-Match` counts the generation only.
    pub fn tag_seen(&mut self, generation: Generation, seen: &impl Serialize) -> Result<(), ApiError> {
        let seen = serde_json::to_vec(seen).map_err(|_| ApiError::internal())?;
        let mut tag = format!("\"{generation}-");
        Sha256::digest(seen).iter().take(8).for_each(|byte| tag.push_str(&format!("{byte:02x}")));
        tag.push('"');
        self.etag = Some(HeaderValue::try_from(tag).map_err(|_| ApiError::internal())?);
        Ok(())
    }

    /// Says where it is, if it is new.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.location = (self.status == StatusCode::CREATED).then(|| path.to_owned());
        self
    }

    /// To be kept with the change.
    pub fn kept(&self, key: Key, at: Timestamp) -> KeptAnswer {
        let etag = self.etag.as_ref().and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let (location, body) = (self.location.clone(), Some(self.body.clone()));
        KeptAnswer { etag, location, body, ..key.answer(self.status, at) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.status, [(header::CONTENT_TYPE, json)], self.body).into_response();
        if let Some(etag) = self.etag {
            response.headers_mut().insert(header::ETAG, etag);
        }
        if let Some(path) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            response.headers_mut().insert(header::LOCATION, path);
        }
        response
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
    let summary = done.summary();
    let Done { generation, changed, findings, refused, .. } = done;
    let created = found.is_none() && object.is_some();
    let generation = if changed && !dry_run { generation } else { found.unwrap_or_default() };
    let status = if created && !dry_run { StatusCode::CREATED } else { StatusCode::OK };
    let result = ObjectResult { object, generation, created, changed, dry_run, message, summary, findings, refused };
    Answer::new(status, generation, &result)
}

pub fn etag(generation: Generation) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{generation}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}
