//! Can a store in memory be put back to what it was?

use std::time::Duration;

use locum::domain::{Decision, Term};
use locum::store::{EventFilter, Expect, Store};

use crate::store::backends::memory_store;
use crate::support::{alice, at, cluster, id, three_nodes};

#[tokio::test]
async fn a_restored_backup_is_what_was_kept_then() {
    let store = memory_store();
    let empty = store.backup();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    let least = (Term(0), Decision(0));
    let first = store.begin_reign(&cluster(), id(1), least, Duration::ZERO, at(1)).await.unwrap();
    let (before, events) = (
        store.load(&cluster(), at(9)).await.unwrap(),
        store.events(&cluster(), &EventFilter::after(0, 9)).await.unwrap(),
    );
    let backup = store.backup();

    let mut edited = three_nodes();
    edited.nodes.pop();
    store.put_topology(&edited, Expect::Anything, &alice(), at(2)).await.unwrap();
    store.begin_reign(&cluster(), id(2), least, Duration::ZERO, at(3)).await.unwrap();
    assert_ne!(store.load(&cluster(), at(9)).await.unwrap(), before);

    store.restore(&backup);
    assert_eq!(store.load(&cluster(), at(9)).await.unwrap(), before);
    assert_eq!(store.events(&cluster(), &EventFilter::after(0, 9)).await.unwrap(), events);
    let again = store.begin_reign(&cluster(), id(3), least, Duration::ZERO, at(4)).await.unwrap();
    assert_eq!((again.cluster_id, again.term), (first.cluster_id, first.term.next()), "the same term a second time");

    store.restore(&empty);
    assert!(store.clusters().await.unwrap().is_empty());
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(5)).await.unwrap();
    assert_ne!(store.clusters().await.unwrap()[0].id, first.cluster_id, "another cluster of that name");
}
