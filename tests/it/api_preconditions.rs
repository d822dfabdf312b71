//! Is nothing overwritten that its writer did not mean, whichever call overwrites it, and are both versions named?

use serde_json::{Value, json};

use crate::support::door::{Door, Seen, site};

/// A cluster that takes no write of who does not say what is overwritten.
async fn strict() -> Door {
    let mut site = site();
    site["policy"]["require_if_match"] = json!(true);
    Door::with(&site).await
}

async fn guarded(door: &Door, method: &str, path: &str, tags: &[&str], body: Option<&Value>) -> Seen {
    let headers: Vec<_> = tags.iter().map(|tag| ("if-match", *tag)).collect();
    door.call(method, path, &headers, body).await
}

fn versions(seen: &Seen) -> [Option<&str>; 2] {
    ["expected", "actual"].map(|field| seen.json.get(field).map(|tag| tag.as_str().unwrap()))
}

#[tokio::test]
async fn a_cluster_is_deleted_only_as_it_was_seen() {
    let door = Door::with(&site()).await;
    door.patch("groups/ftp", &json!({ "priority": "high" })).await.ok();
    for query in ["", "?dry_run=true"] {
        let late = guarded(&door, "DELETE", query, &["\"1\""], None).await;
        assert_eq!(versions(&late), [Some("\"1\""), Some("\"2\"")]);
        late.refused(412, "precondition-failed");
        guarded(&door, "DELETE", query, &[""], None).await.refused(428, "precondition-required");
    }
    assert_eq!(guarded(&door, "DELETE", "", &["\"2\""], None).await.status, 204);
    guarded(&door, "DELETE", "", &["\"2\""], None).await.refused(404, "not-found");

    let door = strict().await;
    door.delete("").await.refused(428, "precondition-required");
    assert_eq!(guarded(&door, "DELETE", "", &["\"1\""], None).await.status, 204);
}

#[tokio::test]
async fn who_says_nothing_is_told_the_version_of_what_would_be_overwritten_and_a_dry_run_says_so_too() {
    let door = strict().await;
    let tag = door.get("").await.etag().to_owned();
    let mark = json!({ "reason": "disks", "for": "1h" });
    guarded(&door, "PATCH", "", &[&tag], Some(&json!({ "settings": { "lease": "20s" } }))).await.ok();
    door.post("nodes/bts2/maintenance", &mark).await.ok();
    door.post("advice/waivers", &json!({ "rule": "R33", "reason": "known", "for": "1h" })).await.ok();
    let change = |path: &str, op: &str, body: Value| json!({ "changes": [{ "op": op, "path": path, "body": body }] });
    let (agent, priority) = (json!({ "agent": "http://127.0.0.1:7999" }), json!({ "priority": "high" }));
    let (one, whole) = (Some("\"1\""), Some("\"4\""));
    for (method, path, body, actual) in [
        ("PATCH", "groups/ftp", priority.clone(), one),
        ("PUT", "groups/ftp", site()["groups"][0].clone(), one),
        ("PUT", "groups/ftp/resources/ip", site()["groups"][0]["resources"][0].clone(), one),
        ("PUT", "nodes/bts4", agent.clone(), None),
        ("DELETE", "handlers/file-in", Value::Null, one),
        ("DELETE", "nodes/bts2/maintenance", Value::Null, Some("\"3\"")),
        ("DELETE", "advice/waivers/R33", Value::Null, whole),
        ("PATCH", "", json!({ "settings": { "lease": "30s" } }), whole),
        ("PUT", "topology", site(), whole),
        ("DELETE", "", Value::Null, whole),
        ("POST", "changes", change("groups/ftp", "patch", priority), one),
        ("POST", "changes", change("nodes/bts4", "put", agent), None),
        ("POST", "changes/1/revert", json!({}), whole),
    ] {
        let body = Some(&body).filter(|body| !body.is_null());
        let dry = door.call(method, &format!("{path}?dry_run=true"), &[], body).await.ok();
        let real = door.call(method, path, &[], body).await;
        assert_eq!(versions(&real), [None, actual], "{method} {path}");
        let detail = real.refused(428, "precondition-required");
        assert_eq!(dry["refused"], detail, "{method} {path}");
        let create = if path == "changes" { "`if_none_match`: \"*\"" } else { "If-None-Match: *" };
        assert!(detail.contains(actual.unwrap_or(create)), "{detail}");
    }
    // What a change of the same call made is nobody else's.
    let own = json!({ "changes": [
        { "op": "put", "path": "groups/web", "body": { "resources": [] }, "if_none_match": "*" },
        { "op": "put", "path": "groups/web/resources/run", "body": { "type": "process", "command": ["/bin/true"] } },
    ] });
    door.post("changes", &own).await.ok();
    let resource = json!({ "type": "process", "command": ["/bin/true"] });
    let part = json!({ "changes": [
        { "op": "put", "path": "groups/ftp/resources/more", "body": resource, "if_none_match": "*" },
        { "op": "patch", "path": "groups/ftp/resources/more", "body": { "critical": false } },
        { "op": "delete", "path": "handlers/file-in", "if_match": "\"1\"" },
        { "op": "put", "path": "handlers/file-in", "body": site()["handlers"][0] },
    ] });
    door.post("changes", &part).await.ok();
    let guarded_part = json!({ "changes": [
        { "op": "patch", "path": "groups/ftp/resources/more", "body": { "critical": true }, "if_match": door.get("groups/ftp").await.etag() },
        { "op": "patch", "path": "groups/ftp", "body": { "priority": "high" } },
    ] });
    door.post("changes", &guarded_part).await.ok();
    // To own a part is not to own the whole.
    let whole = json!({ "changes": [
        { "op": "put", "path": "groups/ftp/resources/other", "body": resource, "if_none_match": "*" },
        { "op": "patch", "path": "groups/ftp", "body": { "priority": "low" } },
    ] });
    let detail = door.post("changes", &whole).await.refused(428, "precondition-required");
    assert!(detail.starts_with("changes/1 (groups/ftp): "), "{detail}");
}

