//! What do all calls have in common, so that it need not be written beside each of them?

use serde_json::{Map, Value, json};

use crate::api::fields::of_schema;

/// Generations fit in 64 bits; what stands behind the dash changes with what is seen.
const ETAG: &str = r#"^"[1-9][0-9]{0,17}(-[0-9a-f]{1,64})?"$"#;

/// Gives every call the parameters and answers that follow from its method.
pub fn calls(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let paths = paths.iter_mut().filter_map(|(path, methods)| Some((path, methods.as_object_mut()?)));
    for (path, operations) in paths {
        for (method, operation) in operations {
            operation["security"] = json!([]);
            match method.as_str() {
                "get" => read(operation),
                "post" => act(operation),
                _ => replace(operation),
            }
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                narrow(method, parameter);
            }
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            let pages = parameters.any(|parameter| parameter["name"] == "cursor");
            let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
            for (status, response) in responses.into_iter().flatten() {
                tell_headers((path, method, status), pages, response);
            }
        }
    }
}

/// Whatever has an ETag can be asked for only if it differs.
fn read(operation: &mut Value) {
    if operation.pointer("/responses/200/headers/etag").is_none() {
        return;
    }
    add_header(operation, "If-None-Match", "304 if this is still the ETag");
    let etag = json!({ "schema": { "type": "string" }, "description": "As before" });
    let same = json!({ "description": "It is still the one that you have", "headers": { "etag": etag } });
    answer(operation, "304", same);
}

/// Whatever is asked for can be asked for again.
fn act(operation: &mut Value) {
    let text = "The call is done once, however often it is made under this key within 24 hours; a repetition is answered \
                as the first one (header `idempotency-replayed`). Another call under the same key is refused (422).";
    add_header(operation, "Idempotency-Key", text);
    replace(operation);
    // The bodies of actions may be left out, for which some generators write null.
    let Some(body) = operation.get_mut("requestBody").and_then(Value::as_object_mut) else { return };
    let schema = &mut body["content"]["application/json"]["schema"];
    if schema["$ref"].as_str().is_some_and(|name| name.ends_with("Request")) {
        *schema = json!({ "oneOf": [{ "type": "null" }, schema.take()] });
        body.remove("required");
    }
}

/// What is overwritten can be guarded, and a cluster may ask for that.
fn replace(operation: &mut Value) {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    if operation["responses"].get("412").is_none() || !parameters.any(|parameter| parameter["name"] == "If-Match") {
        return;
    }
    let text = "If-Match is empty, or the cluster takes writes only with If-Match or If-None-Match (`policy.require_if_match`)";
    let problem = operation["responses"]["412"]["content"].clone();
    answer(operation, "428", json!({ "description": text, "content": problem }));
}

/// Which headers come with an answer, beside those that are told where it is made.
fn tell_headers((path, method, status): (&str, &str, &str), pages: bool, response: &mut Value) {
    let schema = response.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str).unwrap_or_default();
    let (writes, is_done) = (method != "get", status.starts_with('2'));
    let is_result = schema.ends_with("Result") || schema.contains("/ObjectResult_");
    let told = [
        ("etag", writes && is_done && is_result, "The generation of what was written"),
        ("location", status == "201" && !path.ends_with("/topology"), "Its path"),
        ("location", schema.ends_with("/OperationOrPlan"), "The path of the operation; not with dry_run"),
        (
            "idempotency-replayed",
            method == "post" && is_done && !path.ends_with("/plan"),
            "`true` if this was answered before under the same key",
        ),
        (
            "next-cursor",
            pages && response.pointer("/content/text~1csv").is_some(),
            "Of a table: how to go on; absent at the end",
        ),
        ("retry-after", status == "503", "After how many seconds to ask again"),
    ];
    for (name, _, description) in told.into_iter().filter(|(_, comes, _)| *comes) {
        if response.pointer(&format!("/headers/{name}")).is_none() {
            response["headers"][name] = json!({ "schema": { "type": "string" }, "description": description });
        }
    }
}

fn answer(operation: &mut Value, status: &str, response: Value) {
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.entry(status).or_insert(response);
    }
}

