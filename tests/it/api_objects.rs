//! Can every object of a topology be read and written alone, with the same rules as in the whole?

use serde_json::{Value, json};

use crate::support::door::{Door, site};

#[tokio::test]
async fn a_node_is_made_changed_and_deleted_alone() {
    let door = Door::with(&site()).await;
    let new = json!({ "agent": "http://127.0.0.1:7999" });
    let dry = door.put("nodes/bts4?dry_run=true", &new).await.ok();
    assert_eq!((&dry["created"], &dry["dry_run"], &dry["generation"]), (&json!(true), &json!(true), &json!(0)));
    door.get("nodes/bts4").await.refused(404, "not-found");

    let made = door.put("nodes/bts4", &new).await;
    assert_eq!((made.status.as_u16(), made.etag()), (201, "\"2\""));
    assert_eq!(made.json["object"]["wanted"], "active");
    assert_eq!(door.newest_change().await, ("put_node".to_owned(), "put node bts4".to_owned()));
    let read = door.get("nodes/bts4").await;
    assert_eq!((read.etag(), &read.json["name"], &read.json["generation"]), ("\"2\"", &json!("bts4"), &json!(2)));
    let same = door.put("nodes/bts4", &read.json).await;
    assert_eq!(
        (same.status.as_u16(), &same.json["changed"], same.etag()),
        (200, &json!(false), "\"2\""),
        "as it was read"
    );

    door.patch("nodes/bts4", &json!({ "wanted": "drained", "fault_domain": "rack-a" })).await.ok();
    let put = door.put("nodes/bts4", &new).await.ok();
    assert_eq!(put["object"]["wanted"], "drained", "an operator's word stays where a PUT says nothing of it");
    assert_eq!(put["object"].get("fault_domain"), None);
    let patched = door.patch("nodes/bts4", &json!({ "wanted": null })).await.ok();
    assert_eq!(patched["object"]["wanted"], "active", "a patch can take it back");

    let gone = door.delete("nodes/bts4").await.ok();
    assert_eq!((&gone["object"], &gone["generation"]), (&Value::Null, &json!(6)));
    door.delete("nodes/bts4").await.refused(404, "not-found");
    assert_eq!(door.get("nodes").await.ok()["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn who_read_something_older_of_an_object_is_refused_and_others_are_not() {
    let door = Door::with(&site()).await;
    let tag = door.get("groups/ftp").await.etag().to_owned();
    door.patch("nodes/bts1", &json!({ "fault_domain": "rack-a" })).await.ok();
    let budget = json!({ "failover": { "max_failovers": 2 } });
    let guarded = door.call("PATCH", "groups/ftp", &[("if-match", &tag)], Some(&budget)).await;
    assert_eq!(guarded.etag(), "\"3\"", "another object changed, not this one");
    let late = door.call("PATCH", "groups/ftp", &[("if-match", &tag)], Some(&budget)).await;
    assert!(late.refused(412, "precondition-failed").contains("the generation is 3"));
    door.call("DELETE", "hosts/Receive", &[("if-match", "\"9\"")], None).await.refused(412, "precondition-failed");
    let body = site()["nodes"][0].clone();
    door.call("PUT", "nodes/bts1", &[("if-none-match", "*")], Some(&body)).await.refused(412, "precondition-failed");
    door.call("PUT", "nodes/bts9", &[("if-match", "\"1\"")], Some(&body)).await.refused(412, "precondition-failed");
}

#[tokio::test]
async fn what_is_wrong_points_into_what_was_sent() {
    let door = Door::with(&site()).await;
    let wrong = json!({ "agent": "ftp://x", "wanted": "asleep", "colour": 1 });
    let expected = [("/agent", "bad_address"), ("/colour", "unknown_field"), ("/wanted", "unknown_value")];
    let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned()));
    assert_eq!(door.put("nodes/bts2", &wrong).await.findings(), expected);
    let other = door.put("nodes/bts2", &json!({ "name": "bts1", "agent": "http://127.0.0.1:1" })).await;
    assert_eq!(other.findings(), [("/name".to_owned(), "other_name".to_owned())]);
    let owners = door.patch("groups/ftp", &json!({ "preferred_owners": ["bts1", "bts9"] })).await.findings();
    assert_eq!(owners[0], ("/preferred_owners/1".to_owned(), "dangling_reference".to_owned()));
    for (body, at, code) in [(json!(7), "", "wrong_type"), (json!({ "name": 7 }), "/name", "other_name")] {
        let found = door.put("nodes/bts2", &body).await.findings();
        assert_eq!(found, [(at.to_owned(), code.to_owned())], "{body}");
    }
    door.patch("nodes/bts2", &json!([])).await.findings();
    door.put("groups/nope/resources/ip", &json!({})).await.refused(404, "not-found");
    // What breaks a rule elsewhere is told of the whole of it, with the place by its name.
    let taken = door.patch("groups/ftp/resources/ip", &json!({ "possible_owners": ["bts2"] })).await;
    assert!(
        taken.json["errors"][0]["detail"].as_str().unwrap().starts_with("groups/ftp/preferred_owners"),
        "{taken:?}"
    );
    assert_eq!(taken.findings()[0].0, "");
    assert_eq!(door.get("topology").await.etag(), "\"1\"", "a refused write leaves no trace");
}

