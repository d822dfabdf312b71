//! What does the control plane call on an agent? Every route on one page.
//!
//! A handler reads the request, asks the core and answers: no rule is decided here.

use std::any::Any;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::problem::EndpointError;
use super::core::CoreHandle;

mod extract;
mod health;
mod orders;
mod problem;
mod resources;

#[cfg(test)]
mod tests;

/// An assignment of a thousand groups fits; a mistake or an attack does not.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// The head of the document; paths and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Locum node agent",
        version = "1.0.0",
        description = "What the control plane calls on each node. Calls are idempotent; orders name cluster, node, reign \
                       and term; an order that is not obeyed is a 409 that says what would be. Times are ticks: \
                       microseconds since the node booted. Errors are application/problem+json (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "The Locum developers")
    ),
    servers((url = "/", description = "The agent that you ask")),
    tags(
        (name = "orders", description = "What the control plane wants of the node, and for how long"),
        (name = "observation", description = "What the node sees of itself"),
        (name = "health", description = "How the agent itself is")
    )
)]
struct Head;

/// The endpoint's document, as `locum openapi node-agent` prints it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = routes().split_for_parts().1;
    // Nobody has to say who he is.
    document.security = Some(Vec::new());
    document
}

/// The whole endpoint.
pub fn router(handle: CoreHandle) -> Router {
    explaining(routes().split_for_parts().0.with_state(handle))
}

fn routes() -> OpenApiRouter<CoreHandle> {
    OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(orders::put_assignment))
        .routes(routes!(orders::renew_lease))
        .routes(routes!(orders::get_observation))
        .routes(routes!(resources::get_resource_log))
        .routes(routes!(resources::get_instance_log))
        .routes(routes!(health::healthz))
        .routes(routes!(health::metrics))
}

/// Makes a problem of whatever goes wrong outside of the handlers.
fn explaining(routes: Router) -> Router {
    let inner = routes
        .fallback(async |uri: Uri| EndpointError::no_such_path(uri.path()))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    // Around the whole router: it adds `Allow` to a 405 only after the layers of its routes.
    Router::new()
        .fallback_service(inner)
        .layer(middleware::from_fn(name_allowed_methods))
        // Outermost: no panic reaches a caller, whichever layer it comes from.
        .layer(CatchPanicLayer::custom(panicked))
}

/// Turns the router's bare 405 into a problem that says what is allowed.
async fn name_allowed_methods(method: Method, uri: Uri, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    EndpointError::no_such_method(method.as_str(), uri.path(), allow).into_response()
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = said.unwrap_or("no message"), "a handler panicked: this is a defect");
    EndpointError::internal("a defect of the agent, not of your request; the agent's log says what").into_response()
}
