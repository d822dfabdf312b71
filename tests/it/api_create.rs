//! Are objects and clusters created by POST, once, and can what belongs to a cluster as a whole be written alone?

use serde_json::{Value, json};

use crate::support::door::{Door, Seen, site};

impl Door {
    async fn post_at(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Seen {
        self.call("POST", path, headers, Some(body)).await
    }
}

#[tokio::test]
async fn every_kind_of_object_is_created_by_the_name_in_its_body() {
    let door = Door::with(&site()).await;
    let run = json!({ "type": "process", "command": ["/bin/true"] });
    let resource = |name: &str| json!({ "name": name, "type": "process", "command": ["/bin/true"] });
    let group = json!({ "name": "web", "resources": [resource("serve")] });
    let handler = json!({ "name": "file-out", "adapter": "file", "direction": "send", "host": "Receive" });
    let made = [
        ("nodes", json!({ "name": "bts4", "agent": "http://127.0.0.1:7999" }), "nodes/bts4"),
        ("groups", group, "groups/web"),
        ("groups/web/resources", resource("receive"), "groups/web/resources/receive"),
        ("hosts", json!({ "name": "Send", "instances": [{ "node": "bts1" }], "run": run }), "hosts/Send"),
        ("hosts/Send/instances", json!({ "node": "bts2", "disabled": true }), "hosts/Send/instances/bts2"),
        ("handlers", handler, "handlers/file-out"),
    ];
    for (index, (list, body, path)) in made.iter().enumerate() {
        let dry = door.post(&format!("{list}?dry_run=true"), body).await;
        assert_eq!(
            (dry.status.as_u16(), &dry.json["created"], dry.header("location")),
            (200, &json!(true), None),
            "{path}"
        );
        let answer = door.post(list, body).await;
        let location = format!("/v1/clusters/c/{path}");
        assert_eq!((answer.status.as_u16(), &answer.json["generation"]), (201, &json!(index + 2)), "{path}");
        assert_eq!(answer.etag(), door.at(&location).await.etag());
        assert_eq!(answer.header("location"), Some(location.as_str()));
        assert_eq!(answer.json["created"], true);
        assert_eq!(door.at(&location).await.ok(), answer.json["object"], "{path}");
        let again = door.post(list, body).await;
        assert!(again.refused(412, "precondition-failed").contains("exists already"), "{path}");
    }
    assert_eq!(door.newest_change().await, ("put_handler".to_owned(), "put handler file-out".to_owned()));
    door.post("groups/nope/resources", &json!({ "name": "ip" })).await.refused(404, "not-found");
    let nameless = door.post("nodes", &json!({ "agent": "http://127.0.0.1:1" })).await.findings();
    assert_eq!(nameless, [("/name".to_owned(), "missing_field".to_owned())]);
    let wrong = door.post("nodes", &json!({ "name": "a b", "agent": "x" })).await.findings();
    assert_eq!(wrong.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["/agent", "/name"]);
}

#[tokio::test]
async fn a_creation_under_a_key_is_done_once_and_answered_alike() {
    let door = Door::with(&site()).await;
    let node = json!({ "name": "bts4", "agent": "http://127.0.0.1:7999" });
    let key = [("idempotency-key", "k-1")];
    let first = door.call("POST", "nodes", &key, Some(&node)).await;
    let again = door.call("POST", "nodes", &key, Some(&node)).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (again.status, None));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.header("location"), again.etag()), (Some("/v1/clusters/c/nodes/bts4"), first.etag()));
    assert_eq!(again.json, first.json);
    // A cluster, likewise.
    let cluster = json!({ "cluster": "d", "nodes": [node] });
    let key = [("idempotency-key", "k-2")];
    let dry = door.post_at("/v1/clusters?dry_run=true", &[], &cluster).await;
    assert_eq!((dry.status.as_u16(), &dry.json["created"]), (200, &json!(true)));
    let first = door.post_at("/v1/clusters", &key, &cluster).await;
    assert_eq!((first.status.as_u16(), first.etag(), first.header("location")), (201, "\"1\"", Some("/v1/clusters/d")));
    let again = door.post_at("/v1/clusters", &key, &cluster).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (201, Some("/v1/clusters/d")));
    assert_eq!(again.json, first.json);
    assert!(door.post_at("/v1/clusters", &[], &cluster).await.refused(412, "precondition-failed").contains("exists"));
    let wrong = door.post_at("/v1/clusters", &[], &json!({ "nodes": 7 })).await.findings();
    assert_eq!(wrong.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["/cluster", "/nodes"]);
    assert_eq!(door.at("/v1/clusters/d/nodes").await.ok()["items"][0]["name"], "bts4");
}

