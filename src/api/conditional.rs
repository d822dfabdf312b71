//! Has the caller what it asks for already? `If-None-Match` of everything that has an ETag.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// The ETags that a reader has, if it says any.
pub struct Held(Option<HeaderValue>);

impl Held {
    pub fn of(request: &Request) -> Self {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        Self(request.headers().get(header::IF_NONE_MATCH).filter(|_| reads).cloned())
    }

    /// 304 where the caller names the ETag of what would be answered.
    pub fn not_modified(self, response: Response) -> Response {
        let Some(held) = self.0.filter(|_| response.status() == StatusCode::OK) else { return response };
        match response.headers().get(header::ETAG) {
            Some(etag) if names(&held, etag) => {
                (StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response()
            }
            _ => response,
        }
    }
}

/// Whether an `If-None-Match` names this ETag, among others or as a weak one.
fn names(held: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(held), Ok(etag)) = (held.to_str(), etag.to_str()) else { return false };
    held.split(',').map(str::trim).any(|tag| tag == "*" || bare(tag) == bare(etag))
}

fn bare(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
