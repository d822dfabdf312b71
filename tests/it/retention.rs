//! Is what is old removed while the server runs, and is whoever follows events told?

use std::sync::Arc;
use std::time::Duration;

use locum::reconciler::retention;
use locum::store::{EventFilter, Expect, Store};
use tokio_util::sync::CancellationToken;

use crate::store::{backends, event};
use crate::support::hand_clock::HandClock;
use crate::support::{WAIT, alice, at, cluster, three_nodes};

const DAY: i64 = 24 * 60 * 60;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Waits until these are the numbers of the events that are left.
async fn left(store: &Arc<dyn Store>, expected: &[u64]) {
    let seen = async || {
        while numbers(store).await != expected {
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(WAIT, seen()).await;
    assert!(found.is_ok(), "{expected:?} are to be left, and {:?} are", numbers(store).await);
}

async fn numbers(store: &Arc<dyn Store>) -> Vec<u64> {
    store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap().iter().map(|event| event.sequence).collect()
}

#[tokio::test]
async fn what_is_old_goes_at_once_and_then_every_hour() {
    let opened = backends::sqlite().await;
    let store = opened.store();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    let gone = locum::domain::TopologySpec { cluster: "gone".parse().unwrap(), ..three_nodes() };
    store.put_topology(&gone, Expect::Absent, &alice(), at(0)).await.unwrap();
    store.delete_cluster(&gone.cluster, Expect::Anything, &alice(), at(1)).await.unwrap();
    store.append_events(&cluster(), &[event(100, 1), event(3_000, 2), event(8_000, 3)]).await.unwrap();
    let clock = Arc::new(HandClock::new(at(400 * DAY + 200)));
    let stop = CancellationToken::new();
    let running = tokio::spawn(retention::keep(store.clone(), clock.clone(), stop.clone()));
    clock.until_anybody_sleeps().await;
    assert_eq!(numbers(&store).await, [3, 4]);
    assert_eq!(
        store.events(&gone.cluster, &EventFilter::after(0, 9)).await.unwrap().len(),
        1,
        "what is gone leaves only its end"
    );
    clock.advance(HOUR - Duration::from_secs(1));
    clock.until_anybody_sleeps().await;
    assert_eq!(numbers(&store).await, [3, 4]);
    clock.advance(Duration::from_secs(1));
    left(&store, &[4]).await;
    stop.cancel();
    running.await.unwrap();
}
