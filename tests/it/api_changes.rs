//! Is every change told in words, and can what was wanted come back?

use serde_json::{Value, json};

use crate::support::door::{Door, site};

fn texts(change: &Value) -> Vec<&str> {
    change["diff"].as_array().unwrap().iter().map(|difference| difference["text"].as_str().unwrap()).collect()
}

/// Generation 2 sets a budget, 3 adds a node, 4 drains another one.
async fn with_changes() -> Door {
    let door = Door::with(&site()).await;
    door.patch("groups/ftp", &json!({ "failover": { "max_failovers": 1 } })).await.ok();
    door.put("nodes/bts4", &json!({ "agent": "http://127.0.0.1:7999" })).await.ok();
    door.post("nodes/bts2/drain", &json!({})).await.ok();
    door
}

#[tokio::test]
async fn a_change_says_what_differs_by_name() {
    let door = with_changes().await;
    let change = door.get("changes/2").await.ok();
    assert_eq!(texts(&change), ["groups/ftp/failover/max_failovers: nothing -> 1"]);
    assert_eq!((&change["action"], &change["message"]), (&json!("put_group"), &json!("put group ftp")));
    let one = &change["diff"][0];
    assert_eq!(
        (&one["path"], &one["before"], &one["after"]),
        (&json!("groups/ftp/failover/max_failovers"), &Value::Null, &json!(1))
    );
    assert_eq!(texts(&door.get("changes/3").await.ok()), ["nodes/bts4: added"]);
    assert_eq!(texts(&door.get("changes/4").await.ok()), ["nodes/bts2/wanted: active -> drained"]);
    assert!(texts(&door.get("changes/1").await.ok()).contains(&"hosts/Receive: added"));
}

#[tokio::test]
async fn what_was_wanted_comes_back_as_a_new_change() {
    let door = with_changes().await;
    let dry = door.post("changes/1/revert?dry_run=true", &json!({})).await.ok();
    assert_eq!((&dry["dry_run"], &dry["changed"], &dry["generation"]), (&json!(true), &json!(true), &json!(4)));
    assert_eq!(door.get("topology").await.etag(), "\"4\"");

    let stale = door.call("POST", "changes/1/revert", &[("if-match", "\"3\"")], Some(&json!({}))).await;
    stale.refused(412, "precondition-failed");
    let done =
        door.call("POST", "changes/1/revert", &[("if-match", "\"4\"")], Some(&json!({ "reason": "it hurt" }))).await;
    assert_eq!((done.etag(), &done.json["changed"]), ("\"5\"", &json!(true)));
    let change = door.get("changes/5").await.ok();
    assert_eq!(
        (&change["action"], &change["message"]),
        (&json!("revert"), &json!("reverted to generation 1: it hurt"))
    );
    assert_eq!(texts(&change), ["groups/ftp/failover/max_failovers: 1 -> nothing", "nodes/bts4: removed"]);
    assert_eq!(door.get("nodes/bts2").await.ok()["wanted"], "drained", "a revert resumes nothing");

    door.post("changes/1/revert?operator_state=true", &json!({})).await.ok();
    assert_eq!(door.get("nodes/bts2").await.ok()["wanted"], "active", "unless it is asked to");
    let forward = door.post("changes/4/revert?operator_state=true", &json!({})).await.ok();
    assert_eq!(forward["generation"], 7);
    let after_four = door.get("changes/4").await.ok()["after"].clone();
    assert_eq!(door.get("topology").await.ok(), after_four, "any generation can come back whole");
    door.post("changes/9/revert", &json!({})).await.refused(404, "not-found");
}
