//! Is a cluster reigned over that takes the name of another before anybody has looked?

use std::sync::Arc;
use std::time::Duration;

use locum::domain::Term;
use locum::reconciler::{self, Nudge};
use locum::store::memory::MemoryStore;
use locum::store::{Expect, Store};
use tokio_util::sync::CancellationToken;

use crate::support::{WAIT, alice, at, cluster, loops_over, three_nodes};

#[tokio::test]
async fn a_cluster_that_takes_a_name_at_once_gets_a_reign_of_its_own() {
    let mut number = 0;
    let store = Arc::new(MemoryStore::new(move || {
        number += 1;
        [number; 10]
    }));
    let (nudge, nudges) = Nudge::channel();
    let shutdown = CancellationToken::new();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    let running = tokio::spawn(reconciler::run(loops_over(store.clone()), nudges, shutdown.clone()));
    let term = async || store.load(&cluster(), at(1)).await.unwrap().term;
    let reigned = async || {
        let reigned = async {
            while term().await == Term(0) {
                nudge.cluster(&cluster());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(WAIT, reigned).await.is_ok(), "no reign has begun");
    };
    reigned().await;
    // Nothing of this waits, so the loop sees neither of the two moments in between.
    store.delete_cluster(&cluster(), Expect::Anything, &alice(), at(2)).await.unwrap();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(3)).await.unwrap();
    assert_eq!(term().await, Term(0));
    reigned().await;
    shutdown.cancel();
    running.await.unwrap();
}
