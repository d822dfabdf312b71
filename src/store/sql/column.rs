//! How does a value become a column, and a column a value?

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::Row as _;

use super::Row;
use crate::store::Error;

pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// A time as text that sorts like the time.
pub fn time(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// A number; SQL has signed ones only.
pub fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A value whose JSON form is a text: a name, a word, an id.
pub fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => Ok(text),
        other => Err(Error::Database(format!("a word was expected, not {other:?}"))),
    }
}

pub fn maybe_word<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(word).transpose()
}

pub fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Database(format!("a document can't be written: {e}")))
}

pub fn maybe_json<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(json).transpose()
}

/// Reads columns by name.
pub trait Columns {
    fn text(&self, column: &str) -> Result<String>;
    fn maybe_text(&self, column: &str) -> Result<Option<String>>;
    fn maybe_int(&self, column: &str) -> Result<Option<u64>>;
    fn flag(&self, column: &str) -> Result<bool>;

    fn int(&self, column: &str) -> Result<u64> {
        self.maybe_int(column)?.ok_or_else(|| unreadable(column, "it is empty"))
    }

    /// A name, word, id or time.
    fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        self.maybe_word(column)?.ok_or_else(|| unreadable(column, "it is empty"))
    }

    fn maybe_word<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let text = self.maybe_text(column)?;
        text.map(|text| serde_json::from_value(Value::String(text)).map_err(|e| unreadable(column, e))).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        self.maybe_json(column)?.ok_or_else(|| unreadable(column, "it is empty"))
    }

    fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let text = self.maybe_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|e| unreadable(column, e))).transpose()
    }
}

impl Columns for Row {
    fn text(&self, column: &str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn maybe_int(&self, column: &str) -> Result<Option<u64>> {
        let number: Option<i64> = self.try_get(column)?;
        number.map(|number| u64::try_from(number).map_err(|e| unreadable(column, e))).transpose()
    }

    fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.try_get(column)?)
    }
}

fn unreadable(column: &str, why: impl std::fmt::Display) -> Error {
    Error::Database(format!("column {column} holds what this program can't read: {why}"))
}
