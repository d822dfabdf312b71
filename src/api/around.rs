//! What happens to every call, whichever handler answers it? One layer, since each costs a call more than most handlers do;
//! and before it, a short way to what is asked most.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use metrics::Counter;

use super::conditional::Held;
use super::health::{self, Counted};
use super::parameters::Parameters;
use super::problem::ApiError;
use super::v1::status;
use super::{AppState, repeat};
use crate::board::Boards;

/// The short way to what is asked most: a thousand dashboards ask for the status again and again, and hardly ever is it new.
pub struct Pollers {
    boards: Arc<Boards>,
    new: Counter,
    known: Counter,
}

impl Pollers {
    pub fn new(boards: &Arc<Boards>) -> Self {
        let counter = |status| health::counter(&Method::GET, status::PATH, status);
        Self { boards: Arc::clone(boards), new: counter(StatusCode::OK), known: counter(StatusCode::NOT_MODIFIED) }
    }

    /// What all routes would come to, if that is known at once.
    pub fn answer(&self, request: &Request) -> Option<Response> {
        let response = Held::of(request).not_modified(status::at_once(&self.boards, request)?);
        let counter = if response.status() == StatusCode::OK { &self.new } else { &self.known };
        counter.increment(1);
        Some(response)
    }
}

/// What the layer works with.
#[derive(Clone)]
pub struct Around {
    pub state: AppState,
    pub parameters: Arc<Parameters>,
}

fn check(parameters: &Parameters, request: &Request) -> Result<(), ApiError> {
    let (query, headers) = (request.uri().query(), request.headers());
    let writes = ![Method::GET, Method::HEAD].contains(request.method());
    let guards = || [header::IF_MATCH, header::IF_NONE_MATCH].iter().any(|name| headers.contains_key(name));
    // Most calls say nothing that has to be looked up.
    let says_any = query.is_some() || writes && guards();
    match request.extensions().get::<MatchedPath>().filter(|_| says_any) {
        Some(path) => parameters.check(request.method(), path.as_str(), query.unwrap_or_default(), headers),
        None => Ok(()),
    }
}

/// Counts the call, refuses what it does not take, answers a repetition as the first time, and says only what the caller does not
/// have yet.
pub async fn around(State(around): State<Around>, request: Request, next: Next) -> Response {
    let Around { state, parameters } = around;
    let (counted, held) = (Counted::of(&request), Held::of(&request));
    let refused = Refused { method: request.method().clone(), uri: request.uri().clone() };
    let response = if let Err(refusal) = check(&parameters, &request) {
        refusal.into_response()
    } else if repeat::has_key(&request) {
        // Boxed: it is large, and rare.
        Box::pin(repeat::answer_once(&state, request, next)).await
    } else {
        next.run(request).await
    };
    let mut response = held.not_modified(response);
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.extensions_mut().insert(refused);
    }
    counted.with(response.status());
    response
}

/// A call of a method that its path does not have.
#[derive(Clone)]
struct Refused {
    method: Method,
    uri: Uri,
}

/// Turns the router's bare 405 into a problem that says what is allowed. The router adds `Allow` after the layers of its
/// routes: so this is done around the whole of it.
pub fn name_allowed_methods(mut response: Response) -> Response {
    let Some(Refused { method, uri }) = response.extensions_mut().remove() else { return response };
    let allow = response.headers().get(header::ALLOW).cloned();
    ApiError::no_such_method(method.as_str(), uri.path(), allow).into_response()
}