#[tokio::test]
async fn what_others_need_is_not_deleted() {
    let door = Door::with(&site()).await;
    let mut refused = Vec::new();
    for path in ["nodes/bts1", "hosts/Receive", "hosts/Tracking"] {
        refused.push(door.delete(path).await.refused(422, "refused"));
    }
    let named = [
        vec!["group ftp prefers it", "host Receive has an instance on it"],
        vec!["handler file-in runs in it"],
        vec!["the only host that tracks"],
    ];
    for (sentence, named) in refused.iter().zip(named) {
        named.into_iter().for_each(|what| assert!(sentence.contains(what), "{sentence}"));
    }
    door.delete("handlers/file-in").await.ok();
    door.patch("hosts/Receive", &json!({ "default": true })).await.ok();
    assert!(door.delete("hosts/Receive").await.refused(422, "refused").contains("it is the default host"));
    door.patch("hosts/Receive", &json!({ "default": false })).await.ok();
    door.delete("hosts/Receive").await.ok();

    door.post("hosts/Tracking/cluster", &json!({ "group": "ftp" })).await.ok();
    assert!(door.delete("groups/ftp").await.refused(422, "refused").contains("host Tracking is clustered in it"));
    assert!(door.delete("hosts/Tracking").await.refused(422, "refused").contains("clustered in group ftp"));
}

#[tokio::test]
async fn resources_instances_and_handlers_are_objects_too() {
    let door = Door::with(&site()).await;
    let run = json!({ "type": "process", "command": ["/bin/true"], "depends_on": "ip and name" });
    let made = door.put("groups/ftp/resources/receive", &run).await;
    assert_eq!((made.status.as_u16(), made.etag()), (201, "\"2\""), "its group's generation");
    assert!(
        door.delete("groups/ftp/resources/ip").await.refused(422, "refused").contains("resource receive depends on it")
    );
    let listed = door.get("groups/ftp/resources").await.ok();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ip", "name", "receive"]);
    door.delete("groups/ftp/resources/receive").await.ok();
    assert_eq!(door.newest_change().await.1, "deleted resource receive of group ftp");

    let mapped = door.put("hosts/Receive/instances/bts3", &json!({})).await;
    assert_eq!((mapped.status.as_u16(), &mapped.json["object"]["disabled"]), (201, &json!(false)));
    door.patch("hosts/Receive/instances/bts3", &json!({ "disabled": true })).await.ok();
    assert_eq!(door.get("hosts/Receive/instances/bts3").await.ok()["disabled"], true);
    assert_eq!(door.get("hosts/Receive/instances").await.ok()["items"].as_array().unwrap().len(), 3);
    door.delete("hosts/Receive/instances/bts3").await.ok();
    assert_eq!(door.newest_change().await.1, "deleted instance on bts3 of host Receive");
    door.put("hosts/Receive/instances/bts9", &json!({})).await.findings();

    door.patch("handlers/file-in", &json!({ "host": "Tracking" })).await.ok();
    assert_eq!(door.get("handlers").await.ok()["items"][0]["host"], "Tracking");
    door.patch("handlers/file-in", &json!({ "host": "Nobody" })).await.findings();
}

#[tokio::test]
async fn writers_who_come_at_once_all_get_their_change() {
    let door = Door::with(&site()).await;
    let writes = (1..=3).map(|number| {
        let door = &door;
        async move {
            door.patch(&format!("nodes/bts{number}"), &json!({ "fault_domain": format!("rack-{number}") })).await.ok()
        }
    });
    futures_util::future::join_all(writes).await;
    let nodes = door.get("topology").await.ok()["nodes"].clone();
    let racks: Vec<_> = nodes.as_array().unwrap().iter().map(|node| node["fault_domain"].as_str().unwrap()).collect();
    assert_eq!(racks, ["rack-1", "rack-2", "rack-3"]);
}

#[tokio::test]
async fn what_would_go_with_a_cluster_is_told_and_nothing_goes() {
    let door = Door::with(&site()).await;
    let dry = door.delete("?dry_run=true").await.ok();
    assert_eq!((&dry["dry_run"], &dry["changed"], &dry["refused"]), (&json!(true), &json!(true), &Value::Null));
    assert_eq!(door.get("nodes").await.ok()["items"].as_array().unwrap().len(), 3);
}
