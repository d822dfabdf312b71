//! Has the caller what it asks for already? `If-None-Match` of everything that has an ETag.

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::extract::header_text;

/// Answers 304 where the caller names the ETag of what would be answered.
pub async fn not_modified(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let held = header_text(request.headers(), &header::IF_NONE_MATCH).map(str::to_owned).filter(|_| reads);
    let response = next.run(request).await;
    let Some(held) = held.filter(|_| response.status() == StatusCode::OK) else { return response };
    match response.headers().get(header::ETAG) {
        Some(etag) if etag.to_str().is_ok_and(|etag| names(&held, etag)) => {
            (StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response()
        }
        _ => response,
    }
}

/// Whether an `If-None-Match` names this ETag, among others or as a weak one.
pub fn names(held: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    held.split(',').map(str::trim).any(|tag| tag == "*" || bare(tag) == bare(etag))
}
