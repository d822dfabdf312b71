//! Do two who edit at once hear of each other, and is a call that is made twice done once?

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::door::{Door, Seen, site};
use crate::support::hand_clock::HandClock;

async fn keyed(door: &Door, path: &str, key: &str, body: &Value) -> Seen {
    door.call("POST", path, &[("idempotency-key", key)], Some(body)).await
}

#[tokio::test]
async fn an_action_that_is_asked_for_again_under_its_key_is_one_operation() {
    let door = Door::with(&site()).await;
    let body = json!({ "reason": "patching" });
    let first = keyed(&door, "nodes/bts1/pause", "k-1", &body).await;
    let again = keyed(&door, "nodes/bts1/pause", "k-1", &body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (202, 202));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    assert_eq!(first.json["id"], again.json["id"]);
    let other = keyed(&door, "nodes/bts1/pause", "k-2", &body).await.ok();
    assert_ne!(other["id"], first.json["id"]);
    let all = door.at("/v1/operations?cluster=c").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    // What it began tells more by now.
    assert_eq!(keyed(&door, "nodes/bts1/pause", "k-1", &body).await.ok()["state"], "superseded");
}

#[tokio::test]
async fn a_key_belongs_to_one_call() {
    let door = Door::with(&site()).await;
    keyed(&door, "nodes/bts1/pause", "k-1", &json!({})).await.ok();
    for (path, body) in
        [("nodes/bts1/pause", json!({ "reason": "other" })), ("nodes/bts2/pause", json!({})), ("plan", json!({}))]
    {
        let detail = keyed(&door, path, "k-1", &body).await.refused(422, "key-reused");
        assert!(detail.contains("k-1"), "{detail}");
    }
    keyed(&door, "nodes/bts1/pause?dry_run=true", "k-1", &json!({})).await.refused(422, "key-reused");
    for bad in ["", "two words"] {
        keyed(&door, "nodes/bts1/pause", bad, &json!({})).await.refused(400, "bad-request");
    }
    // What is refused is not remembered: once mended it may come again.
    keyed(&door, "nodes/nope/pause", "k-3", &json!({})).await.refused(404, "not-found");
    keyed(&door, "nodes/bts2/pause", "k-3", &json!({})).await.ok();
}

#[tokio::test]
async fn a_change_that_is_made_again_is_answered_as_the_first_time() {
    let door = Door::with(&site()).await;
    let body = json!({ "reason": "disks", "for": "2h" });
    let first = keyed(&door, "groups/ftp/maintenance", "m-1", &body).await;
    door.delete("groups/ftp/maintenance").await.ok();
    let generation = door.get("topology").await.etag().to_owned();
    let again = keyed(&door, "groups/ftp/maintenance", "m-1", &body).await;
    assert_eq!((again.etag(), &again.json), (first.etag(), &first.json));
    assert_eq!(door.get("topology").await.etag(), generation, "nothing was done a second time");
    // A question is answered anew, since it changes nothing.
    let asked = keyed(&door, "groups/ftp/maintenance?dry_run=true", "m-2", &body).await.ok();
    assert_eq!((&asked["dry_run"], &asked["changed"]), (&json!(true), &json!(true)));
    keyed(&door, "groups/ftp/maintenance", "m-2", &body).await.refused(422, "key-reused");
}

