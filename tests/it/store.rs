//! Does a store keep what it accepted, whole, and nothing of what it refused? Written for any `dyn Store`.

use std::sync::Arc;
use std::time::Duration;

use locum::domain::{
    Cause, ChangeAction, Confirmation, Decision, Epoch, EventKind, FailedMark, FailoverRecord, FailoverStep,
    Generation, GroupWanted, NewEvent, NodeWanted, OperationKind, OperationState, Outcome, Placement, PlacementPhase,
    ReleaseProof, Term,
};
use locum::planner::{Effects, Snapshot};
use locum::store::{Basis, Error, Expect, FailoverFilter, NewOperation, Store, sql};

use crate::support::{alice, at, cluster, group, id, node, three_nodes};

const REIGN: u128 = 77;

/// A store with the cluster of `three_nodes` under a reign; its folder lives as long as the test.
async fn reigned() -> (Arc<dyn Store>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = sql::open(&format!("sqlite:{}", folder.path().join("locum.db").display())).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    begin_reign(&store, REIGN).await;
    (store, folder)
}

async fn begin_reign(store: &Arc<dyn Store>, number: u128) -> locum::store::Reign {
    let least = (Term(0), Decision(0));
    store.begin_reign(&cluster(), id(number), least, Duration::ZERO, at(1)).await.unwrap()
}

async fn load(store: &Arc<dyn Store>) -> Snapshot {
    store.load(&cluster(), at(100)).await.unwrap()
}

/// Commits on what is stored now.
async fn commit(store: &Arc<dyn Store>, mut effects: Effects) -> Result<(), Error> {
    let now = load(store).await;
    effects.decision = now.decision.next();
    store.commit(&cluster(), &basis(&now), &effects).await
}

fn basis(snapshot: &Snapshot) -> Basis {
    Basis { generation: snapshot.generation, decision: snapshot.decision, reign: id(REIGN) }
}

fn held(owner: &str, epoch: u64) -> Placement {
    Placement { epoch: Epoch(epoch), last_owner: Some(node(owner)), phase: PlacementPhase::Held }
}

fn placed(placement: Placement) -> Effects {
    Effects { placements: [(group("ftp"), placement)].into(), ..Effects::default() }
}

fn failover(number: u128, second: i64, outcome: Outcome) -> FailoverRecord {
    FailoverRecord {
        id: id(number),
        cluster: cluster(),
        group: group("ftp"),
        cause: Cause::NodeLost,
        actor: alice(),
        reason: "bts1 is down".to_owned(),
        from: Some(node("bts1")),
        to: Some(node("bts2")),
        epoch: Some(Epoch(2)),
        release_proof: Some(ReleaseProof::LeaseExpired),
        release_evidence: Some("its lease ended".to_owned()),
        outcome,
        detected_at: at(second),
        released_at: Some(at(second + 5)),
        start_begun_at: None,
        online_at: None,
        phases_ms: [("release".to_owned(), 5000)].into(),
        max_overlap_ms: 0,
        steps: vec![FailoverStep { at: at(second), what: "bts1 fell silent".to_owned() }],
        verdicts: [(node("bts2"), "first by name".to_owned())].into(),
        decision: Decision(3),
        acknowledged_by: None,
        acknowledged_at: None,
        comment: None,
    }
}

fn operation(number: u128, kind: OperationKind, target: &str) -> NewOperation {
    let reason = Some("maintenance".to_owned());
    NewOperation { id: id(number), kind, target: target.to_owned(), to: None, reason, actor: alice(), at: at(10) }
}

