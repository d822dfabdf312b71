//! Is a plan written whole, once, and only on what it rests on?

use super::*;

pub async fn a_refused_write_leaves_no_trace(store: Arc<dyn Store>) {
    reigned(&store).await;
    let (before, events) = (load(&store).await, store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap());
    let mut edited = three_nodes();
    edited.nodes.pop();
    let absent = store.put_topology(&edited, Expect::Absent, &alice(), at(5)).await;
    assert!(matches!(absent, Err(Error::Exists { .. })));
    let wrong = store.put_topology(&edited, Expect::At(Generation(9)), &alice(), at(5)).await;
    assert!(matches!(wrong, Err(Error::Conflict { actual: Generation(1), .. })));
    let unknown = store.begin_operation(&cluster(), &operation(1, OperationKind::Drain, "bts9")).await;
    assert!(matches!(unknown, Err(Error::NotFound { kind: "node", .. })));
    let astray = NewOperation { to: Some(node("bts9")), ..operation(1, OperationKind::Move, "ftp") };
    assert!(matches!(store.begin_operation(&cluster(), &astray).await, Err(Error::Refused(_))));
    // The placement is fine, the mark is of a group that is not there: neither is written.
    let mark = [(group("nobody"), None)].into();
    let partly = commit(&store, Effects { marks: mark, ..placed(held("bts1", 1)) }).await;
    assert!(matches!(partly, Err(Error::NotFound { .. })));
    assert_eq!(load(&store).await, before);
    assert_eq!(store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap(), events);
    assert!(store.operations(&OperationFilter { limit: 9, ..OperationFilter::default() }).await.unwrap().is_empty());
}

pub async fn a_commit_on_what_has_passed_is_outrun(store: Arc<dyn Store>) {
    reigned(&store).await;
    let now = load(&store).await;
    let next = Effects { decision: now.decision.next(), ..placed(held("bts1", 1)) };
    let stale = [
        Basis { generation: Generation(0), ..basis(&now) },
        Basis { decision: Decision(0), ..basis(&now) },
        Basis { reign: id(78), ..basis(&now) },
    ];
    for basis in stale {
        assert!(matches!(store.commit(&cluster(), &basis, &next).await, Err(Error::Outrun)));
    }
    begin_reign(&store, 78).await;
    assert!(matches!(store.commit(&cluster(), &basis(&now), &next).await, Err(Error::Outrun)));
    assert_eq!(load(&store).await.groups[&group("ftp")].placement, Placement::default());
}

pub async fn a_commit_is_written_whole(store: Arc<dyn Store>) {
    reigned(&store).await;
    let assignment = locum::domain::Assignment::default();
    let mark = FailedMark { reason: "it failed".to_owned(), at: at(3), retry_at: at(9), held: None };
    let effects = Effects {
        failovers: vec![failover(1, 50, Outcome::InProgress)],
        assignments: [(node("bts2"), assignment.clone())].into(),
        marks: [(group("ftp"), Some(mark.clone()))].into(),
        events: vec![NewEvent {
            at: at(3),
            kind: EventKind::FailoverOpened,
            subject: "ftp".to_owned(),
            message: "bts1 is down".to_owned(),
        }],
        ..placed(held("bts2", 2))
    };
    commit(&store, effects).await.unwrap();
    let now = load(&store).await;
    let ftp = &now.groups[&group("ftp")];
    assert_eq!((ftp.placement.clone(), ftp.failed.clone()), (held("bts2", 2), Some(mark)));
    assert_eq!(ftp.open.as_deref(), Some(&failover(1, 50, Outcome::InProgress)));
    assert_eq!(now.nodes[&node("bts2")].assignment, assignment);
    assert_eq!(now.nodes[&node("bts2")].assigned_at, now.decision);
    let events = store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap();
    assert_eq!(events.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.events(&cluster(), &EventFilter::after(2, 99)).await.unwrap()[0].kind, EventKind::FailoverOpened);

    // One ends and another opens in the same commit.
    let both = vec![failover(2, 60, Outcome::InProgress), failover(1, 50, Outcome::Succeeded)];
    commit(&store, Effects { failovers: both, ..Effects::default() }).await.unwrap();
    assert_eq!(load(&store).await.groups[&group("ftp")].recent.len(), 2);
    let newest = FailoverFilter { limit: 1, ..FailoverFilter::default() };
    assert_eq!(store.failovers(&cluster(), &newest).await.unwrap()[0].id, id(2));
    let older = FailoverFilter { limit: 9, after: Some(id(2)), group: Some(group("ftp")), ..FailoverFilter::default() };
    assert_eq!(store.failovers(&cluster(), &older).await.unwrap(), [failover(1, 50, Outcome::Succeeded)]);
    assert_eq!(store.failover(&cluster(), id(1)).await.unwrap().outcome, Outcome::Succeeded);
    assert!(matches!(store.failover(&cluster(), id(3)).await, Err(Error::NotFound { .. })));
}

