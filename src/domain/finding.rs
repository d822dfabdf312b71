//! What is wrong with a document, where, and what would be right?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing wrong with a document that was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Where, as a JSON pointer (RFC 6901) into the document: `/groups/0/name`.
    pub pointer: String,
    /// What kind of mistake, stable for programs: `unknown_field`, `duplicate_name`, `dangling_reference`.
    pub code: String,
    /// What was wrong and what would be right, as a sentence.
    pub detail: String,
}

impl Finding {
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() }
    }
}
