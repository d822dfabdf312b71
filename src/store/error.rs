//! Why was a verb not done?

use crate::domain::Generation;

/// Why a verb was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named thing is not there.
    #[error("there is no {kind} {name:?}")]
    NotFound { kind: &'static str, name: String },
    /// A caller's expectation does not hold.
    #[error("expected generation {expected}, but it is {actual}")]
    Conflict { expected: Generation, actual: Generation },
    /// It exists although the caller asked to create it; `actual` is its generation, if it has one.
    #[error("{kind} {name:?} exists already")]
    Exists { kind: &'static str, name: String, actual: Option<Generation> },
    /// It does not exist although the caller expects it at a generation.
    #[error("expected generation {expected}, but there is no {kind} {name:?}")]
    Gone { kind: &'static str, name: String, expected: Generation },
    /// The caller does not say what it expects to find, and the cluster asks for that (`policy.require_if_match`).
    #[error("it is at generation {actual}, and nothing was said of what is expected")]
    Unsaid { actual: Generation },
    /// A rule of the domain refuses it, as a sentence.
    #[error("{0}")]
    Refused(String),
    /// It can't be done as things stand now, as a sentence.
    #[error("{0}")]
    NotNow(String),
    /// Its idempotency key has been answered before.
    #[error("this call has been answered before")]
    Repeated,
    /// Another reign, change or plan came first: load again and plan anew.
    #[error("a newer decision or reign came first")]
    Outrun,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(String),
}