#[tokio::test]
async fn of_many_that_make_the_same_call_at_once_one_does_it() {
    let door = Door::with(&site()).await;
    let (body, path) = (json!({ "reason": "x", "for": "1h" }), "nodes/bts1/maintenance");
    let calls = (0..8).map(|_| keyed(&door, path, "same", &body));
    let answers = futures_util::future::join_all(calls).await;
    let first = &answers[0];
    assert!(answers.iter().all(|seen| seen.status.is_success() && seen.json == first.json), "{answers:?}");
    assert_eq!(door.get("topology").await.etag(), first.etag());
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day() {
    let clock = Arc::new(HandClock::default());
    let door = Door::by(&site(), clock.clone()).await;
    let (first, other) = (json!({ "reason": "disks" }), json!({ "reason": "patches" }));
    let before = keyed(&door, "nodes/bts1/pause", "k-1", &first).await.ok();
    clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert_eq!(keyed(&door, "nodes/bts1/pause", "k-1", &first).await.ok()["id"], before["id"]);
    keyed(&door, "nodes/bts2/pause", "k-1", &other).await.refused(422, "key-reused");
    clock.advance(Duration::from_secs(1));
    let after = keyed(&door, "nodes/bts2/pause", "k-1", &other).await;
    assert_eq!((after.status.as_u16(), after.header("idempotency-replayed")), (202, None));
    keyed(&door, "nodes/bts1/pause", "k-1", &first).await.refused(422, "key-reused");
}

#[tokio::test]
async fn who_comes_late_learns_both_versions() {
    let door = Door::with(&site()).await;
    let before = door.get("groups/ftp").await.etag().to_owned();
    let patch = json!({ "failover": { "max_failovers": 5 } });
    let write = async |tag: &str| door.call("PATCH", "groups/ftp", &[("if-match", tag)], Some(&patch)).await;
    let now = write(&before).await.etag().to_owned();
    assert_ne!(before, now);
    let late = door.call("DELETE", "groups/ftp", &[("if-match", &before)], None).await;
    assert_eq!((&late.json["expected"], &late.json["actual"]), (&json!(before), &json!(now)));
    assert!(late.refused(412, "precondition-failed").contains("read it again"));
    // Of a script whose variable was empty: it must not overwrite what nobody looked at.
    door.call("DELETE", "groups/ftp", &[("if-match", "")], None).await.refused(428, "precondition-required");
    door.call("DELETE", "groups/ftp", &[("if-match", "7")], None).await.refused(400, "bad-request");
}

#[tokio::test]
async fn a_cluster_may_ask_its_writers_what_they_expect() {
    let door = Door::with(&site()).await;
    let mut strict = site();
    strict["policy"]["require_if_match"] = json!(true);
    door.put("topology", &strict).await.ok();
    let patch = json!({ "failover": { "max_failovers": 5 } });
    let silent = door.patch("groups/ftp", &patch).await;
    let group = door.get("groups/ftp").await.etag().to_owned();
    assert_eq!((&silent.json["actual"], silent.json.get("expected")), (&json!(group), None));
    assert!(silent.refused(428, "precondition-required").contains("If-Match"));
    door.put("topology", &site()).await.refused(428, "precondition-required");
    door.delete("groups/ftp").await.refused(428, "precondition-required");
    // A question overwrites nothing, nor does an operator's action.
    door.put("topology?dry_run=true", &site()).await.ok();
    door.post("nodes/bts1/pause", &json!({})).await.ok();
    let tag = door.get("groups/ftp").await.etag().to_owned();
    door.call("PATCH", "groups/ftp", &[("if-match", &tag)], Some(&patch)).await.ok();
}

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent_again() {
    let door = Door::with(&site()).await;
    for path in ["topology", "groups/ftp", "groups", "nodes", "hosts/Receive", "hosts", "handlers", ""] {
        let tag = door.get(path).await.etag().to_owned();
        let same = door.call("GET", path, &[("if-none-match", &tag)], None).await;
        assert_eq!((same.status.as_u16(), same.etag(), &same.json), (304, tag.as_str(), &Value::Null), "{path}");
        let other = door.call("GET", path, &[("if-none-match", "\"x\"")], None).await;
        assert_eq!(other.status, 200, "{path}");
    }
    let tag = door.get("groups/ftp").await.etag().to_owned();
    door.patch("groups/ftp", &json!({ "failover": { "max_failovers": 5 } })).await.ok();
    assert_eq!(door.call("GET", "groups/ftp", &[("if-none-match", &tag)], None).await.status, 200);
}

/// With an empty query it goes through all routes; without one it is answered before them.
#[tokio::test]
async fn the_short_way_to_the_status_comes_to_the_same_as_the_long_one() {
    let door = Door::with(&site()).await;
    let tag = door.get("status").await.etag().to_owned();
    let (weak, several) = (format!("W/{tag}"), format!("\"x\", {tag}"));
    let held = ["\"x\"", &tag, &weak, &several, "*", "nothing"].map(|held| vec![("if-none-match", held)]);
    let others = [vec![], vec![("accept", "application/json")], vec![("accept", "*/*"), ("if-none-match", &*tag)]];
    let mut statuses = Vec::new();
    for headers in held.into_iter().chain(others) {
        for method in ["GET", "HEAD", "DELETE"] {
            let (short, long) =
                (door.call(method, "status", &headers, None).await, door.call(method, "status?", &headers, None).await);
            assert_eq!(format!("{short:?}"), format!("{long:?}"), "{method} {headers:?}");
            statuses.push(short.status.as_u16());
        }
    }
    for status in [200, 304, 405] {
        assert!(statuses.contains(&status), "{statuses:?}");
    }
    for path in ["/v1/clusters/nobody/status", "/v1/clusters/no body/status".replace(' ', "%20").as_str()] {
        door.call("GET", path, &[("if-none-match", "*")], None).await.refused(404, "not-found");
    }
    assert_eq!(door.get("/v1/clusters/%63/status").await.etag(), tag, "a name may be written in other ways");
}

/// Numbers alone do not tell: the pause makes the generation that the first of the two was to make.
#[tokio::test]
async fn what_rests_on_a_change_that_never_came_overwrites_nothing_that_came_instead() {
    for _ in 0..8 {
        let door = Door::with(&site()).await;
        let (first, second) = (json!({ "fault_domain": "rack-a" }), json!({ "fault_domain": "rack-b" }));
        let nothing = json!({});
        let (paused, a, b) = tokio::join!(
            door.post("nodes/bts3/pause", &nothing),
            door.patch("nodes/bts1", &first),
            door.patch("nodes/bts2", &second),
        );
        assert!([&paused, &a, &b].iter().all(|seen| seen.status.is_success()));
        let nodes = door.get("topology").await.ok()["nodes"].clone();
        let told = |index: usize, field: &str| nodes[index][field].as_str().map(str::to_owned);
        assert_eq!(told(2, "wanted").as_deref(), Some("paused"), "{nodes}");
        assert_eq!([told(0, "fault_domain"), told(1, "fault_domain")].map(Option::unwrap), ["rack-a", "rack-b"]);
    }
}

#[tokio::test]
async fn who_is_refused_behind_one_who_has_gone_learns_why() {
    let mut versions = Vec::new();
    for polls in 1..12 {
        let door = Door::with(&site()).await;
        let patch = json!({ "fault_domain": "rack-a" });
        // From then on a writer waits for nothing but the disk.
        door.patch("nodes/bts2", &patch).await.ok();
        {
            // Somewhere on the way to the disk its caller hangs up.
            let mut gone = std::pin::pin!(door.patch("nodes/bts1", &patch));
            for _ in 0..polls {
                let _ = std::future::poll_fn(|context| std::task::Poll::Ready(gone.as_mut().poll(context))).await;
            }
        }
        let late = door.call("PATCH", "nodes/bts1", &[("if-match", "\"9\"")], Some(&patch)).await;
        versions.push(late.json["actual"].as_str().unwrap_or_default().to_owned());
        late.refused(412, "precondition-failed");
    }
    assert!(versions.iter().any(|version| version == "\"3\""), "{versions:?}");
}
