//! Has the caller what it asks for already? `If-None-Match` of everything that has an ETag.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::extract::header_lines;

/// The ETags that a reader has, if it says any.
pub struct Held(Option<HeaderValue>);

impl Held {
    pub fn of(request: &Request) -> Self {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        if reads { Self::named_in(request.headers()) } else { Self(None) }
    }

    /// Those that a reader names in its headers.
    pub fn named_in(headers: &HeaderMap) -> Self {
        Self(header_lines(headers, &header::IF_NONE_MATCH))
    }

    /// This one, as it stands in a document, with quotes or without.
    pub fn named(tag: &str) -> Self {
        Self(HeaderValue::try_from(format!("\"{}\"", tag.trim_matches('"'))).ok())
    }

    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this is one of them.
    pub fn has(&self, etag: &str) -> bool {
        self.0.as_ref().is_some_and(|held| names(held, etag))
    }

    /// 304 where the caller names the ETag of what would be answered.
    pub fn not_modified(self, response: Response) -> Response {
        if self.is_none() || response.status() != StatusCode::OK {
            return response;
        }
        match response.headers().get(header::ETAG) {
            Some(etag) if etag.to_str().is_ok_and(|etag| self.has(etag)) => {
                (StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response()
            }
            _ => response,
        }
    }
}

/// Whether an `If-None-Match` names this ETag, among others or as a weak one.
fn names(held: &HeaderValue, etag: &str) -> bool {
    let Ok(held) = held.to_str() else { return false };
    held.split(',').map(str::trim).any(|tag| tag == "*" || bare(tag) == bare(etag))
}

fn bare(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
