//! What stands in the body of a request, how much of it is read, and for how long?

use std::sync::Arc;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::ApiError;
use crate::clock::Clock;
use crate::domain::Finding;

/// A document of 10,000 groups fits; a mistake or an attack does not.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// All of it must have come within this, however slowly it comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who sends too much is answered at once and listened to for this long: one that still sends when the connection closes
/// would see a broken connection instead of the answer.
const FAREWELL: Duration = Duration::from_secs(30);

/// The whole body, unless it is too large or too slow.
pub async fn read(request: Request, clock: &Arc<dyn Clock>) -> Result<Bytes, ApiError> {
    // Such a caller sends nothing before it is asked to: being refused is its answer.
    let waits = request.headers().contains_key(header::EXPECT);
    let announced = request.body().size_hint().lower();
    let mut chunks = request.into_body().into_data_stream();
    let body = if announced > MAX_BYTES as u64 {
        None
    } else {
        tokio::select! {
            biased;
            body = up_to_limit(&mut chunks) => body?,
            () = clock.sleep(PATIENCE) => return Err(ApiError::too_slow(PATIENCE)),
        }
    };
    if body.is_none() && !waits {
        tokio::spawn(discard(chunks, clock.clone()));
    }
    body.ok_or_else(|| ApiError::too_large(MAX_BYTES))
}

/// The whole body; none if it is too large.
async fn up_to_limit(chunks: &mut BodyDataStream) -> Result<Option<Bytes>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::bad_request(format!("the body did not arrive: {error}")))?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.into()))
}

async fn discard(mut chunks: BodyDataStream, clock: Arc<dyn Clock>) {
    let rest = async { while let Some(Ok(_)) = chunks.next().await {} };
    tokio::select! {
        () = rest => {}
        () = clock.sleep(FAREWELL) => {}
    }
}

/// Reads an object whose fields may all be absent; each field that is wrong is a finding.
pub fn fields<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    read_fields(body).map_err(ApiError::invalid)
}

/// The same, with all that is wrong.
pub fn read_fields<T: DeserializeOwned>(body: Value) -> Result<T, Vec<Finding>> {
    let Value::Object(map) = body else {
        let detail = "this is a JSON object with fields, as the example of this call has them";
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
