//! How does history look outside of JSON? CSV for spreadsheets and Markdown for people, by `Accept`.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::accept;

/// What the caller wants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
    Markdown,
}

impl Format {
    /// What the caller likes best; JSON if it says nothing of that.
    pub fn of(headers: &HeaderMap) -> Self {
        match accept::preferred(headers, &["application/json", "text/csv", "text/markdown"]) {
            1 => Self::Csv,
            2 => Self::Markdown,
            _ => Self::Json,
        }
    }
}

/// Rows under a head.
pub struct Table<const N: usize> {
    pub head: [&'static str; N],
    pub rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// As RFC 4180 has it.
    pub fn csv(&self, next_cursor: Option<&str>) -> Response {
        let line = |fields: &[String]| fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\r\n";
        let mut text = line(&self.head.map(str::to_owned));
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        answer(text, "text/csv; charset=utf-8", next_cursor)
    }

    /// `head` stands above the table.
    pub fn markdown(&self, head: &str, next_cursor: Option<&str>) -> Response {
        let line = |fields: &[String]| {
            format!("| {} |\n", fields.iter().map(|field| cell(field)).collect::<Vec<_>>().join(" | "))
        };
        let mut text =
            format!("{head}\n\n{}{}", line(&self.head.map(str::to_owned)), line(&self.head.map(|_| "---".to_owned())));
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        answer(text, "text/markdown; charset=utf-8", next_cursor)
    }
}

fn answer(text: String, media_type: &'static str, next_cursor: Option<&str>) -> Response {
    let mut response = ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], text).into_response();
    if let Some(cursor) = next_cursor.and_then(|cursor| HeaderValue::from_str(cursor).ok()) {
        response.headers_mut().insert("next-cursor", cursor);
    }
    response
}

fn quoted(field: &str) -> String {
    // A spreadsheet would take it for a formula.
    let field = if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

fn cell(field: &str) -> String {
    field.replace('\\', "\\\\").replace('|', "\\|").replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stay_fields() {
        for (field, csv, markdown) in [
            ("plain", "plain", "plain"),
            ("a,b", "\"a,b\"", "a,b"),
            ("say \"x\"\n", "\"say \"\"x\"\"\n\"", "say \"x\" "),
            ("=1+1", "'=1+1", "=1+1"),
            ("a|b", "a|b", "a\\|b"),
        ] {
            assert_eq!((quoted(field).as_str(), cell(field).as_str()), (csv, markdown));
        }
    }
}