#[tokio::test]
async fn who_creates_the_same_under_one_key_at_once_gets_one_answer() {
    let door = Door::with(&site()).await;
    let (node, cluster) = (json!({ "name": "bts4", "agent": "http://127.0.0.1:7999" }), json!({ "cluster": "d" }));
    for (path, body) in [("/v1/clusters/c/nodes", &node), ("/v1/clusters", &cluster)] {
        let key = [("idempotency-key", path)];
        let calls = (0..8).map(|_| door.post_at(path, &key, body));
        let answers = futures_util::future::join_all(calls).await;
        let first = &answers[0];
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.json == first.json), "{answers:?}");
        let replayed = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_some()).count();
        assert_eq!(replayed, 7, "done once");
    }
}

#[tokio::test]
async fn what_belongs_to_a_cluster_as_a_whole_is_written_alone() {
    let door = Door::with(&site()).await;
    let read = door.get("").await;
    assert_eq!(
        (read.etag(), &read.json["name"], &read.json["settings"]["lease"]),
        ("\"1\"", &json!("c"), &json!("5s"))
    );
    let same = door.put("", &read.json).await;
    assert_eq!((same.etag(), &same.json["changed"]), ("\"1\"", &json!(false)), "as it was read");

    let dry = door.patch("?dry_run=true", &json!({ "settings": { "lease": "20s" } })).await.ok();
    assert_eq!((&dry["changed"], &dry["generation"]), (&json!(true), &json!(1)));
    let patched = door.patch("", &json!({ "settings": { "lease": "20s" } })).await;
    assert_eq!((patched.etag(), &patched.json["object"]["settings"]["lease"]), ("\"2\"", &json!("20s")));
    assert_eq!(patched.json["object"]["common_dependencies"][0]["name"], "messages", "the rest stays");
    assert_eq!(door.newest_change().await, ("put_cluster".to_owned(), "put the cluster".to_owned()));

    let mark = json!({ "reason": "restarts", "for": "1h" });
    door.post("common-dependencies/messages/down", &mark).await.ok();
    door.post("maintenance", &mark).await.ok();
    let dependencies = json!({ "common_dependencies": [{ "name": "messages", "kind": "other" }] });
    let late = door.call("PUT", "", &[("if-match", "\"1\"")], Some(&dependencies)).await;
    late.refused(412, "precondition-failed");
    let put = door.put("", &dependencies).await.ok();
    assert_eq!(put["object"]["settings"]["lease"], "5s", "what is absent is its default again");
    assert_eq!(put["object"]["common_dependencies"][0]["kind"], "other");
    assert_eq!(put["object"]["common_dependencies"][0]["down"]["reason"], "restarts", "what an operator said stays");
    assert_eq!(put["object"]["maintenance"]["reason"], "restarts");
    assert_eq!(door.get("nodes").await.ok()["items"].as_array().unwrap().len(), 3, "objects stay as they are");

    let wrong = json!({ "settings": { "lease": "7" }, "nodes": [], "name": "d" });
    let found = door.put("", &wrong).await.findings();
    assert_eq!(found.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["/name", "/nodes"]);
    assert_eq!(door.put("", &json!({ "settings": { "lease": "7" } })).await.findings()[0].0, "/settings/lease");
    door.patch("", &json!([])).await.findings();
    door.call("PUT", "/v1/clusters/nope", &[], Some(&json!({}))).await.refused(404, "not-found");
}
