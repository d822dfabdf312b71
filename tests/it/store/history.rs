//! Is what happened numbered, and found again?

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

pub async fn history_is_that_of_the_newest_cluster_of_a_name(store: Arc<dyn Store>) {
    // The clock is set back between the first cluster and the second, and stands still between that and the third.
    for (actor, created, deleted) in [("alice", 50, 60), ("bob", 10, 20), ("carol", 10, 20)] {
        let actor = Actor(actor.to_owned());
        store.put_topology(&three_nodes(), Expect::Absent, &actor, at(created)).await.unwrap();
        store.delete_cluster(&cluster(), &actor, at(deleted)).await.unwrap();
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
