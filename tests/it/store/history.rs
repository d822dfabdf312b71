//! Is what happened numbered, and found again?

use locum::store::{Acknowledgement, KeptAnswer};

use super::*;

pub async fn events_are_numbered_without_gaps(store: Arc<dyn Store>) {
    reigned(&store).await;
    let seen = |subject: &str| NewEvent {
        at: at(3),
        kind: EventKind::NodeUp,
        subject: subject.to_owned(),
        message: format!("{subject} answers"),
    };
    store.append_events(&cluster(), &[seen("bts1"), seen("bts2")]).await.unwrap();
    store.append_events(&cluster(), &[seen("bts3")]).await.unwrap();
    let page = store.events(&cluster(), &EventFilter::after(2, 2)).await.unwrap();
    let page: Vec<_> = page.iter().map(|event| (event.sequence, event.subject.as_str())).collect();
    assert_eq!(page, [(3, "bts1"), (4, "bts2")]);
    assert_eq!(store.events(&cluster(), &EventFilter::after(4, 9)).await.unwrap().len(), 1);
}

pub async fn events_are_found_by_kind_and_subject(store: Arc<dyn Store>) {
    reigned(&store).await;
    let seen = |kind, subject: &str| NewEvent { at: at(3), kind, subject: subject.to_owned(), message: String::new() };
    let (up, down) = (EventKind::NodeUp, EventKind::NodeDown);
    let events = [seen(up, "bts1"), seen(down, "bts1"), seen(up, "bts2"), seen(up, "bts1")];
    store.append_events(&cluster(), &events).await.unwrap();
    let table = [
        (Some(up), None, 0, 9, vec![3, 5, 6]),
        (None, Some("bts1"), 0, 9, vec![3, 4, 6]),
        (Some(up), Some("bts1"), 0, 9, vec![3, 6]),
        (Some(up), Some("bts1"), 3, 9, vec![6]),
        (Some(up), Some("bts1"), 0, 1, vec![3]),
        (Some(up), Some("bts"), 0, 9, vec![]),
    ];
    for (kind, subject, after, limit, expected) in table {
        let filter = EventFilter { kind, subject: subject.map(str::to_owned), after, limit };
        let found = store.events(&cluster(), &filter).await.unwrap();
        assert_eq!(found.iter().map(|event| event.sequence).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

pub async fn a_page_of_failovers_has_the_steps_of_each(store: Arc<dyn Store>) {
    reigned(&store).await;
    let step = |number: u128, what: &str| FailoverStep { at: at(50), what: format!("{what} of {number}") };
    let record = |number: u128| FailoverRecord {
        steps: (0..number % 3).flat_map(|_| [step(number, "first"), step(number, "then")]).collect(),
        ..failover(number, 50, Outcome::Failed)
    };
    let records: Vec<_> = (1..=7).map(record).collect();
    commit(&store, Effects { failovers: records.clone(), ..Effects::default() }).await.unwrap();
    let page = FailoverFilter { limit: 5, after: Some(id(1)), oldest_first: true, ..FailoverFilter::default() };
    assert_eq!(store.failovers(&cluster(), &page).await.unwrap(), records[1..6]);
}

pub async fn a_word_on_a_failover_is_kept_with_its_answer(store: Arc<dyn Store>) {
    reigned(&store).await;
    let over = failover(1, 50, Outcome::Succeeded);
    commit(&store, Effects { failovers: vec![over], ..Effects::default() }).await.unwrap();
    let word = |comment: &str, key: &str| Acknowledgement {
        failover: id(1),
        comment: Some(comment.to_owned()),
        actor: alice(),
        at: at(60),
        answer: Some(answer(key, 60)),
    };
    let first = store.acknowledge(&cluster(), &word("seen", "a")).await.unwrap();
    let kept = store.kept_answer("a", at(0)).await.unwrap().unwrap();
    assert_eq!(serde_json::from_str::<FailoverRecord>(&kept.body.unwrap()).unwrap(), first);
    // Another word under the same key leaves no trace.
    let repeated = store.acknowledge(&cluster(), &word("other", "a")).await;
    assert!(matches!(repeated, Err(Error::Repeated)), "{repeated:?}");
    assert_eq!(store.failover(&cluster(), id(1)).await.unwrap(), first);
}

pub async fn an_answer_is_kept_for_a_day(store: Arc<dyn Store>) {
    const DAY: i64 = 24 * 60 * 60;
    let known = async |now| store.kept_answer("a", KeptAnswer::since(at(now))).await.unwrap();
    store.keep_answer(&answer("a", 10)).await.unwrap();
    assert_eq!(known(10 + DAY - 1).await, Some(answer("a", 10)));
    assert!(matches!(store.keep_answer(&answer("a", 10 + DAY - 1)).await, Err(Error::Repeated)));
    assert_eq!(known(10 + DAY).await, None);
    store.keep_answer(&answer("a", 10 + DAY)).await.unwrap();
    assert_eq!(known(10 + DAY).await, Some(answer("a", 10 + DAY)));
}

fn answer(key: &str, second: i64) -> KeptAnswer {
    let (key, request) = (key.to_owned(), "asked".to_owned());
    KeptAnswer { key, request, status: 200, etag: None, location: None, body: None, at: at(second) }
}

pub async fn history_is_that_of_the_newest_cluster_of_a_name(store: Arc<dyn Store>) {
    // The clock is set back between the first cluster and the second, and stands still between that and the third.
    for (actor, created, deleted) in [("alice", 50, 60), ("bob", 10, 20), ("carol", 10, 20)] {
        let actor = Actor(actor.to_owned());
        store.put_topology(&three_nodes(), Expect::Absent, &actor, at(created)).await.unwrap();
        store.delete_cluster(&cluster(), Expect::Anything, &actor, at(deleted)).await.unwrap();
        let changes = store.changes(&cluster(), None, 1).await.unwrap();
        assert_eq!(changes[0].actor, actor);
        assert!(
            store
                .events(&cluster(), &EventFilter::after(0, 9))
                .await
                .unwrap()
                .iter()
                .all(|event| event.message.contains(&actor.0))
        );
    }
}
