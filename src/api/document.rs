//! What does the API's document say beside what stands at the handlers: its head, and what follows from all of it?

use serde_json::Value;
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::{OpenApi, PartialSchema as _, ToSchema as _};

use super::problem::TYPES;
use super::views::Problem;

mod example;
mod problems;
mod tidy;

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
    servers((url = "/", description = "The server that you ask")),
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

/// The document with its routes, and with all that follows from them: as JSON, since it is said in the words of the standard,
/// of which the crate's types know a part.
pub fn finish(document: &OpenApiDocument) -> Value {
    // It is made of maps with texts as keys, so it can be written.
    let mut json = serde_json::to_value(document).expect("a document that can be written");
    tidy::calls(&mut json);
    tidy::schemas(&mut json);
    tidy::fields(&mut json);
    tidy::bodies(&mut json);
    problems::explain(&mut json, TYPES);
    example::fill(&mut json);
    json
}
