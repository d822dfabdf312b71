//! What stands in the body of a request, and how much of it is read?

use axum::body::Bytes;
use axum::extract::Request;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::ApiError;
use crate::domain::Finding;

/// A document of 10,000 groups fits; a mistake or an attack does not.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A caller that sends too much is listened to up to here: one that still sends when the connection closes would see
/// a broken connection instead of the answer.
const MAX_DISCARDED: usize = 4 * MAX_BYTES;

/// The whole body, unless it is too large.
pub async fn read(request: Request) -> Result<Bytes, ApiError> {
    let mut chunks = request.into_body().into_data_stream();
    let (mut body, mut length) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::bad_request(format!("the body did not arrive: {error}")))?;
        length += chunk.len();
        if length <= MAX_BYTES {
            body.extend_from_slice(&chunk);
        } else if length <= MAX_DISCARDED {
            body = Vec::new();
        } else {
            break;
        }
    }
    if length > MAX_BYTES { Err(ApiError::too_large(MAX_BYTES)) } else { Ok(body.into()) }
}

/// Reads an object whose fields may all be absent; each field that is wrong is a finding.
pub fn fields<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    read_fields(body).map_err(ApiError::invalid)
}

/// The same, with all that is wrong.
pub fn read_fields<T: DeserializeOwned>(body: Value) -> Result<T, Vec<Finding>> {
    let Value::Object(map) = body else {
        let detail = "this is a JSON object with fields, like {\"reason\": \"maintenance\"}";
        return Err(vec![Finding::new("", "wrong_type", detail)]);
    };
    let findings: Vec<Finding> = map.iter().filter_map(|(key, value)| wrong_field::<T>(key, value)).collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    serde_json::from_value(Value::Object(map)).map_err(|error| vec![Finding::new("", "wrong_type", error.to_string())])
}

fn wrong_field<T: DeserializeOwned>(key: &str, value: &Value) -> Option<Finding> {
    let alone = Map::from_iter([(key.to_owned(), value.clone())]);
    let error = serde_json::from_value::<T>(Value::Object(alone)).err()?.to_string();
    let code = match error.as_str() {
        text if text.starts_with("unknown field") => "unknown_field",
        text if text.starts_with("invalid type") => "wrong_type",
        _ => "bad_value",
    };
    let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
    Some(Finding::new(pointer, code, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::MoveRequest;
    use serde_json::json;

    #[test]
    fn every_wrong_field_is_found() {
        let error = fields::<MoveRequest>(json!({ "to": "a b", "reason": 7, "a/b": 1 })).unwrap_err();
        let found: Vec<_> = error.findings().iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect();
        assert_eq!(found, [("/a~1b", "unknown_field"), ("/reason", "wrong_type"), ("/to", "bad_value")]);
        assert!(fields::<MoveRequest>(json!([])).is_err());
        assert_eq!(fields::<MoveRequest>(json!({ "to": null })).unwrap(), MoveRequest::default());
    }
}
