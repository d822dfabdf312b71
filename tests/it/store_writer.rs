//! Does what many writers send to one database at once come out as if each had been alone?

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::join_all;
use locum::domain::{ChangeAction, EventKind, Generation, NewEvent};
use locum::store::{Accepted, Error, EventFilter, Expect, Replacement, Store, sql};

use crate::store_file::{execute, url};
use crate::support::{alice, at, cluster, three_nodes};

async fn opened(folder: &tempfile::TempDir) -> Arc<sql::SqlStore> {
    let store = sql::open(&url(folder)).await.unwrap();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    Arc::new(store)
}

fn event(message: &str) -> NewEvent {
    NewEvent { at: at(1), kind: EventKind::NodeUp, subject: "bts1".to_owned(), message: message.to_owned() }
}

/// The change that makes the generation after `on`.
fn change(on: u64) -> Replacement {
    let mut spec = three_nodes();
    spec.nodes[0].agent = format!("http://127.0.0.1:{}", 1000 + on);
    let (action, actor) = (ChangeAction::PutNode, alice());
    let (message, object) = ("put node bts1".to_owned(), "nodes/bts1".to_owned());
    let spec = spec.into();
    let (id, after) = (uuid::Uuid::now_v7(), None);
    Replacement { spec, id, on: Generation(on), after, action, message, object, actor, at: at(2), answer: None }
}

/// The messages of all events, which are numbered without gaps.
async fn messages(store: &sql::SqlStore) -> Vec<String> {
    let events = store.events(&cluster(), &EventFilter::after(0, 10_000)).await.unwrap();
    let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<u64>>());
    events.into_iter().map(|event| event.message).collect()
}

#[tokio::test]
async fn what_comes_together_is_all_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder).await;
    let say = |number: usize| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.append_events(&cluster(), &[event(&format!("said {number}"))]).await })
    };
    for said in join_all((0..300).map(say)).await {
        said.unwrap().unwrap();
    }
    let told = messages(&store).await;
    store.close().await;
    drop(store);
    let store = sql::open(&url(&folder)).await.unwrap();
    assert_eq!(messages(&store).await, told);
    assert!((0..300).all(|number| told.contains(&format!("said {number}"))));
}

#[tokio::test]
async fn what_the_database_refuses_leaves_nothing_of_those_who_share_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder).await;
    let path = folder.path().join("locum.db");
    execute(
        &path,
        "create trigger poison before insert on events when new.message = 'poison'
        begin select raise(abort, 'poisoned'); end",
    )
    .await;
    let say = |number: usize| {
        let (store, poisoned) = (Arc::clone(&store), number % 10 == 7);
        let message = if poisoned { "poison".to_owned() } else { format!("said {number}") };
        async move { (store.append_events(&cluster(), &[event(&message)]).await, message) }
    };
    let said = join_all((0..100).map(say)).await;
    let kept = messages(&store).await;
    for (said, message) in &said {
        match said {
            Ok(()) => assert!(kept.contains(message), "{message} was accepted and is gone"),
            Err(Error::Database(_)) => assert!(!kept.contains(message), "{message} was refused and is there"),
            Err(other) => panic!("{message}: {other}"),
        }
    }
    assert!(said.iter().filter(|(_, message)| message == "poison").all(|(said, _)| said.is_err()));
    execute(&path, "drop trigger poison").await;
    store.append_events(&cluster(), &[event("poison")]).await.unwrap();
    assert_eq!(messages(&store).await.len(), kept.len() + 1);
}

/// Lets a write take its place, and does not wait for it.
async fn begun<F: Future + Unpin>(write: &mut F) {
    assert!(poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *write).poll(context))).await.is_pending());
}

#[tokio::test]
async fn writes_take_effect_in_the_order_of_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder).await;
    let changes: Vec<Replacement> = (1..=20).map(change).collect();
    let mut writes: Vec<_> = changes.iter().map(|change| store.replace_topology(change)).collect();
    for write in &mut writes {
        begun(write).await;
    }
    // Waited for in another order than begun.
    writes.reverse();
    for (number, written) in (0..).zip(join_all(writes).await) {
        let expected = Accepted { created: false, changed: true, generation: Generation(21 - number) };
        assert_eq!(written.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder).await;
    let abandoned = change(1);
    let mut write = store.replace_topology(&abandoned);
    begun(&mut write).await;
    drop(write);
    store.replace_topology(&change(2)).await.unwrap();
    assert_eq!(store.topology(&cluster()).await.unwrap().generation, Generation(3));
}

#[tokio::test]
async fn closing_waits_for_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder).await;
    let changes: Vec<Replacement> = (1..=5).map(change).collect();
    let mut writes: Vec<_> = changes.iter().map(|change| store.replace_topology(change)).collect();
    for write in &mut writes {
        begun(write).await;
    }
    store.close().await;
    for written in join_all(writes).await {
        written.unwrap();
    }
    assert!(matches!(store.replace_topology(&change(6)).await, Err(Error::Database(_))), "it is closed");
    drop(store);
    let store = sql::open(&url(&folder)).await.unwrap();
    assert_eq!(store.topology(&cluster()).await.unwrap().generation, Generation(6));
}

#[tokio::test]
async fn what_another_program_writes_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder).await;
    store.replace_topology(&change(1)).await.unwrap();
    execute(&folder.path().join("locum.db"), "update clusters set generation = 40").await;
    let written = store.replace_topology(&change(2)).await;
    assert!(matches!(written, Err(Error::Conflict { actual: Generation(40), .. })), "{written:?}");
    assert_eq!(store.topology(&cluster()).await.unwrap().generation, Generation(40));
}