#[tokio::test]
async fn who_creates_only_learns_what_is_there_and_who_replaces_only_that_nothing_is() {
    let door = Door::with(&site()).await;
    let group = site()["groups"][0].clone();
    let only = async |method: &str, path: &str, body: &Value| {
        let seen = door.call(method, path, &[("if-none-match", "*")], Some(body)).await;
        assert_eq!(versions(&seen), [None, Some("\"1\"")], "{method} {path}");
        seen.refused(412, "precondition-failed")
    };
    only("PUT", "groups/ftp", &group).await;
    only("POST", "groups", &group).await;
    only("PUT", "topology", &site()).await;
    only("PUT", "topology?dry_run=true", &site()).await;
    only("POST", "/v1/clusters", &site()).await;
    let change = json!({ "changes": [{ "op": "put", "path": "groups/ftp", "body": group, "if_none_match": "*" }] });
    let there = door.post("changes", &change).await;
    assert_eq!(versions(&there), [None, Some("\"1\"")]);
    assert!(there.refused(412, "precondition-failed").starts_with("changes/0 (groups/ftp): "));

    let mut other = site();
    other["cluster"] = json!("d");
    for (path, body) in [("groups/web", json!({ "resources": [] })), ("/v1/clusters/d/topology", other)] {
        for path in [path.to_owned(), format!("{path}?dry_run=true")] {
            let gone = guarded(&door, "PUT", &path, &["\"7\""], Some(&body)).await;
            assert_eq!(versions(&gone), [Some("\"7\""), None], "{path}");
            gone.refused(412, "precondition-failed");
        }
    }
    // Without a body to put there, what is not there is not found, whatever was expected.
    guarded(&door, "PATCH", "groups/web", &["\"7\""], Some(&json!({}))).await.refused(404, "not-found");
    guarded(&door, "DELETE", "groups/web", &["\"7\""], None).await.refused(404, "not-found");
    let empty = json!({ "changes": [{ "op": "patch", "path": "groups/ftp", "body": {}, "if_match": "" }] });
    let detail = door.post("changes", &empty).await.refused(428, "precondition-required");
    assert!(detail.starts_with("changes/0 (groups/ftp): "), "{detail}");
}

#[tokio::test]
async fn what_is_not_one_etag_or_guards_nothing_is_refused() {
    let door = Door::with(&site()).await;
    let patch = json!({ "kind": "in_process" });
    for tags in [
        vec!["\"1-0a\", \"9-0b\""],
        vec!["\"1-0a\"", "\"9-0b\""],
        vec!["\"1-x\""],
        vec!["\"1-\""],
        vec!["\"+1\""],
        vec!["\"01\""],
        vec!["*"],
    ] {
        guarded(&door, "PATCH", "hosts/Receive", &tags, Some(&patch)).await.refused(400, "bad-request");
    }
    let both = [("if-match", "\"7\""), ("if-none-match", "*")];
    door.call("PUT", "groups/web", &both, Some(&json!({ "resources": [] }))).await.refused(412, "precondition-failed");
    // What overwrites nothing can't be guarded: who means to is told so.
    for (path, body) in [("groups", json!({ "name": "web", "resources": [] })), ("nodes/bts1/pause", json!({}))] {
        let detail = guarded(&door, "POST", path, &["\"1\""], Some(&body)).await.refused(400, "bad-request");
        assert!(detail.contains("no If-Match"), "{detail}");
    }
}

