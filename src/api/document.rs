//! What stands at the head of the API's document?

use utoipa::openapi::{OpenApi as OpenApiDocument, RefOr};
use utoipa::{OpenApi, PartialSchema as _, ToSchema as _};

use super::views::Problem;

/// The head; paths and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Locum control plane",
        version = "1.0.0",
        description = "Clustered hosts: services that run on exactly one node at a time and come back on another when \
                       theirs fails. Writes answer at once; what takes time is an operation. Times are RFC 3339 in UTC, \
                       durations are text with units (10s, 15m), errors are application/problem+json (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "The Locum developers")
    ),
    tags(
        (name = "topology", description = "What is wanted"),
        (name = "plan", description = "What would be, and why"),
        (name = "status", description = "What is seen"),
        (name = "actions", description = "What an operator does"),
        (name = "history", description = "What happened, and who wanted it"),
        (name = "health", description = "How the control plane itself is")
    )
)]
struct Head;

/// The document before any route.
pub fn head() -> OpenApiDocument {
    let mut document = Head::openapi();
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    document.components.get_or_insert_default().schemas.extend(schemas);
    document
}

/// The document with its routes: the bodies of actions may be left out.
pub fn finish(mut document: OpenApiDocument) -> OpenApiDocument {
    let actions = document.paths.paths.values_mut().filter_map(|path| path.post.as_mut());
    for body in actions.filter_map(|action| action.request_body.as_mut()) {
        if let RefOr::T(body) = body {
            body.required = None;
        }
    }
    document
}
