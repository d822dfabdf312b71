//! Are several changes made as one: all or none, judged once, with each mistake at its place in the request?

use serde_json::{Value, json};

use crate::support::door::{Door, site};

#[tokio::test]
async fn several_changes_are_one_change() {
    let door = Door::with(&site()).await;
    let changes = json!({ "message": "bts3 is replaced", "changes": [
        { "op": "delete", "path": "nodes/bts3", "if_match": "\"1\"" },
        { "op": "put", "path": "nodes/bts4", "body": { "agent": "http://127.0.0.1:7999" }, "if_none_match": "*" },
        { "op": "patch", "path": "groups/ftp", "body": { "preferred_owners": ["bts4", "bts1"] } },
        { "op": "put", "path": "hosts/Receive/instances/bts4", "body": {} },
        { "op": "patch", "path": "cluster", "body": { "settings": { "lease": "20s" } } },
        { "op": "put", "path": "handlers/file-in", "body": site()["handlers"][0] },
    ] });
    let dry = door.post("changes?dry_run=true", &changes).await.ok();
    assert_eq!((&dry["dry_run"], &dry["generation"], &dry["refused"]), (&json!(true), &json!(1), &Value::Null));
    assert_eq!(door.get("topology").await.etag(), "\"1\"");

    let done = door.post("changes", &changes).await;
    assert_eq!((done.status.as_u16(), done.etag(), &done.json["generation"]), (200, "\"2\"", &json!(2)));
    let told = |field: &str| -> Vec<Value> {
        done.json["changes"].as_array().unwrap().iter().map(|change| change[field].clone()).collect()
    };
    assert_eq!(told("created"), [false, true, false, true, false, false].map(Value::from));
    assert_eq!(told("changed"), [true, true, true, true, true, false].map(Value::from));
    assert_eq!(told("generation"), [2, 2, 2, 2, 2, 1].map(Value::from));
    assert_eq!((&told("object")[0], &told("object")[1]["wanted"]), (&Value::Null, &json!("active")));
    assert_eq!(door.get("nodes/bts4").await.etag(), "\"2\"");
    let (action, message) = door.newest_change().await;
    assert_eq!(action, "change_several");
    assert!(
        message.starts_with("deleted node bts3, put node bts4, ") && message.ends_with(" and 1 more: bts3 is replaced"),
        "{message}"
    );
    let changes = door.get("changes").await.ok();
    assert_eq!(changes["items"].as_array().unwrap().len(), 2, "one row for all");
    // The same once more deletes what is not there.
    let gone = json!({ "changes": [{ "op": "delete", "path": "nodes/bts3" }] });
    assert!(door.post("changes", &gone).await.refused(404, "not-found").starts_with("changes/0 (nodes/bts3): "));
}

#[tokio::test]
async fn one_mistake_undoes_all_and_is_told_at_its_place() {
    let door = Door::with(&site()).await;
    let node = json!({ "op": "put", "path": "nodes/bts4", "body": { "agent": "http://127.0.0.1:7999" } });
    let with = |change: Value| json!({ "changes": [node, change] });
    for (change, at) in [
        (json!({ "op": "put", "path": "nodes/bts5", "body": { "agent": "x", "colour": 1 } }), "/changes/1/body/agent"),
        (
            json!({ "op": "patch", "path": "groups/ftp", "body": { "preferred_owners": ["bts9"] } }),
            "/changes/1/body/preferred_owners/0",
        ),
        (
            json!({ "op": "patch", "path": "groups/ftp/resources/ip", "body": { "restart": 7 } }),
            "/changes/1/body/restart",
        ),
        (json!({ "op": "put", "path": "nodes/bts5", "body": { "name": "bts6" } }), "/changes/1/body/name"),
        (
            json!({ "op": "patch", "path": "", "body": { "settings": { "lease": "x" } } }),
            "/changes/1/body/settings/lease",
        ),
        (json!({ "op": "patch", "path": "cluster", "body": { "nodes": [] } }), "/changes/1/body/nodes"),
        (json!({ "op": "patch", "path": "nodes/bts1", "body": [] }), "/changes/1/body"),
        (json!({ "op": "replace", "path": "nodes/bts1" }), "/changes/1/op"),
        (json!({ "op": "put", "path": "racks/a", "body": {} }), "/changes/1/path"),
        (json!({ "op": "put", "path": "nodes/bts5" }), "/changes/1/body"),
        (json!(7), "/changes/1"),
    ] {
        let found = door.post("changes", &with(change.clone())).await.findings();
        assert_eq!(found[0].0, at, "{change}");
    }
    // What is wrong elsewhere is said with its place by its name.
    let owner = with(json!({ "op": "delete", "path": "nodes/bts1" }));
    let found = door.post("changes", &owner).await;
    let detail = found.json["errors"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("groups/ftp/preferred_owners"), "{detail}");
    assert_eq!(found.findings()[0].0, "");

    let stale = with(json!({ "op": "patch", "path": "groups/ftp", "body": {}, "if_match": "\"9\"" }));
    let stale = door.post("changes", &stale).await;
    assert_eq!((&stale.json["expected"], &stale.json["actual"]), (&json!("\"9\""), &json!("\"1\"")));
    assert!(stale.refused(412, "precondition-failed").starts_with("changes/1 (groups/ftp): "));
    let there = with(json!({ "op": "put", "path": "nodes/bts1", "body": {}, "if_none_match": "*" }));
    door.post("changes", &there).await.refused(412, "precondition-failed");
    let late = door.call("POST", "changes", &[("if-match", "\"9\"")], Some(&with(node.clone()))).await;
    late.refused(412, "precondition-failed");
    assert_eq!(door.post("changes", &json!({ "changes": [] })).await.findings()[0].0, "/changes");
    let many = vec![node.clone(); 1001];
    assert_eq!(door.post("changes", &json!({ "changes": many })).await.findings()[0].0, "/changes");
    assert_eq!(door.get("topology").await.etag(), "\"1\"", "no trace");
}

