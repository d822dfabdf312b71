//! Which fields of a list's items does the caller want to see?
//!
//! Items without some of their fields are not what the schema of the list says, so such an answer has a media type of its own.

use std::collections::BTreeSet;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::problem::ApiError;
use super::views::Page;
use crate::domain::Finding;

/// The media type of a page whose items have only the fields that were asked for.
pub const SPARSE: &str = "application/vnd.locum.sparse+json";

/// The fields that were asked for; none: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Option<BTreeSet<String>>);

impl Fields {
    /// Reads a list of names with commas between them. What is no field of a `T` is refused.
    pub fn of<T: ToSchema>(asked: Option<&str>) -> Result<Self, ApiError> {
        let Some(asked) = asked else { return Ok(Self(None)) };
        let known = of_type::<T>();
        let asked: BTreeSet<String> = asked.split(',').map(|name| name.trim().to_owned()).collect();
        let unknown: Vec<&String> = asked.difference(&known).collect();
        if unknown.is_empty() {
            return Ok(Self(Some(asked)));
        }
        let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let finding = |name: &&String| {
            Finding::new(
                "",
                "unknown_field",
                format!("fields: there is no field {name:?} in this list; there are {known}"),
            )
        };
        Err(ApiError::invalid(unknown.iter().map(finding).collect()))
    }

    /// Refuses to leave fields away from anything but pages of JSON.
    pub fn only_in_pages(&self) -> Result<(), ApiError> {
        if self.0.is_none() {
            return Ok(());
        }
        Err(ApiError::bad_request("fields leaves fields away from pages of JSON: tables and streams come whole"))
    }

    /// The page with what was asked for.
    pub fn shown<T: Serialize + ToSchema>(&self, page: &Page<T>) -> Result<Value, ApiError> {
        let mut page = serde_json::to_value(page).map_err(|_| ApiError::internal())?;
        let items = page["items"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
        items.for_each(|item| self.keep(item));
        Ok(page)
    }

    fn keep(&self, item: &mut Map<String, Value>) {
        if let Some(asked) = &self.0 {
            item.retain(|name, _| asked.contains(name));
        }
    }

    /// Answers with a page that has no ETag.
    pub fn answer<T: Serialize + ToSchema>(&self, page: Page<T>) -> Result<Response, ApiError> {
        match &self.0 {
            None => Ok(Json(page).into_response()),
            Some(_) => Ok(self.mark(Json(self.shown(&page)?).into_response())),
        }
    }

    /// The answer under the media type that says what it is.
    pub fn mark(&self, mut response: Response) -> Response {
        if self.0.is_some() {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(SPARSE));
        }
        response
    }
}

/// The top-level fields that a `T` may have.
fn of_type<T: ToSchema>() -> BTreeSet<String> {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    let json = |schema| serde_json::to_value(schema).unwrap_or_default();
    let known: Map<String, Value> = schemas.into_iter().map(|(name, schema)| (name, json(schema))).collect();
    of_schema(&json(T::schema()), &Value::Object(known))
}

/// The top-level fields that a schema knows, among `schemas` by their names.
pub fn of_schema(schema: &Value, schemas: &Value) -> BTreeSet<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return schemas.get(name).map(|schema| of_schema(schema, schemas)).unwrap_or_default();
    }
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let parts = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    own.chain(parts.flat_map(|part| of_schema(part, schemas))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::{NodeView, ResourceView};
    use crate::domain::Event;
    use serde_json::json;

    #[test]
    fn items_keep_what_is_asked_for() {
        let fields = Fields::of::<NodeView>(Some("name, wanted")).unwrap();
        let page = Page { items: vec![json!({ "name": "a", "agent": "x" })], next_cursor: Some("b".to_owned()) };
        assert_eq!(fields.shown(&page).unwrap(), json!({ "items": [{ "name": "a" }], "next_cursor": "b" }));
        let all = Fields::of::<NodeView>(None).unwrap();
        assert_eq!(all.shown(&page).unwrap()["items"][0]["agent"], "x");
    }

    #[test]
    fn what_is_no_field_is_refused_with_those_that_are() {
        let error = Fields::of::<Event>(Some("kind,colour,")).unwrap_err();
        let said: Vec<_> = error.findings().iter().map(|finding| finding.detail.as_str()).collect();
        assert_eq!(said.len(), 2);
        assert!(said[1].contains("\"colour\"") && said[1].contains("at, cluster, kind, message, sequence, subject"));
        // Of each of the shapes that a resource may have.
        assert!(Fields::of::<ResourceView>(Some("name,type,command,unit,restart")).is_ok());
        assert!(Fields::of::<NodeView>(Some("generation")).is_ok());
    }
}