pub async fn the_budget_counts_what_ran_within_its_period_since_the_reset(store: Arc<dyn Store>) {
    reigned(&store).await;
    let long_ago = failover(1, -6 * 3600, Outcome::Succeeded);
    let ran = [failover(2, 50, Outcome::Failed), failover(3, 60, Outcome::Blocked), long_ago];
    commit(&store, Effects { failovers: ran.into(), ..Effects::default() }).await.unwrap();
    let recent = load(&store).await.groups[&group("ftp")].recent.clone();
    assert_eq!(recent.iter().map(|past| past.at).collect::<Vec<_>>(), [at(50)]);
    let reset = Effects {
        budgets_reset: vec![group("ftp")],
        failovers: vec![failover(4, 70, Outcome::InProgress)],
        ..Effects::default()
    };
    commit(&store, reset).await.unwrap();
    let recent = load(&store).await.groups[&group("ftp")].recent.clone();
    assert_eq!(recent.iter().map(|past| past.at).collect::<Vec<_>>(), [at(70)]);
}

pub async fn a_second_open_failover_of_a_group_is_refused(store: Arc<dyn Store>) {
    reigned(&store).await;
    let opened = |number| Effects { failovers: vec![failover(number, 50, Outcome::InProgress)], ..Effects::default() };
    commit(&store, opened(1)).await.unwrap();
    let before = load(&store).await;
    let refused = commit(&store, opened(2)).await.unwrap_err();
    assert_eq!(refused.to_string(), "group ftp has an open failover already; it ends before the next one begins");
    let two = vec![failover(1, 50, Outcome::Succeeded), failover(2, 60, Outcome::InProgress)];
    let three = [two.clone(), vec![failover(3, 70, Outcome::InProgress)]].concat();
    let refused = commit(&store, Effects { failovers: three, ..Effects::default() }).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(load(&store).await, before);
    commit(&store, Effects { failovers: two, ..Effects::default() }).await.unwrap();
}

pub async fn a_commit_updates_only_operations_that_are_there(store: Arc<dyn Store>) {
    reigned(&store).await;
    let mut known = store.begin_operation(&cluster(), &operation(1, OperationKind::Move, "ftp")).await.unwrap();
    let before = load(&store).await;
    known.id = id(2);
    let unknown = commit(&store, Effects { operations: vec![known], ..Effects::default() }).await;
    assert!(matches!(unknown, Err(Error::NotFound { kind: "operation", .. })), "{unknown:?}");
    assert_eq!(load(&store).await, before);
}

pub async fn a_commit_touches_no_failover_of_another_cluster(store: Arc<dyn Store>) {
    reigned(&store).await;
    let elsewhere = TopologySpec { cluster: "d".parse().unwrap(), ..three_nodes() };
    store.put_topology(&elsewhere, Expect::Absent, &alice(), at(2)).await.unwrap();
    store.begin_reign(&elsewhere.cluster, id(78), (Term(0), Decision(0)), Duration::ZERO, at(3)).await.unwrap();
    let there = store.load(&elsewhere.cluster, at(4)).await.unwrap();
    let record = FailoverRecord { cluster: elsewhere.cluster.clone(), ..failover(1, 50, Outcome::InProgress) };
    let opened = Effects { decision: there.decision.next(), failovers: vec![record.clone()], ..Effects::default() };
    let its = Basis { generation: there.generation, decision: there.decision, reign: id(78) };
    store.commit(&elsewhere.cluster, &its, &opened).await.unwrap();
    let ended = Effects { failovers: vec![failover(1, 50, Outcome::Failed)], ..Effects::default() };
    let refused = commit(&store, ended).await;
    assert!(matches!(refused, Err(Error::Exists { kind: "failover", .. })), "{refused:?}");
    assert_eq!(store.failover(&elsewhere.cluster, id(1)).await.unwrap(), record);
}

pub async fn a_plan_is_kept_with_the_failovers_that_it_concerns(store: Arc<dyn Store>) {
    reigned(&store).await;
    let kept = |number: u8| KeptPlan { planner_version: 7, snapshot: vec![number, 0], plan: vec![0, number] };
    let opened = Effects {
        failovers: vec![failover(1, 50, Outcome::InProgress)],
        kept: Some(kept(1)),
        ..placed(held("bts2", 2))
    };
    commit(&store, opened).await.unwrap();
    let first = load(&store).await.decision;
    let other = failover(2, 60, Outcome::Blocked);
    let ended = Effects {
        failovers: vec![failover(1, 50, Outcome::Succeeded), other],
        kept: Some(kept(2)),
        ..Effects::default()
    };
    commit(&store, ended).await.unwrap();
    commit(&store, placed(held("bts2", 3))).await.unwrap();
    let of = async |number| store.kept_plans(&cluster(), id(number)).await;
    assert_eq!(of(1).await.unwrap(), [(first, kept(1)), (first.next(), kept(2))]);
    assert_eq!(of(2).await.unwrap(), [(first.next(), kept(2))]);
    assert!(matches!(of(3).await, Err(Error::NotFound { kind: "failover", .. })));
}