#[tokio::test]
async fn a_topology_is_created_kept_and_replaced() {
    let (store, _folder) = reigned().await;
    let (stored, generation) = store.topology(&cluster()).await.unwrap();
    assert_eq!(generation, Generation(1));
    assert_eq!(stored.nodes[0].wanted, Some(NodeWanted::Active));
    let same = store.put_topology(&three_nodes(), Expect::At(generation), &alice(), at(5)).await.unwrap();
    assert!(!same.changed && !same.created && same.generation == generation);

    let mut edited = three_nodes();
    edited.nodes[1].agent = "http://127.0.0.1:9".to_owned();
    let accepted = store.put_topology(&edited, Expect::Anything, &alice(), at(6)).await.unwrap();
    assert!(accepted.changed && accepted.generation == Generation(2));
    assert_eq!(store.topology(&cluster()).await.unwrap().0.nodes[1].agent, "http://127.0.0.1:9");
    let changes = store.changes(&cluster(), None, 10).await.unwrap();
    let actions: Vec<_> = changes.iter().map(|change| change.action).collect();
    assert_eq!(actions, [ChangeAction::PutTopology, ChangeAction::CreateCluster]);
    assert_eq!(changes[0].before, changes[1].after);
    assert_eq!(store.changes(&cluster(), Some(Generation(2)), 10).await.unwrap().len(), 1);
    assert_eq!(store.clusters().await.unwrap()[0].generation, Generation(2));
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_refused_write_leaves_no_trace() {
    let (store, _folder) = reigned().await;
    let (before, events) = (load(&store).await, store.events(&cluster(), 0, 99).await.unwrap());
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
    assert_eq!(store.events(&cluster(), 0, 99).await.unwrap(), events);
    assert!(store.operations(None, None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_absent_retires_while_anything_may_hold_it() {
    let (store, _folder) = reigned().await;
    store.record_agent(&cluster(), &node("bts1"), id(5)).await.unwrap();
    commit(&store, placed(held("bts1", 4))).await.unwrap();
    let mut empty = three_nodes();
    empty.nodes.retain(|node| node.name.as_str() == "bts2");
    empty.groups.clear();
    store.put_topology(&empty, Expect::Anything, &alice(), at(5)).await.unwrap();
    let now = load(&store).await;
    assert!(now.nodes[&node("bts1")].retired && now.groups[&group("ftp")].retired);
    assert!(!now.nodes.contains_key(&node("bts3")), "nothing ever held bts3");

    let at_rest = PlacementPhase::Released {
        proof: ReleaseProof::Acknowledged,
        evidence: "it said so".to_owned(),
        at: at(6),
        cause: None,
    };
    let released = Placement { phase: at_rest, ..held("bts1", 4) };
    let forget =
        Effects { forget_nodes: vec![node("bts1")], forget_groups: vec![group("ftp")], ..placed(released.clone()) };
    commit(&store, forget).await.unwrap();
    assert!(load(&store).await.groups.is_empty());

    store.put_topology(&three_nodes(), Expect::Anything, &alice(), at(7)).await.unwrap();
    let now = load(&store).await;
    assert!(!now.groups[&group("ftp")].retired);
    assert_eq!(now.groups[&group("ftp")].placement, released, "the epoch goes on");
    assert!(matches!(commit(&store, placed(held("bts2", 3))).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_commit_on_what_has_passed_is_outrun() {
    let (store, _folder) = reigned().await;
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

#[tokio::test]
async fn a_commit_is_written_whole() {
    let (store, _folder) = reigned().await;
    let assignment = locum::domain::Assignment::default();
    let mark = FailedMark { reason: "it failed".to_owned(), at: at(3), retry_at: at(9) };
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
    assert_eq!(ftp.open, Some(failover(1, 50, Outcome::InProgress)));
    assert_eq!(now.nodes[&node("bts2")].assignment, assignment);
    assert_eq!(now.nodes[&node("bts2")].assigned_at, now.decision);
    let events = store.events(&cluster(), 0, 99).await.unwrap();
    assert_eq!(events.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.events(&cluster(), 2, 99).await.unwrap()[0].kind, EventKind::FailoverOpened);

    // One ends and another opens in the same commit.
    let both = vec![failover(2, 60, Outcome::InProgress), failover(1, 50, Outcome::Succeeded)];
    commit(&store, Effects { failovers: both, ..Effects::default() }).await.unwrap();
    assert_eq!(load(&store).await.groups[&group("ftp")].recent.len(), 2);
    let newest = FailoverFilter { limit: 1, ..FailoverFilter::default() };
    assert_eq!(store.failovers(&cluster(), &newest).await.unwrap()[0].id, id(2));
    let older = FailoverFilter { limit: 9, before: Some(id(2)), group: Some(group("ftp")) };
    assert_eq!(store.failovers(&cluster(), &older).await.unwrap(), [failover(1, 50, Outcome::Succeeded)]);
    assert_eq!(store.failover(&cluster(), id(1)).await.unwrap().outcome, Outcome::Succeeded);
    assert!(matches!(store.failover(&cluster(), id(3)).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn the_budget_counts_what_ran_within_its_period_since_the_reset() {
    let (store, _folder) = reigned().await;
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

#[tokio::test]
async fn a_reign_outnumbers_all_before_and_learns_who_may_hold_leases() {
    let folder = tempfile::tempdir().unwrap();
    let store = sql::open(&format!("sqlite:{}", folder.path().join("locum.db").display())).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
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

#[tokio::test]
async fn an_operation_changes_what_is_wanted_and_replaces_its_opposite() {
    let (store, _folder) = reigned().await;
    let drain = store.begin_operation(&cluster(), &operation(1, OperationKind::Drain, "bts1")).await.unwrap();
    assert_eq!((drain.state, drain.message.as_str()), (OperationState::Running, "accepted"));
    let now = load(&store).await;
    assert_eq!((now.generation, drain.decision), (Generation(2), now.decision));
    assert_eq!(now.nodes[&node("bts1")].wanted, NodeWanted::Drained);
    assert_eq!(store.changes(&cluster(), None, 1).await.unwrap()[0].action, ChangeAction::Drain);
    // Applying the document again resumes nothing.
    assert!(!store.put_topology(&three_nodes(), Expect::Anything, &alice(), at(11)).await.unwrap().changed);

    store.begin_operation(&cluster(), &operation(2, OperationKind::Offline, "ftp")).await.unwrap();
    store.begin_operation(&cluster(), &operation(3, OperationKind::Resume, "bts1")).await.unwrap();
    store.begin_operation(&cluster(), &operation(4, OperationKind::ConfirmDown, "bts3")).await.unwrap();
    assert_eq!(store.operation(id(1)).await.unwrap().state, OperationState::Superseded);
    let now = load(&store).await;
    assert_eq!(now.groups[&group("ftp")].wanted, GroupWanted::Offline);
    let word = Confirmation { actor: alice(), reason: Some("maintenance".to_owned()), at: at(10) };
    assert_eq!(now.nodes[&node("bts3")].confirmed_down, Some(word));
    assert_eq!(now.operations.iter().map(|o| o.id).collect::<Vec<_>>(), [id(2), id(3), id(4)]);
    let generation = now.generation;

    let mut done = now.operations[0].clone();
    done.state = OperationState::Succeeded;
    done.ended_at = Some(at(12));
    let withdrawn = vec![node("bts3")];
    let effects = Effects { operations: vec![done.clone()], withdrawn_confirmations: withdrawn, ..Effects::default() };
    commit(&store, effects).await.unwrap();
    assert_eq!(store.operation(id(2)).await.unwrap(), done);
    let now = load(&store).await;
    assert_eq!((now.generation, now.nodes[&node("bts3")].confirmed_down.clone()), (generation, None));
    let page = store.operations(Some(&cluster()), Some(id(4)), 2).await.unwrap();
    assert_eq!(page.iter().map(|o| o.id).collect::<Vec<_>>(), [id(3), id(2)]);
}

#[tokio::test]
async fn a_cluster_goes_only_when_nothing_has_an_owner_and_its_history_stays() {
    let (store, _folder) = reigned().await;
    commit(&store, placed(held("bts1", 1))).await.unwrap();
    let refused = store.delete_cluster(&cluster(), &alice(), at(5)).await.unwrap_err();
    assert!(refused.to_string().contains("ftp on bts1"), "{refused}");
    let at_rest = PlacementPhase::Released {
        proof: ReleaseProof::Acknowledged,
        evidence: "it said so".to_owned(),
        at: at(6),
        cause: Some(Cause::Drain),
    };
    commit(&store, placed(Placement { phase: at_rest, ..held("bts1", 1) })).await.unwrap();
    store.begin_operation(&cluster(), &operation(1, OperationKind::Move, "ftp")).await.unwrap();
    store.delete_cluster(&cluster(), &alice(), at(7)).await.unwrap();
    assert!(store.clusters().await.unwrap().is_empty());
    assert!(matches!(store.topology(&cluster()).await, Err(Error::NotFound { kind: "cluster", .. })));
    assert_eq!(store.changes(&cluster(), None, 1).await.unwrap()[0].action, ChangeAction::DeleteCluster);
    assert_eq!(store.operation(id(1)).await.unwrap().state, OperationState::Superseded);
    let again = store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(8)).await.unwrap();
    assert!(again.created && again.generation == Generation(1));
}

#[tokio::test]
async fn events_are_numbered_without_gaps() {
    let (store, _folder) = reigned().await;
    let seen = |subject: &str| NewEvent {
        at: at(3),
        kind: EventKind::NodeUp,
        subject: subject.to_owned(),
        message: format!("{subject} answers"),
    };
    store.append_events(&cluster(), &[seen("bts1"), seen("bts2")]).await.unwrap();
    store.append_events(&cluster(), &[seen("bts3")]).await.unwrap();
    let page = store.events(&cluster(), 2, 2).await.unwrap();
    let page: Vec<_> = page.iter().map(|event| (event.sequence, event.subject.as_str())).collect();
    assert_eq!(page, [(3, "bts1"), (4, "bts2")]);
    assert_eq!(store.events(&cluster(), 4, 9).await.unwrap().len(), 1);
}
