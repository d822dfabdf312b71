//! How does a body look? An example of every schema, from those that are written down and from what the schemas say.

use serde_json::{Map, Value, json};

/// Written by hand, by the names of schemas.
const WRITTEN: &str = include_str!("examples.json");

/// Gives every JSON body that has no example one.
pub fn fill(document: &mut Value) {
    // In the program itself, so a test that reads it once is enough.
    let written: Value = serde_json::from_str(WRITTEN).expect("examples.json is JSON");
    let examples = Examples { written, schemas: document["components"]["schemas"].clone() };
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Some(body) = operation.get_mut("requestBody") {
            examples.fill(body);
        }
        if let Some(responses) = operation["responses"].as_object_mut() {
            responses.values_mut().for_each(|response| examples.fill(response));
        }
    }
}

struct Examples {
    written: Value,
    schemas: Value,
}

impl Examples {
    fn fill(&self, has_content: &mut Value) {
        let Some(content) = has_content.get_mut("content").and_then(Value::as_object_mut) else { return };
        for (media_type, body) in content {
            let has_one = body.get("example").is_some() || body.get("examples").is_some();
            if !has_one && media_type.ends_with("json") {
                body["example"] = self.of(&body["schema"], &mut Vec::new());
            }
        }
    }

    /// `within`: the schemas that it is part of.
    fn of(&self, schema: &Value, within: &mut Vec<String>) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.named(name, within);
        }
        let first = |field: &str| schema[field].as_array().and_then(|all| all.first()).cloned();
        let said =
            schema.get("example").cloned().or_else(|| first("examples")).or_else(|| schema.get("const").cloned());
        if let Some(said) = said.or_else(|| first("enum")).or_else(|| schema.get("default").cloned()) {
            return said;
        }
        if let Some(choice) = ["oneOf", "anyOf"].iter().find_map(|field| schema[*field].as_array()) {
            let real = choice.iter().find(|one| one["type"] != "null");
            return real.map_or(Value::Null, |one| self.of(one, within));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts {
                whole.extend(self.of(part, within).as_object().cloned().unwrap_or_default());
            }
            whole.extend(self.fields(schema, within));
            return Value::Object(whole);
        }
        let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        match types.iter().filter_map(Value::as_str).find(|kind| *kind != "null") {
            Some("object") => Value::Object(self.fields(schema, within)),
            Some("array") => json!([self.of(&schema["items"], within)]),
            Some("string") => text(schema),
            Some("integer" | "number") => schema.get("minimum").cloned().filter(|least| least != 0).unwrap_or(json!(1)),
            Some("boolean") => json!(false),
            _ => Value::Null,
        }
    }

    fn named(&self, name: &str, within: &mut Vec<String>) -> Value {
        let whole = name.strip_prefix("Put").map(|kind| format!("{kind}Spec"));
        if let Some(written) = whole.and_then(|whole| self.written.get(whole)).or_else(|| self.written.get(name)) {
            return written.clone();
        }
        if within.iter().any(|outer| outer == name) {
            return Value::Null;
        }
        within.push(name.to_owned());
        let example = self.of(&self.schemas[name], within);
        within.pop();
        example
    }

    /// Those that are always there.
    fn fields(&self, schema: &Value, within: &mut Vec<String>) -> Map<String, Value> {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        required.map(|field| (field.to_owned(), self.of(&schema["properties"][field], within))).collect()
    }
}

fn text(schema: &Value) -> Value {
    json!(match schema["format"].as_str() {
        Some("date-time") => "2026-11-29T08:30:00Z",
        Some("uuid") => "019ad0f2-7c3e-7b1a-9f41-5d2c8e6b7a90",
        Some("uri") => "http://127.0.0.1:7441",
        Some("human-duration") => "10s",
        _ => "text",
    })
}
