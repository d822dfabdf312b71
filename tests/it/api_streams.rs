//! Does whoever follows hear everything, once, in order, from where he was?

use std::sync::Arc;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use locum::domain::{EventKind, GroupState, NewEvent, NodeState, PlacementPhase};
use locum::planner::snapshot::SeenGroup;
use locum::store::memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::door::{Door, site};
use crate::support::hand_clock::HandClock;
use crate::support::{WAIT, at, cluster, group, node};

/// Server-sent events, read one by one.
struct Following {
    body: BodyDataStream,
    text: String,
}

impl Following {
    async fn open(door: &Door, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut all = vec![("accept", "text/event-stream")];
        all.extend(headers);
        let response = door.response("GET", path, &all, None).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next block; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = tokio::time::timeout(WAIT, self.body.next()).await.expect("nothing comes")?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The fields of the next event: its id, its name and its data.
    async fn event(&mut self) -> (String, String, Value) {
        loop {
            let block = self.block().await.expect("the stream ended");
            let field =
                |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(|v| v.trim().to_owned());
            if let Some(data) = field("data:") {
                let event = field("event:").unwrap_or_default();
                return (field("id:").unwrap_or_default(), event, serde_json::from_str(&data).unwrap());
            }
        }
    }
}

async fn happens(door: &Door, second: i64, message: &str) {
    let event = NewEvent { at: at(second), kind: EventKind::NodeUp, subject: "bts1".into(), message: message.into() };
    door.store.append_events(&cluster(), &[event]).await.unwrap();
}

#[tokio::test]
async fn events_come_as_they_happen_and_go_on_after_any_of_them() {
    let door = Door::with(&site()).await;
    let mut first = Following::open(&door, "events?cursor=0", &[]).await;
    assert_eq!(first.event().await.1, "topology_changed");
    let mut now = Following::open(&door, "events", &[]).await;
    for number in 2..5 {
        happens(&door, number, &format!("{number}")).await;
        for following in [&mut first, &mut now] {
            let (id, name, data) = following.event().await;
            assert_eq!((id, name.as_str()), (number.to_string(), "node_up"));
            assert_eq!((&data["sequence"], &data["message"]), (&json!(number), &json!(number.to_string())));
        }
    }
    let mut again = Following::open(&door, "events", &[("last-event-id", "2")]).await;
    assert_eq!((again.event().await.0, again.event().await.0), ("3".to_owned(), "4".to_owned()));
}

#[tokio::test]
async fn many_events_at_once_come_once_each_in_order() {
    let door = Door::with(&site()).await;
    let mut following = Following::open(&door, "events?cursor=0", &[]).await;
    let many: Vec<NewEvent> = (0..1500)
        .map(|_| NewEvent { at: at(1), kind: EventKind::NodeUp, subject: "bts1".into(), message: "up".into() })
        .collect();
    for slice in many.chunks(300) {
        door.store.append_events(&cluster(), slice).await.unwrap();
    }
    for number in 1..=1501 {
        assert_eq!(following.event().await.0, number.to_string());
    }
}

#[tokio::test]
async fn who_goes_on_from_what_is_gone_is_told() {
    let door = Door::with(&site()).await;
    for number in 2..6 {
        happens(&door, number, "up").await;
    }
    door.store.prune(Some(&cluster()), at(401 * 24 * 60 * 60), 99).await.unwrap();
    let mut following = Following::open(&door, "events", &[("last-event-id", "2")]).await;
    let told = loop {
        let block = following.block().await.expect("the stream ended");
        if block.contains("data:") {
            break block;
        }
    };
    assert!(told.contains("event: gap") && told.contains("events 3 to 4 are gone"), "{told}");
    assert_eq!(following.event().await.0, "5");
    happens(&door, 6, "up").await;
    assert_eq!(following.event().await.0, "6");
    let page = door.get("events?cursor=0").await.ok();
    let numbers: Vec<_> = page["items"].as_array().unwrap().iter().map(|event| event["sequence"].clone()).collect();
    assert_eq!(numbers, [5, 6]);
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let door = Door::with(&site()).await;
    let accept = ("accept", "text/event-stream");
    let call = async |path: &str, id: &str| door.call("GET", path, &[accept, ("last-event-id", id)], None).await;
    let detail = call("events", "yesterday").await.refused(400, "bad-request");
    assert_eq!(detail, "Last-Event-ID is the number of an event, not \"yesterday\"");
    let nowhere = door.response("GET", "/v1/clusters/nope/events", &[accept], None).await;
    assert_eq!(nowhere.status(), 404);
}

#[tokio::test]
async fn the_status_comes_again_when_it_changes() {
    let door = Door::with(&site()).await;
    let mut following = Following::open(&door, "status", &[]).await;
    let (id, name, status) = following.event().await;
    assert_eq!((name.as_str(), &status["etag"]), ("status", &json!(id)));
    assert_eq!(format!("\"{id}\""), door.get("status").await.etag());
    door.look(|snapshot| snapshot.nodes.get_mut(&node("bts3")).unwrap().seen.state = NodeState::Down).await;
    let (next, _, status) = following.event().await;
    assert_ne!(next, id);
    assert_eq!(status["nodes"][2]["state"], "down");
    assert_eq!(door.get("status").await.ok(), status);
}

/// Nothing else happens on the machine: so the time that passes is that of the heartbeat.
#[tokio::test(start_paused = true)]
async fn something_comes_every_fifteen_seconds() {
    let store = Arc::new(MemoryStore::new(|| [7; 10]));
    let door = Door::over(store, Arc::new(HandClock::default()), &site()).await;
    for path in ["events", "status"] {
        let mut following = Following::open(&door, path, &[]).await;
        while following.block().await.is_some_and(|block| !block.contains(": locum")) {}
        if path == "status" {
            following.event().await;
        }
        for _ in 0..3 {
            let before = tokio::time::Instant::now();
            assert_eq!(following.block().await.as_deref(), Some(":"), "a comment, which no reader is shown");
            assert_eq!(before.elapsed().as_secs(), 15);
        }
    }
}

#[tokio::test]
async fn a_group_is_active_on_one_node_only() {
    let door = Door::with(&site()).await;
    let asked = async |path: &str| door.get(&format!("groups/ftp/active{path}")).await;
    asked("").await.refused(404, "not-active");
    door.look(|snapshot| {
        let ftp = snapshot.groups.get_mut(&group("ftp")).unwrap();
        (ftp.placement.phase, ftp.placement.last_owner) = (PlacementPhase::Held, Some(node("bts2")));
        let running = SeenGroup {
            epoch: ftp.placement.epoch,
            state: GroupState::Online,
            running: true,
            begun_at: None,
            online_at: None,
            failure: None,
            resources: Vec::new(),
        };
        snapshot.nodes.get_mut(&node("bts2")).unwrap().seen.groups.insert(group("ftp"), running);
    })
    .await;
    assert_eq!(asked("").await.ok()["owner"], "bts2");
    assert_eq!(asked("?node=bts2").await.ok()["group"], "ftp");
    for other in ["bts1", "bts3", "bts9"] {
        assert!(asked(&format!("?node={other}")).await.refused(404, "not-active").contains("on bts2"));
    }
    door.get("groups/nope/active").await.refused(404, "not-found");
}

#[tokio::test]
async fn who_follows_a_name_follows_the_cluster_that_comes_after_it() {
    let door = Door::with(&site()).await;
    let mut events = Following::open(&door, "events", &[("last-event-id", "0")]).await;
    assert_eq!(events.event().await.0, "1");
    door.delete("").await;
    assert_eq!(events.event().await.0, "2");
    door.put("topology", &site()).await.ok();
    let (id, _, told) = events.event().await;
    assert_eq!((id.as_str(), &told["kind"]), ("3", &json!("topology_changed")));
    // Who comes back from the one before learns that its events are gone.
    let mut late = Following::open(&door, "events", &[("last-event-id", "1")]).await;
    assert!(late.block().await.unwrap().contains("id: 1\n"));
    let gap = late.block().await.unwrap();
    assert!(gap.contains("event: gap") && gap.contains("event 2 is gone"), "{gap}");
    assert_eq!(late.event().await.0, "3");
}

#[tokio::test]
async fn who_is_ahead_of_what_there_is_is_told_so_and_misses_nothing() {
    let door = Door::with(&site()).await;
    let mut ahead = Following::open(&door, "events", &[("last-event-id", "9")]).await;
    // Who is cut off before anything comes goes on from here.
    assert!(ahead.block().await.unwrap().contains("id: 1\n"));
    let told = ahead.block().await.unwrap();
    assert!(told.contains("event: gap") && told.contains("there is no event 9: the newest is 1"), "{told}");
    happens(&door, 1, "again").await;
    assert_eq!(ahead.event().await.0, "2");
    assert_eq!(door.get("events?cursor=9").await.findings(), [(String::new(), "bad_cursor".to_owned())]);
    assert_eq!(door.get("events?cursor=2").await.ok()["items"], json!([]));
    let limited = door.call("GET", "events?limit=3", &[("accept", "text/event-stream")], None).await;
    limited.refused(400, "bad-request");
}