#[tokio::test]
async fn every_line_of_a_header_counts() {
    let door = Door::with(&site()).await;
    let patch = json!({ "priority": "high" });
    for tags in [["\"1\"", "\"9\""], ["\"9\"", "\"1\""]] {
        let detail = guarded(&door, "PATCH", "groups/ftp", &tags, Some(&patch)).await.refused(400, "bad-request");
        assert!(detail.contains("one ETag") && detail.contains("\"9\""), "{detail}");
    }
    let held = |lines: [&'static str; 2]| lines.map(|line| ("if-none-match", line));
    for path in ["topology", "groups/ftp"] {
        for lines in [["\"9\"", "\"1\""], ["\"1\"", "\"9\""], ["\"8\", W/\"1\"", "\"9\""]] {
            assert_eq!(door.call("GET", path, &held(lines), None).await.status, 304, "{path} {lines:?}");
        }
        assert_eq!(door.call("GET", path, &held(["\"8\"", "\"9\""]), None).await.status, 200);
    }
    let tag = door.get("status").await.etag().to_owned();
    for path in ["status", "status?wait=1ms"] {
        let seen = door.call("GET", path, &[("if-none-match", "\"x\""), ("if-none-match", &tag)], None).await;
        assert_eq!(seen.status, 304, "{path}");
    }
}

#[tokio::test]
async fn a_host_that_was_written_has_the_etag_that_it_is_read_with() {
    let door = Door::with(&site()).await;
    let class = json!({ "kind": "in_process" });
    for (method, path, body, read) in [
        ("PATCH", "hosts/Receive", class.clone(), "hosts/Receive"),
        ("PUT", "hosts/Receive/instances/bts3", json!({}), "hosts/Receive/instances/bts3"),
        ("POST", "hosts/Tracking/cluster", json!({ "group": "ftp" }), "hosts/Tracking"),
    ] {
        let written = door.call(method, path, &[], Some(&body)).await;
        let tag = written.etag().to_owned();
        written.ok();
        assert!(tag.contains('-'), "{tag}");
        assert_eq!(door.get(read).await.etag(), tag, "{method} {path}");
        guarded(&door, "PATCH", "hosts/Receive", &[door.get("hosts/Receive").await.etag()], Some(&class)).await.ok();
    }
}

#[tokio::test]
async fn a_document_that_comes_late_is_late_whatever_else_is_wrong_with_it() {
    let door = Door::with(&site()).await;
    door.patch("groups/ftp", &json!({ "priority": "high" })).await.ok();
    // Two servers that fetch the same files.
    let mut broken = site();
    broken["handlers"][0]["adapter"] = json!("ftp");
    for query in ["", "?dry_run=true"] {
        let path = format!("topology{query}");
        guarded(&door, "PUT", &path, &["\"1\""], Some(&broken)).await.refused(412, "precondition-failed");
        door.post(&format!("/v1/clusters{query}"), &broken).await.refused(412, "precondition-failed");
    }
    door.put("topology", &broken).await.refused(422, "rule-broken");
}

#[tokio::test]
async fn a_version_of_a_cluster_that_is_gone_is_none_of_the_one_that_comes_after_it() {
    let door = Door::with(&site()).await;
    let patch = json!({ "priority": "high" });
    door.patch("groups/ftp", &patch).await.ok();
    let mut tags = Vec::new();
    for path in ["groups/ftp", "topology", "nodes/bts1"] {
        tags.push((path, door.get(path).await.etag().to_owned()));
    }
    let cursor = door.get("changes?limit=1").await.ok()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(door.delete("").await.status, 204);
    let created = door.call("POST", "/v1/clusters", &[("idempotency-key", "k")], Some(&site())).await;
    assert_eq!((created.status.as_u16(), created.etag(), &created.json["generation"]), (201, "\"4\"", &json!(4)));
    let again = door.call("POST", "/v1/clusters", &[("idempotency-key", "k")], Some(&site())).await;
    assert_eq!((again.header("idempotency-replayed"), again.etag()), (Some("true"), "\"4\""));
    assert_eq!(again.json, created.json);
    for (path, tag) in &tags {
        assert_eq!(door.call("GET", path, &[("if-none-match", tag)], None).await.status, 200, "{path}");
        let late = guarded(&door, "PATCH", "groups/ftp", &[tag], Some(&patch)).await;
        assert_eq!(versions(&late), [Some(tag.as_str()), Some("\"4\"")]);
    }
    door.get(&format!("changes?cursor={cursor}")).await.findings();
    // Nobody else writes: what was ahead of the one that is gone stands in nobody's way.
    guarded(&door, "PATCH", "groups/ftp", &["\"4\""], Some(&patch)).await.ok();
}