#[tokio::test]
async fn what_is_needed_is_judged_by_what_the_changes_make_together() {
    let door = Door::with(&site()).await;
    // A host whose handler goes as well, whichever is named first; and one that has to stay.
    let host = json!({ "op": "delete", "path": "hosts/Receive" });
    let handler = json!({ "op": "delete", "path": "handlers/file-in" });
    let tracking = json!({ "op": "delete", "path": "hosts/Tracking" });
    let refused = door.post("changes", &json!({ "changes": [tracking] })).await.refused(422, "refused");
    assert!(
        refused.starts_with("changes/0 (hosts/Tracking): ") && refused.contains("only host that tracks"),
        "{refused}"
    );
    door.post("changes", &json!({ "changes": [host] })).await.findings();
    door.post("changes", &json!({ "changes": [host, handler] })).await.ok();
    door.get("hosts/Receive").await.refused(404, "not-found");
    // What is made and changed in one call is there for the changes that follow.
    let run = |name: &str| json!({ "name": name, "type": "process", "command": ["/bin/true"] });
    let changes = json!({ "changes": [
        { "op": "put", "path": "groups/web", "body": { "resources": [] } },
        { "op": "put", "path": "groups/web/resources/run", "body": run("run") },
        { "op": "delete", "path": "groups/web" },
        { "op": "put", "path": "groups/web", "body": { "priority": "high", "resources": [run("serve")] } },
    ] });
    let done = door.post("changes", &changes).await.ok();
    assert_eq!((&done["changes"][0]["created"], &done["changes"][1]["object"]), (&json!(true), &Value::Null));
    assert_eq!(door.get("groups/web").await.ok()["priority"], "high");
}

#[tokio::test]
async fn a_call_with_a_key_is_done_once_and_a_cautious_cluster_is_told_what_to_expect() {
    let door = Door::with(&site()).await;
    let rack = |name: &str| json!({ "op": "patch", "path": "nodes/bts1", "body": { "fault_domain": name } });
    let call = json!({ "changes": [rack("a")] });
    let first = door.call("POST", "changes", &[("idempotency-key", "k")], Some(&call)).await;
    door.post("changes", &json!({ "changes": [rack("b")] })).await.ok();
    let again = door.call("POST", "changes", &[("idempotency-key", "k")], Some(&call)).await;
    assert_eq!((again.header("idempotency-replayed"), again.etag()), (Some("true"), first.etag()));
    assert_eq!(again.json, first.json);
    assert_eq!(door.get("nodes/bts1").await.ok()["fault_domain"], "b");

    door.patch("", &json!({ "policy": { "require_if_match": true } })).await.ok();
    door.post("changes", &call).await.refused(428, "precondition-required");
    door.post("changes?dry_run=true", &call).await.ok();
    let mut told = call.clone();
    told["changes"][0]["if_match"] = json!(door.get("nodes/bts1").await.etag());
    door.post("changes", &told).await.ok();
    let tag = door.get("topology").await.etag().to_owned();
    door.call("POST", "changes", &[("if-match", &tag)], Some(&json!({ "changes": [rack("c")] }))).await.ok();
}
