//! Is every mistake found, at its place, and all of them at once?

use serde_json::{Value, json};

use super::parse;

mod whole;

fn good() -> Value {
    json!({
        "cluster": "integration",
        "settings": { "heartbeat": "500ms", "lease": "5s" },
        "nodes": [
            { "name": "bts1", "agent": "http://10.0.0.11:7441" },
            { "name": "bts2", "agent": "http://10.0.0.12:7441", "wanted": "drained" }
        ],
        "groups": [{
            "name": "ftp",
            "preferred_owners": ["bts1"],
            "failover": { "max_failovers": 1, "period": "6h" },
            "resources": [{
                "name": "recv", "type": "process", "command": ["/opt/run"], "env": { "A": "b" },
                "possible_owners": ["bts1", "bts2"], "restart": { "max_restarts": 2 },
                "readiness": { "tcp": "127.0.0.1:2121" }, "is_alive": { "exec": ["true"], "interval": "1s" }
            }]
        }]
    })
}

/// The good document with one value replaced, or added, or with `null` removed.
fn with(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) if value == json!("(removed)") => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other} has no {key}"),
    }
}

fn found(document: &Value) -> Vec<(String, String)> {
    parse(document).err().unwrap_or_default().into_iter().map(|f| (f.pointer, f.code)).collect()
}

const R: &str = "/groups/0/resources/0";

