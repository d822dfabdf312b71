//! Does a reign outnumber all before it, and know what they may have left?

use super::*;

pub async fn a_reign_outnumbers_all_before_and_learns_who_may_hold_leases(store: Arc<dyn Store>) {
    let mut spec = three_nodes();
    store.put_topology(&spec, Expect::Anything, &alice(), at(0)).await.unwrap();
    let first = begin_reign(&store, 1).await;
    assert_eq!((first.term, first.longest_lease, first.agents), (Term(1), Duration::ZERO, vec![]));
    store.record_agent(&cluster(), &node("bts2"), id(9)).await.unwrap();
    assert!(store.record_agent(&cluster(), &node("bts9"), id(9)).await.is_err());
    spec.settings.lease = locum::domain::HumanDuration::from_secs(30);
    spec.nodes[1].agent = "http://127.0.0.1:9".to_owned();
    store.put_topology(&spec, Expect::Anything, &alice(), at(2)).await.unwrap();
    spec.settings.lease = locum::domain::HumanDuration::from_secs(4);
    store.put_topology(&spec, Expect::Anything, &alice(), at(3)).await.unwrap();
    let least = (Term(40), Decision(50));
    let second = store.begin_reign(&cluster(), id(2), least, Duration::ZERO, at(4)).await.unwrap();
    assert_eq!((second.term, second.longest_lease), (Term(40), Duration::from_secs(30)));
    assert_eq!(second.agents, [(node("bts2"), id(9))]);
    assert_eq!(load(&store).await.decision, Decision(50));
    let longer = store.begin_reign(&cluster(), id(3), least, Duration::from_secs(60), at(5)).await.unwrap();
    assert_eq!((longer.term, longer.longest_lease), (Term(41), Duration::from_secs(60)));
}

/// A reign that ends too early leaves it to the next one to wait for agents that nobody knows of.
pub async fn a_restored_database_is_one_until_a_reign_has_outlived_that(store: Arc<dyn Store>) {
    store.put_topology(&three_nodes(), Expect::Anything, &alice(), at(0)).await.unwrap();
    assert!(!begin_reign(&store, 1).await.restored);
    let least = (Term(7), Decision(9));
    assert!(store.begin_reign(&cluster(), id(2), least, Duration::ZERO, at(4)).await.unwrap().restored);
    assert!(begin_reign(&store, 3).await.restored);
    store.outlive_restore(&cluster(), id(2)).await.unwrap();
    assert!(begin_reign(&store, 4).await.restored, "another reign has not waited for this one");
    store.outlive_restore(&cluster(), id(4)).await.unwrap();
    assert!(!begin_reign(&store, 5).await.restored);
}

/// A restored database may have gone on, and know of a node only what it was assigned before.
pub async fn what_a_node_was_assigned_below_a_heard_of_decision_is_assigned_anew(store: Arc<dyn Store>) {
    reigned(&store).await;
    let assigned = [(node("bts1"), locum::domain::Assignment::default())].into();
    commit(&store, Effects { assignments: assigned, ..Effects::default() }).await.unwrap();
    let behind = load(&store).await.nodes[&node("bts1")].assigned_at;
    for _ in 0..5 {
        commit(&store, Effects::default()).await.unwrap();
    }
    let before = load(&store).await.decision;
    let least = (Term(0), behind.next());
    store.begin_reign(&cluster(), id(2), least, Duration::ZERO, at(2)).await.unwrap();
    let after = load(&store).await;
    assert!(after.decision > before, "nobody has heard of the new number");
    for (name, view) in &after.nodes {
        assert_eq!(view.assigned_at, after.decision, "{name}, assigned anything or not");
    }
    store.begin_reign(&cluster(), id(3), least, Duration::ZERO, at(3)).await.unwrap();
    assert_eq!(load(&store).await.decision, after.decision, "once is enough");
}

pub async fn a_lease_is_never_stored_shorter_than_it_is(store: Arc<dyn Store>) {
    reigned(&store).await;
    let (least, odd) = ((Term(0), Decision(0)), Duration::from_nanos(60_000_000_001));
    store.begin_reign(&cluster(), id(2), least, odd, at(2)).await.unwrap();
    let next = begin_reign(&store, 3).await;
    assert!(next.longest_lease >= odd, "{:?}", next.longest_lease);
}

pub async fn numbers_that_no_column_holds_are_refused(store: Arc<dyn Store>) {
    reigned(&store).await;
    let assigned = [(node("bts1"), locum::domain::Assignment::default())].into();
    commit(&store, Effects { assignments: assigned, ..Effects::default() }).await.unwrap();
    let before = load(&store).await;
    for least in [(Term(1 << 63), Decision(0)), (Term(0), Decision(u64::MAX))] {
        let refused = store.begin_reign(&cluster(), id(2), least, Duration::ZERO, at(2)).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
    // A number that just fits could not be counted on from.
    for far in [1 << 63, i64::MAX as u64] {
        let leap = Effects { decision: Decision(far), ..Effects::default() };
        assert!(matches!(store.commit(&cluster(), &basis(&before), &leap).await, Err(Error::Refused(_))));
        assert!(matches!(commit(&store, placed(held("bts1", far))).await, Err(Error::Refused(_))));
    }
    assert_eq!(load(&store).await, before);
}

pub async fn what_a_reign_accepts_can_be_counted_on_from(store: Arc<dyn Store>) {
    reigned(&store).await;
    let least = (Term(i64::MAX as u64 / 2), Decision(i64::MAX as u64 / 2));
    let begun = store.begin_reign(&cluster(), id(REIGN), least, Duration::ZERO, at(2)).await.unwrap();
    assert_eq!(begun.term, least.0);
    commit(&store, placed(held("bts1", 1))).await.unwrap();
    commit(&store, placed(held("bts1", i64::MAX as u64 / 2))).await.unwrap();
    commit(&store, placed(held("bts1", i64::MAX as u64 / 2 + 1))).await.unwrap();
    let known = (begun.term, load(&store).await.decision);
    assert!(known.1 > least.1);
    let next = store.begin_reign(&cluster(), id(3), known, Duration::ZERO, at(3)).await.unwrap();
    assert_eq!(next.term, least.0.next());
}
