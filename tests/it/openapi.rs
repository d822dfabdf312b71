//! Are the committed OpenAPI documents those of the code, and does each say what a program needs?

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Compares with the committed file; `UPDATE=1` writes it.
fn check(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("openapi/{name}.v1.json"));
    let fresh = format!("{}\n", serde_json::to_string_pretty(document).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let update = "UPDATE=1 cargo nextest run --test it openapi";
    assert!(committed == fresh, "{} differs from the code; look at the change, then run: {update}", path.display());
    is_complete(document);
}

/// Generators of clients refuse documents that leave these out.
fn is_complete(document: &Value) {
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for field in ["title", "description", "version"] {
        assert!(!document["info"][field].as_str().unwrap().is_empty(), "info.{field}");
    }
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            let text = |field: &str| operation[field].as_str().unwrap_or_else(|| panic!("{at} has no {field}"));
            assert!(ids.insert(text("operationId")), "{at}: operationId is not unique");
            assert!(!text("summary").is_empty() && !text("description").is_empty(), "{at}");
            assert!(operation["tags"][0].is_string(), "{at} has no tag");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let description = response["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{at}: {status} has no description");
            }
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let names: BTreeSet<_> = parameters.iter().map(|p| (p["in"].to_string(), p["name"].to_string())).collect();
            assert_eq!(names.len(), parameters.len(), "{at}: a parameter is there twice");
            assert!(parameters.iter().all(|p| p["description"].is_string()), "{at}: a parameter has no description");
        }
    }
    references_resolve(document, document);
    examples_hold(document);
}

/// Every example is what its schema says.
fn examples_hold(document: &Value) {
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap().iter();
            let body = operation.get("requestBody").map(|body| ("the body", body));
            for (what, holder) in answers.map(|(status, answer)| (status.as_str(), answer)).chain(body) {
                for content in holder["content"].as_object().into_iter().flat_map(|all| all.values()) {
                    let named = content["examples"].as_object().into_iter().flat_map(|all| all.values());
                    for example in content.get("example").into_iter().chain(named.map(|named| &named["value"])) {
                        let mut root = serde_json::json!({ "components": document["components"] });
                        root["allOf"] = serde_json::json!([content["schema"]]);
                        let validator = jsonschema::options().build(&root).unwrap();
                        let wrong: Vec<_> =
                            validator.iter_errors(example).map(|e| format!("{}: {e}", e.instance_path())).collect();
                        assert!(
                            wrong.is_empty(),
                            "{method} {path}: the example of {what} is not valid: {wrong:?}\n{example}"
                        );
                        checked += 1;
                    }
                }
            }
        }
    }
    if document["paths"].get("/v1/clusters").is_some() {
        assert!(checked > 300, "{checked} examples only");
    }
}

fn references_resolve(root: &Value, value: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                let pointer = reference.trim_start_matches('#');
                assert!(root.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            map.values().for_each(|value| references_resolve(root, value));
        }
        Value::Array(items) => items.iter().for_each(|value| references_resolve(root, value)),
        _ => {}
    }
}

#[test]
fn the_control_plane_is_documented_as_it_is() {
    check("control-plane", &locum::api::openapi());
}

#[test]
fn the_agent_is_documented_as_it_is() {
    check("node-agent", &serde_json::to_value(locum::agent::endpoint::openapi()).unwrap());
}
