//! How does a caller go on in a list? With a cursor, which is good for this list, in this order and under this filter only.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::api::problem::ApiError;
use crate::domain::Finding;

/// Tells the cursors of one list, in one order and under one filter, from those of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal(String);

impl Seal {
    /// Of the list at `path`; `asked` is all that decides which of its items come, and in which order.
    pub fn of(path: &str, asked: impl Debug) -> Self {
        let mut hash = Sha256::new();
        for part in [path, &format!("{asked:?}")] {
            // With its length, so that no two lists run into the same bytes.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The cursor of a place in the list.
    pub fn cursor(&self, place: impl Display) -> String {
        format!("{}.{place}", self.0)
    }

    /// The place that a cursor of this list names.
    pub fn place<T: FromStr>(&self, cursor: Option<&str>) -> Result<Option<T>, ApiError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let other = "this cursor is of another list, order or filter: give it back with those it came with";
        let (seal, place) = cursor.split_once('.').ok_or_else(|| none(cursor))?;
        let place = place.parse().map_err(|_| none(cursor))?;
        if *self == Self(seal.to_owned()) { Ok(Some(place)) } else { Err(refused(other)) }
    }
}

/// What is no cursor.
pub fn none(text: &str) -> ApiError {
    refused(&format!("cursor {text:?} is none that this list gave: begin without one"))
}

/// A cursor that is no good here.
pub fn refused(detail: &str) -> ApiError {
    ApiError::invalid(vec![Finding::new("", "bad_cursor", detail)])
}
