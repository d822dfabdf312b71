//! Which refusals can a caller meet? Told once for the document, under the words that the paths use.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use super::views::Problem;

type Answers = BTreeMap<String, RefOr<Response>>;

fn problems(all: &[(&str, &str)]) -> Answers {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let answer = |text: &str| {
        ResponseBuilder::new().description(text).content("application/problem+json", content()).build().into()
    };
    all.iter().map(|(status, text)| ((*status).to_owned(), answer(text))).collect()
}

const NOT_FOUND: (&str, &str) = ("404", "There is no such thing");
const BAD_REQUEST: (&str, &str) = ("400", "The request can't be read: a parameter or the body is malformed");
const TOO_SLOW: (&str, &str) = ("408", "The body did not come within 60 s");
const TOO_LARGE: (&str, &str) = ("413", "The body is larger than 32 MiB");
const NOT_JSON: (&str, &str) = ("415", "The body is not application/json");
const INVALID: (&str, &str) = ("422", "Not valid, or refused by a rule; `errors` has every finding with its place");
const STALE: (&str, &str) =
    ("412", "It is not what you expect: it changed meanwhile, is gone, or exists although you asked to create it only");
const INTERNAL: (&str, &str) = ("500", "A defect, or a database that fails; the server's log says what");

/// Refusals of a call that asks for nothing in particular.
pub struct Asking;

impl IntoResponses for Asking {
    fn responses() -> Answers {
        problems(&[BAD_REQUEST])
    }
}

/// Refusals of a call for a slice of a list.
pub struct Listing;

impl IntoResponses for Listing {
    fn responses() -> Answers {
        problems(&[BAD_REQUEST, NOT_FOUND, INVALID, INTERNAL])
    }
}

/// Refusals of a call about one thing, or of a list in one.
pub struct Reading;

impl IntoResponses for Reading {
    fn responses() -> Answers {
        problems(&[BAD_REQUEST, NOT_FOUND, INTERNAL])
    }
}

/// Refusals of a call with a body.
pub struct Writing;

impl IntoResponses for Writing {
    fn responses() -> Answers {
        problems(&[BAD_REQUEST, NOT_FOUND, TOO_SLOW, TOO_LARGE, NOT_JSON, INVALID, INTERNAL])
    }
}

/// Refusals of a call that writes what `If-Match` or `If-None-Match` may guard.
pub struct Replacing;

impl IntoResponses for Replacing {
    fn responses() -> Answers {
        problems(&[BAD_REQUEST, NOT_FOUND, TOO_SLOW, STALE, TOO_LARGE, NOT_JSON, INVALID, INTERNAL])
    }
}

/// Refusals of a call that deletes what `If-Match` may guard.
pub struct Deleting;

impl IntoResponses for Deleting {
    fn responses() -> Answers {
        problems(&[BAD_REQUEST, NOT_FOUND, STALE, INVALID, INTERNAL])
    }
}
