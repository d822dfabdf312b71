//! Do operators' marks say who, why and until when, and last no longer?

use serde_json::{Value, json};

use crate::support::door::{Door, site};

#[tokio::test]
async fn maintenance_of_a_cluster_a_node_and_a_group_begins_and_ends() {
    let door = Door::with(&site()).await;
    for (path, at) in [("", ""), ("nodes/bts2/", "/nodes/1"), ("groups/ftp/", "/groups/0")] {
        let path = format!("{path}maintenance");
        let body = json!({ "reason": "disks", "for": "2h" });
        let dry = door.post(&format!("{path}?dry_run=true"), &body).await.ok();
        assert_eq!((&dry["changed"], &dry["dry_run"]), (&json!(true), &json!(true)));
        let begun = door.call("POST", &path, &[("locum-actor", "bob")], Some(&body)).await.ok();
        assert_eq!((&begun["object"]["owner"], &begun["object"]["reason"]), (&json!("bob"), &json!("disks")));
        let topology = door.get("topology").await.ok();
        let kept = topology.pointer(&format!("{at}/maintenance")).unwrap();
        assert_eq!(*kept, begun["object"]);
        let until: jiff::Timestamp = kept["until"].as_str().unwrap().parse().unwrap();
        let left = until.duration_since(jiff::Timestamp::now()).as_secs();
        assert!((7190..=7200).contains(&left), "{left}");
        door.put("topology", &site()).await.ok();
        let again = door.get("topology").await.ok();
        assert_eq!(again.pointer(&format!("{at}/maintenance")), Some(kept), "an apply does not end it");
        let ended = door.delete(&path).await.ok();
        assert_eq!((&ended["object"], &ended["changed"]), (&Value::Null, &json!(true)));
        assert_eq!(door.get("topology").await.ok().pointer(&format!("{at}/maintenance")), None);
        assert_eq!(door.delete(&path).await.ok()["changed"], false);
    }
    let words = door.get("changes?limit=9").await.ok();
    let said: Vec<_> = words["items"].as_array().unwrap().iter().map(|c| c["message"].as_str().unwrap()).collect();
    assert!(
        said[0] == "ended maintenance of group ftp" && said[1].starts_with("began maintenance of group ftp until"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_mark_is_set_and_taken_away_only_on_what_its_writer_saw() {
    let door = Door::with(&site()).await;
    let body = json!({ "reason": "disks", "for": "2h" });
    let paths =
        ["maintenance", "nodes/bts2/maintenance", "groups/ftp/maintenance", "common-dependencies/messages/down"];
    for path in paths {
        let tagged = async |method: &str, name: &str, tag: &str| {
            let body = (method == "POST").then_some(&body);
            door.call(method, path, &[(name, tag)], body).await
        };
        tagged("POST", "if-match", "\"77\"").await.refused(412, "precondition-failed");
        let begun = tagged("POST", "if-none-match", "*").await.ok();
        let tag = format!("\"{}\"", begun["generation"]);
        tagged("POST", "if-none-match", "*").await.refused(412, "precondition-failed");
        tagged("DELETE", "if-match", "\"77\"").await.refused(412, "precondition-failed");
        assert_eq!(tagged("DELETE", "if-match", &tag).await.ok()["changed"], true);
    }
}

#[tokio::test]
async fn a_mark_without_a_reason_or_an_end_is_refused() {
    let door = Door::with(&site()).await;
    let codes = async |body: Value| door.post("maintenance", &body).await.findings();
    let found = |at: &str, code: &str| (at.to_owned(), code.to_owned());
    assert_eq!(codes(json!({})).await, [found("/reason", "missing_field"), found("/for", "missing_field")]);
    let past = codes(json!({ "reason": "x", "until": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(past, [found("/until", "bad_time")]);
    let both = codes(json!({ "reason": "x", "until": "2099-01-01T00:00:00Z", "for": "1h" })).await;
    assert_eq!(both, [found("/for", "duplicate_field")]);
    assert_eq!(codes(json!({ "reason": "x", "for": "soon" })).await[0].0, "/for");
    assert_eq!(codes(json!({ "reason": "x", "for": "0s" })).await, [found("/for", "bad_time")]);
    let detail = door.post("maintenance", &json!({ "reason": "x", "until": "tomorrow" })).await.refused(422, "invalid");
    assert!(detail.contains("\"tomorrow\" is not a time; write it like"), "{detail}");
    let empty = codes(json!({ "reason": "", "for": "1h" })).await;
    assert_eq!(empty, [found("/reason", "out_of_range")]);
    door.post("nodes/bts9/maintenance", &json!({ "reason": "x", "for": "1h" })).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_common_dependency_is_said_to_be_down_for_a_while() {
    let door = Door::with(&site()).await;
    let body = json!({ "reason": "failing over", "for": "10m", "owner": "monitor" });
    let down = door.post("common-dependencies/messages/down", &body).await.ok();
    assert_eq!(down["object"]["owner"], "monitor");
    let topology = door.get("topology").await.ok();
    assert_eq!(topology["common_dependencies"][0]["down"], down["object"]);
    assert_eq!(door.newest_change().await.0, "mark_down");
    door.delete("common-dependencies/messages/down").await.ok();
    assert_eq!(door.get("topology").await.ok()["common_dependencies"][0].get("down"), None);
    door.post("common-dependencies/nope/down", &body).await.refused(404, "not-found");
}

#[tokio::test]
async fn the_status_shows_what_is_wanted_and_what_is_left() {
    let door = Door::with(&site()).await;
    door.patch("groups/ftp", &json!({ "failover": { "max_failovers": 3 } })).await.ok();
    door.post("groups/ftp/maintenance", &json!({ "reason": "disks", "for": "2h" })).await.ok();
    door.look(|_| {}).await;
    let status = door.get("status").await.ok();
    let ftp = &status["groups"][0];
    assert_eq!((&ftp["failovers_left"], &ftp["maintenance"]["reason"]), (&json!(3), &json!("disks")));
    assert_eq!((&status["maintenance"], &status["nodes"][0]["maintenance"]), (&Value::Null, &Value::Null));
    door.look(|snapshot| {
        let over = snapshot.now + jiff::SignedDuration::from_hours(2);
        snapshot.now = over;
    })
    .await;
    assert_eq!(door.get("status").await.ok()["groups"][0]["maintenance"], Value::Null, "what is over is not shown");
    let hosts: Vec<_> = status["hosts"].as_array().unwrap().iter().map(|host| host["name"].as_str().unwrap()).collect();
    assert_eq!(hosts, ["Receive", "Tracking"]);
}
