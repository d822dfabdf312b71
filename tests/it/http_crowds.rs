//! Is everybody served who comes: ten thousand connections, a thousand dashboards, two who edit at once?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use locum::domain::NodeState;
use locum::server::connections::{self, Limits};
use serde_json::{Value, json};

use crate::support::hand_clock::HandClock;
use crate::support::parts::Part;
use crate::support::served::Served;
use crate::support::wire::Wire;
use crate::support::{cluster, three_nodes};

const STATUS: &str = "/v1/clusters/c/status";
const TOPOLOGY: &str = "/v1/clusters/c/topology";

/// So many are begun at the same time.
const AT_ONCE: usize = 64;

async fn many(how_many: usize, address: SocketAddr) -> Vec<Wire> {
    stream::iter(0..how_many).map(|_| Wire::to(address)).buffer_unordered(AT_ONCE).collect().await
}

async fn all_are_answered(wires: &mut [Wire]) {
    let asked = wires.iter_mut().map(|wire| wire.get("/healthz", ""));
    let heard = stream::iter(asked).buffer_unordered(AT_ONCE);
    heard.for_each(async |heard| assert_eq!(heard.status, 200)).await;
}

async fn put(wire: &mut Wire, tag: &str, document: &Value) -> (u16, String) {
    let body = document.to_string();
    let head = format!("PUT {TOPOLOGY} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{tag}");
    wire.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await.unwrap();
    let heard = wire.heard().await;
    (heard.status, heard.etag)
}

/// `three_nodes` with another budget of its group.
fn with_budget(budget: u64) -> Value {
    let mut document = serde_json::to_value(three_nodes()).unwrap();
    document["groups"][0]["failover"]["max_failovers"] = json!(budget);
    document
}

#[tokio::test]
async fn ten_thousand_connections_are_held_and_all_of_them_are_told() {
    // Each has an end here too; on a machine that allows fewer there are fewer.
    let half = connections::room().saturating_sub(100).min(10_000) / 2;
    let folder = tempfile::tempdir().unwrap();
    let server = Part::server(folder.path());
    let mut writer = Wire::to(server.address()).await;
    assert_eq!(put(&mut writer, "", &with_budget(1)).await.0, 201);
    let before = server.memory("VmRSS");
    let mut following = many(half, server.address()).await;
    let followed = following.iter_mut().map(|wire| wire.follow("/v1/clusters/c/events", ""));
    stream::iter(followed).buffer_unordered(AT_ONCE).collect::<()>().await;
    let mut idle = many(half, server.address()).await;
    all_are_answered(&mut idle).await;
    let each = server.memory("VmRSS").saturating_sub(before) / (2 * half);
    println!("{half} streams and {half} idle connections: {each} bytes of memory each");
    assert!(each < 64 * 1024, "{each}");

    // A new caller is answered, and what it changes is told to everybody who follows.
    let mut new = Wire::to(server.address()).await;
    assert_eq!(new.get(STATUS, "").await.status, 200);
    assert_eq!(put(&mut new, "", &with_budget(2)).await.0, 200);
    let told = following
        .iter_mut()
        .map(async |wire| while wire.told().await.expect("the stream goes on").event != "topology_changed" {});
    stream::iter(told).buffer_unordered(AT_ONCE).collect::<()>().await;
    // All of them are still there, and the two that wrote.
    let metrics = writer.get("/metrics", "").await.body;
    assert!(metrics.contains(&format!("locum_http_connections {}\n", 2 * half + 2)), "{metrics}");
    drop(idle);
}

#[tokio::test]
async fn a_thousand_dashboards_see_a_change_once_each() {
    connections::room();
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let served = Served::start(folder.path(), clock.clone(), Limits::default()).await;
    let mut wires = many(1_000, served.address).await;
    let first = join_all(wires.iter_mut().map(|wire| wire.get(STATUS, ""))).await;
    assert!(first.iter().all(|heard| heard.status == 200 && heard.etag == first[0].etag));
    let ask_for_next = async |etag: &str, wires: &mut Vec<Wire>| {
        let path = format!("{STATUS}?wait=60s&since={}", etag.trim_matches('"'));
        let held = format!("if-none-match: {etag}\r\n");
        join_all(wires.iter_mut().map(|wire| wire.ask(&path, &held))).await;
        clock.until_asleep(1_000, Duration::from_secs(60)).await;
    };

    ask_for_next(&first[0].etag, &mut wires).await;
    served.look(NodeState::Down).await;
    let rendered = served.boards.view(&cluster()).unwrap();
    let second = join_all(wires.iter_mut().map(Wire::heard)).await;
    assert!(second.iter().all(|heard| (heard.status, &heard.body[..]) == (200, &*rendered.body)));

    // There is nothing more to see: who has it already is told so, now or after the wait.
    let etag = &rendered.etag;
    let held = format!("if-none-match: {etag}\r\n");
    let same = join_all(wires.iter_mut().map(|wire| wire.get(STATUS, &held))).await;
    ask_for_next(etag, &mut wires).await;
    clock.advance(Duration::from_secs(60));
    let waited = join_all(wires.iter_mut().map(Wire::heard)).await;
    assert!(same.iter().chain(&waited).all(|heard| (heard.status, &heard.etag) == (304, etag)));
    let last = served.boards.view(&cluster()).unwrap();
    assert!(Arc::ptr_eq(&rendered, &last), "all these answers are of one rendering");
}

#[tokio::test]
async fn two_portals_that_edit_at_once_lose_no_edit() {
    let folder = tempfile::tempdir().unwrap();
    let server = Part::server(folder.path());
    let mut wire = Wire::to(server.address()).await;
    assert_eq!(put(&mut wire, "if-none-match: *\r\n", &with_budget(1)).await.0, 201);
    // Each adds one to what it has read, twenty times.
    let portal = async || {
        let (mut wire, mut late) = (Wire::to(server.address()).await, 0);
        for _ in 0..20 {
            loop {
                let read = wire.get(TOPOLOGY, "").await;
                let budget = read.json()["groups"][0]["failover"]["max_failovers"].as_u64().unwrap();
                match put(&mut wire, &format!("if-match: {}\r\n", read.etag), &with_budget(budget + 1)).await {
                    (200, _) => break,
                    (412, _) => late += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
        late
    };
    let late = tokio::join!(portal(), portal());
    println!("came late: {late:?}");
    let last = wire.get(TOPOLOGY, "").await;
    assert_eq!(last.json()["groups"][0]["failover"]["max_failovers"], 41);
    assert_eq!(last.etag, "\"41\"", "each edit is a generation, and nothing else is");
}
