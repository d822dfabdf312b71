//! Does whoever follows over a real socket hear every event once, though he reads slowly, comes late or finds another server?

use std::sync::Arc;
use std::time::Duration;

use locum::server::connections::Limits;

use crate::support::hand_clock::HandClock;
use crate::support::served::Served;
use crate::support::wire::{Told, Wire};
use crate::support::{WAIT, at};

const EVENTS: &str = "/v1/clusters/c/events";

/// A caller that reads nothing is let go after this.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than what waits on the way to a reader: 256 messages and what the sockets hold.
const MANY: usize = 4_000;

async fn start(folder: &tempfile::TempDir, clock: &Arc<HandClock>, limits: Limits) -> Served {
    Served::start(folder.path(), clock.clone(), limits).await
}

/// Large ones, in some commits.
async fn much_happens(served: &Served) {
    let message = "x".repeat(2_000);
    for _ in 0..8 {
        served.happen(MANY / 8, &message).await;
    }
}

async fn follower(mut wire: Wire, after: u64) -> Wire {
    wire.follow(EVENTS, &format!("last-event-id: {after}\r\n")).await;
    wire
}

/// Checks that the numbers from `first` to `last` come, each once and in order.
async fn hears(wire: &mut Wire, first: u64, last: u64) {
    for number in first..=last {
        let told = wire.told().await.expect("the stream ended");
        assert_eq!(told.id, number.to_string(), "{}", told.event);
    }
}

#[tokio::test]
async fn who_does_not_read_is_let_go_and_goes_on_later_without_a_gap() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let served = start(&folder, &clock, Limits::default()).await;
    let mut slow = follower(Wire::narrow(served.address).await, 0).await;
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(follower(Wire::to(served.address).await, 0).await);
    }
    let all = MANY as u64 + 1;
    // No time passes meanwhile: nobody is held up by the one who does not read.
    let reading = futures_util::future::join_all(others.iter_mut().map(|wire| hears(wire, 1, all)));
    tokio::join!(much_happens(&served), reading);
    clock.until_asleep(1, PATIENCE).await;
    clock.advance(PATIENCE);

    let mut heard = 0;
    let dropped: Told = loop {
        let told = slow.told().await.expect("it is told why it is let go");
        if told.event == "dropped" {
            break told;
        }
        heard += 1;
        assert_eq!(told.id, heard.to_string());
    };
    assert!((1..all).contains(&heard), "{heard}");
    assert!(dropped.data.ends_with(&format!("Last-Event-ID: {heard}")), "{dropped:?}");
    assert!(slow.told().await.is_none(), "that was the last word");
    assert_eq!(slow.get("/healthz", "").await.status, 200, "the connection is as good as before");

    let mut again = follower(Wire::to(served.address).await, heard).await;
    hears(&mut again, heard + 1, all).await;
    served.happen(1, "new").await;
    for wire in others.iter_mut().chain([&mut again]) {
        hears(wire, all + 1, all + 1).await;
    }
}

#[tokio::test]
async fn who_never_reads_holds_no_connection() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let limits = Limits { unread: Duration::from_millis(300), ..Limits::default() };
    let served = start(&folder, &clock, limits).await;
    let slow = follower(Wire::narrow(served.address).await, 0).await;
    let mut other = Wire::to(served.address).await;
    much_happens(&served).await;
    let gone = async {
        while !other.get("/metrics", "").await.body.contains("locum_http_connections 1\n") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(WAIT, gone).await.expect("the connection is held");
    drop(slow);
}

#[tokio::test]
async fn a_stream_goes_on_after_a_year_and_over_another_server() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let served = start(&folder, &clock, Limits::default()).await;
    let mut wire = follower(Wire::to(served.address).await, 0).await;
    served.happen(5, "before").await;
    hears(&mut wire, 1, 6).await;
    drop(wire);

    clock.advance(Duration::from_secs(365 * 24 * 3_600));
    served.happen(5, "a year later").await;
    let mut wire = follower(Wire::to(served.address).await, 4).await;
    hears(&mut wire, 5, 11).await;
    served.happen(5, "live").await;
    hears(&mut wire, 12, 16).await;
    served.end().await;
    assert!(wire.told().await.is_none(), "a server that stops ends its streams");

    let served = start(&folder, &clock, Limits::default()).await;
    served.happen(5, "after").await;
    let mut wire = follower(Wire::to(served.address).await, 16).await;
    hears(&mut wire, 17, 20).await;
    let last: serde_json::Value = serde_json::from_str(&wire.told().await.unwrap().data).unwrap();
    let moment: jiff::Timestamp = last["at"].as_str().unwrap().parse().unwrap();
    assert_eq!((&last["sequence"], moment), (&21.into(), at(365 * 24 * 3_600)));
}