#[test]
fn each_mistake_is_found_at_its_place() {
    let at = |tail: &str| format!("{R}{tail}");
    let table: Vec<(String, Value, String, &str)> = vec![
        ("/nodes".into(), json!({}), "/nodes".into(), "wrong_type"),
        ("/settings/heartbeat".into(), json!(500), "/settings/heartbeat".into(), "wrong_type"),
        (at(""), json!("x"), at(""), "wrong_type"),
        (at("/type"), json!(1), at("/type"), "wrong_type"),
        (at("/type"), json!("(removed)"), at("/type"), "missing_field"),
        (at("/type"), json!("proces"), at("/type"), "unknown_value"),
        (at("/command"), json!("(removed)"), at("/command"), "missing_field"),
        ("/cluster".into(), json!("(removed)"), "/cluster".into(), "missing_field"),
        ("/grups".into(), json!([]), "/grups".into(), "unknown_field"),
        (at("/comand"), json!([]), at("/comand"), "unknown_field"),
        (at("/is_alive/a~1b"), json!(1), at("/is_alive/a~01b"), "unknown_field"),
        (at("/name"), json!("a b"), at("/name"), "bad_name"),
        ("/cluster".into(), json!("a".repeat(64)), "/cluster".into(), "bad_name"),
        ("/settings/lease".into(), json!("soon"), "/settings/lease".into(), "bad_duration"),
        ("/settings/drift".into(), json!(0.2), "/settings/drift".into(), "out_of_range"),
        ("/settings/margin".into(), json!("1ms"), "/settings/margin".into(), "out_of_range"),
        (at("/restart/max_restarts"), json!(-1), at("/restart/max_restarts"), "out_of_range"),
        (at("/stop_timeout"), json!("1h"), at("/stop_timeout"), "out_of_range"),
        (at("/is_alive/interval"), json!("1ms"), at("/is_alive/interval"), "out_of_range"),
        ("/groups/0/failover/period".into(), json!("0s"), "/groups/0/failover/period".into(), "out_of_range"),
        (at("/stop_signal"), json!("TERM"), at("/stop_signal"), "unknown_value"),
        ("/nodes/0/wanted".into(), json!("off"), "/nodes/0/wanted".into(), "unknown_value"),
        ("/groups/0/preferred_owners/-".into(), json!("bts1"), "/groups/0/preferred_owners/1".into(), "duplicate_name"),
        (
            "/groups/0/preferred_owners/0".into(),
            json!("x"),
            "/groups/0/preferred_owners/0".into(),
            "dangling_reference",
        ),
        (at("/possible_owners/1"), json!("bts3"), at("/possible_owners/1"), "dangling_reference"),
        (at("/possible_owners"), json!([]), at("/possible_owners"), "empty_list"),
        (at("/possible_owners"), json!(["bts2"]), "/groups/0/preferred_owners/0".into(), "impossible_owner"),
        ("/groups/0/resources".into(), json!([]), "/groups/0/resources".into(), "empty_list"),
        (at("/command"), json!([]), at("/command"), "empty_list"),
        (at("/command"), json!([""]), at("/command/0"), "bad_command"),
        (at("/is_alive/exec"), json!([]), at("/is_alive/exec"), "empty_list"),
        (at("/is_alive/tcp"), json!("a:1"), at("/is_alive"), "bad_probe"),
        (at("/readiness"), json!({}), at("/readiness"), "bad_probe"),
        (at("/readiness/tcp"), json!("2121"), at("/readiness/tcp"), "bad_address"),
        (at("/env/LOCUM_X"), json!(""), at("/env/LOCUM_X"), "bad_env"),
        (at("/env/A=B"), json!(""), at("/env/A=B"), "bad_env"),
        (at("/working_dir"), json!("tmp"), at("/working_dir"), "bad_path"),
        ("/nodes/0/agent".into(), json!("https://a:1"), "/nodes/0/agent".into(), "bad_address"),
        ("/nodes/0/agent".into(), json!("http://a"), "/nodes/0/agent".into(), "bad_address"),
        ("/nodes/0/agent".into(), json!("http://a:1/x"), "/nodes/0/agent".into(), "bad_address"),
        ("/nodes/1/agent".into(), json!("http://10.0.0.11:7441/"), "/nodes/1/agent".into(), "duplicate_address"),
        ("/settings/stop_budget".into(), json!("5s"), "/settings/stop_budget".into(), "timer_inequality"),
        ("/settings/heartbeat".into(), json!("1001ms"), "/settings/heartbeat".into(), "timer_inequality"),
        ("/settings/margin".into(), json!("2s"), "/settings/margin".into(), "timer_inequality"),
        (at("/restart/retry_after"), json!("1m"), at("/restart/retry_after"), "timer_inequality"),
    ];
    let mut wrong = Vec::new();
    for (pointer, value, expected, code) in table {
        let mut document = good();
        with(&mut document, &pointer, value.clone());
        if found(&document) != [(expected, code.to_owned())] {
            wrong.push(format!("{pointer} = {value}: {:#?}", parse(&document)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_taken_once_and_some_node_can_own_a_group() {
    let mut document = good();
    let copy = |document: &Value, pointer: &str| document.pointer(pointer).unwrap().clone();
    let (group, resource) = (copy(&document, "/groups/0"), copy(&document, R));
    with(&mut document, "/nodes/1/name", json!("bts1"));
    with(&mut document, &format!("{R}/possible_owners"), json!(["bts1"]));
    with(&mut document, "/groups/-", group);
    with(&mut document, "/groups/1/resources/-", resource);
    let places: Vec<_> =
        found(&document).into_iter().filter(|(_, code)| code == "duplicate_name").map(|(at, _)| at).collect();
    assert_eq!(places, ["/groups/1/name", "/groups/1/resources/1/name", "/nodes/1/name"]);

    let mut document = good();
    let mut other = copy(&document, R);
    other["name"] = json!("other");
    other["possible_owners"] = json!(["bts2"]);
    with(&mut document, &format!("{R}/possible_owners"), json!(["bts1"]));
    with(&mut document, "/groups/0/resources/-", other);
    assert_eq!(found(&document), [("/groups/0".to_owned(), "no_possible_owner".to_owned())]);
}

#[test]
fn one_answer_has_the_findings_of_shape_and_rules() {
    let mut document = good();
    with(&mut document, "/nodes/0/agnt", json!(1));
    with(&mut document, "/settings/margin", json!("2s"));
    with(&mut document, &format!("{R}/command"), json!(3));
    with(&mut document, "/groups/0/preferred_owners", json!(["nobody"]));
    let findings = parse(&document).unwrap_err();
    let codes: Vec<_> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["dangling_reference", "wrong_type", "unknown_field", "timer_inequality"]);
    assert_eq!(findings[2].detail, "there is no field `agnt` here; did you mean `agent`?");
}

#[test]
fn a_good_document_reads_and_writes_the_same() {
    for document in [good(), json!({ "cluster": "empty" }), json!({ "cluster": "c", "settings": { "drift": 0.0 } })] {
        let spec = parse(&document).unwrap();
        assert_eq!(parse(&serde_json::to_value(&spec).unwrap()).unwrap(), spec);
    }
    for document in [json!(null), json!([]), json!("x")] {
        assert_eq!(found(&document), [(String::new(), "wrong_type".to_owned())]);
    }
}