fn add_header(operation: &mut Value, name: &str, description: &str) {
    let parameters = operation.as_object_mut().map(|fields| fields.entry("parameters").or_insert_with(|| json!([])));
    let Some(parameters) = parameters.and_then(Value::as_array_mut) else { return };
    if !parameters.iter().any(|parameter| parameter["name"] == name) {
        let schema = json!({ "type": "string" });
        parameters.push(
            json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema }),
        );
    }
}

/// Says of a parameter that many calls have what exactly it takes.
fn narrow(method: &str, parameter: &mut Value) {
    let schema = match parameter["name"].as_str() {
        Some("If-Match") => json!({ "type": "string", "pattern": ETAG, "examples": ["\"7\""] }),
        Some("If-None-Match") if method != "get" => json!({ "type": "string", "enum": ["*"] }),
        Some("If-None-Match") => json!({ "type": "string" }),
        Some("Idempotency-Key") => json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        Some("wait") => json!({ "type": "string", "pattern": "^[0-9]{1,6}(ms|s|m|h)$", "examples": ["30s"] }),
        Some("timeout") => {
            json!({ "type": "string", "pattern": "^([1-9][0-9]{0,2}[sm]|[1-9][0-9]?h|[1-6][0-9]{2}h|7[01][0-9]h|720h)$", "examples": ["10m"] })
        }
        Some("limit") => json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": 1000, "default": 50 }),
        _ => return,
    };
    parameter["schema"] = schema;
    if let Some(fields) = parameter.as_object_mut() {
        fields.remove("example");
    }
}

/// Says which fields the items of a list have, where a caller may ask for some of them.
pub fn fields(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for list in paths.values_mut().filter_map(|path| path.get_mut("get")) {
        let page = &list["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let page = page.as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let known = of_schema(&schemas[page]["properties"]["items"]["items"], &schemas);
        let word = known.into_iter().collect::<Vec<_>>().join("|");
        let parameters = list.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten().filter(|parameter| parameter["name"] == "fields") {
            parameter["schema"] = json!({ "type": "string", "pattern": format!("^({word})(,({word}))*$") });
        }
    }
}

/// Of what these are, a body has no name to leave away.
const WHOLE: [&str; 2] = ["Topology", "Cluster"];

/// What is PUT to a path that has its name need not say it again: a schema of its own.
pub fn bodies(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let puts =
        paths.values_mut().filter_map(|path| path.pointer_mut("/put/requestBody/content/application~1json/schema"));
    let mut named = Vec::new();
    for schema in puts {
        let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        if let Some(kind) = name.strip_suffix("Spec").filter(|kind| !WHOLE.contains(kind)).map(str::to_owned) {
            named.push(kind.clone());
            *schema = json!({ "$ref": format!("#/components/schemas/Put{kind}") });
        }
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for kind in named {
        let mut schema = schemas[&format!("{kind}Spec")].clone();
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|field| field != "name" && field != "node");
        }
        schemas.insert(format!("Put{kind}"), schema);
    }
}

/// Gives schemas the form that generators of clients take.
pub fn schemas(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let known: Vec<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        plain(schema);
        // What each of the shapes says of `type` is enough to tell them apart; some generators take the tag away from them.
        schema.as_object_mut().and_then(|fields| fields.remove("discriminator"));
        let Some((list, item)) = name.split_once('_').filter(|(_, item)| known.iter().any(|known| known == item))
        else {
            continue;
        };
        let reference = json!({ "$ref": format!("#/components/schemas/{item}") });
        match list {
            // One type for one thing, not one for each list of it.
            "Page" => schema["properties"]["items"]["items"] = reference,
            "ObjectResult" => {
                let description = "The object after it; null if it is deleted.";
                schema["properties"]["object"] =
                    json!({ "description": description, "oneOf": [{ "type": "null" }, reference] });
            }
            _ => {}
        }
    }
}

/// A field that may be absent needs no default that says so, least of all one that its type excludes.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("default").is_some_and(Value::is_null) && !is_property_list(fields) {
                fields.remove("default");
            }
            // What is there twice is taken once.
            fields.remove("uniqueItems");
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// A field may be named `default` itself.
fn is_property_list(fields: &Map<String, Value>) -> bool {
    fields.get("default").is_some_and(Value::is_object)
}
