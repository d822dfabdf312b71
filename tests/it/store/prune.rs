//! Is what is older than the retention removed, a little at a time, and nothing that is needed still?

use locum::domain::{HumanDuration, Operation};
use locum::store::Pruned;

use super::*;

const DAY: i64 = 24 * 60 * 60;

/// The cluster of `three_nodes`, which keeps history for so many days and counts failovers for so many hours, under a
/// reign. Its first event is of second 0, its second of second 1.
async fn keeping(store: &Arc<dyn Store>, days: u64, hours: u64) {
    let mut spec = three_nodes();
    spec.policy.retention = HumanDuration::from_secs(days * DAY as u64);
    Arc::make_mut(&mut spec.groups[0]).failover.period = HumanDuration::from_secs(hours * 60 * 60);
    store.put_topology(&spec, Expect::Absent, &alice(), at(0)).await.unwrap();
    begin_reign(store, REIGN).await;
}

async fn prune(store: &Arc<dyn Store>, now: i64) -> Pruned {
    store.prune(Some(&cluster()), at(now), 1000).await.unwrap()
}

fn removed(failovers: u64, operations: u64, events: u64) -> Pruned {
    Pruned { failovers, operations, events }
}

async fn records(store: &Arc<dyn Store>) -> Vec<FailoverRecord> {
    let all = FailoverFilter { limit: 99, oldest_first: true, ..FailoverFilter::default() };
    store.failovers(&cluster(), &all).await.unwrap()
}

async fn numbers(store: &Arc<dyn Store>) -> Vec<u64> {
    store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap().iter().map(|event| event.sequence).collect()
}

#[allow(clippy::cognitive_complexity)] // one story: what goes, what stays beside it, and what comes after
pub async fn what_is_older_than_the_retention_is_removed(store: Arc<dyn Store>) {
    keeping(&store, 2, 6).await;
    let both = [failover(1, 50, Outcome::Succeeded), failover(2, 60, Outcome::Blocked)];
    let kept = KeptPlan { planner_version: 7, snapshot: vec![1], plan: vec![2] };
    let effects = Effects { failovers: both.to_vec(), kept: Some(kept.clone()), ..Effects::default() };
    commit(&store, effects).await.unwrap();
    let decision = load(&store).await.decision;
    let moved = store.begin_operation(&cluster(), &operation(1, OperationKind::Move, "ftp")).await.unwrap();
    let running = store.begin_operation(&cluster(), &operation(2, OperationKind::Reset, "ftp")).await.unwrap();
    let ended = Operation { state: OperationState::Succeeded, ended_at: Some(at(20)), ..moved.clone() };
    commit(&store, Effects { operations: vec![ended], ..Effects::default() }).await.unwrap();
    store.append_events(&cluster(), &[event(54, 1), event(56, 2)]).await.unwrap();
    assert_eq!(numbers(&store).await, [1, 2, 3, 4, 5, 6]);

    assert_eq!(prune(&store, DAY).await, Pruned::default());
    assert_eq!(store.history(&cluster(), None).await.unwrap().known_since, None);
    assert_eq!(prune(&store, 2 * DAY + 55).await, removed(1, 1, 5));
    assert_eq!(store.history(&cluster(), None).await.unwrap().known_since, Some(at(55)));
    assert_eq!(records(&store).await, both[1..]);
    assert!(matches!(store.kept_plans(&cluster(), id(1)).await, Err(Error::NotFound { .. })));
    assert_eq!(store.kept_plans(&cluster(), id(2)).await.unwrap(), [(decision, kept)]);
    assert!(matches!(store.operation(id(1)).await, Err(Error::NotFound { .. })));
    assert_eq!(store.operation(id(2)).await.unwrap(), running, "it has not ended");
    assert_eq!(numbers(&store).await, [6]);
    assert_eq!(prune(&store, 2 * DAY + 55).await, Pruned::default());

    // The newest stays however old it is, and numbers go on.
    assert_eq!(prune(&store, 9 * DAY).await, removed(1, 0, 0));
    assert_eq!(store.newest_event(&cluster()).await.unwrap(), 6);
    store.append_events(&cluster(), &[event(9 * DAY, 3)]).await.unwrap();
    assert_eq!(numbers(&store).await, [6, 7]);
    assert_eq!(store.changes(&cluster(), None, 9).await.unwrap().len(), 1, "changes are not its business");
}

pub async fn what_a_budget_counts_and_what_is_under_way_stays(store: Arc<dyn Store>) {
    keeping(&store, 1, 40 * 24).await;
    let ran = vec![failover(1, 50, Outcome::Failed), failover(2, 60, Outcome::InProgress)];
    commit(&store, Effects { failovers: ran, ..Effects::default() }).await.unwrap();
    let recent = async |now| store.load(&cluster(), at(now)).await.unwrap().groups[&group("ftp")].recent.clone();
    let counted = recent(39 * DAY).await;
    assert_eq!(counted.len(), 2);
    assert_eq!(prune(&store, 39 * DAY).await.failovers, 0, "the budget's period is longer than the retention");
    assert_eq!(recent(39 * DAY).await, counted);
    assert_eq!(prune(&store, 41 * DAY).await.failovers, 1);
    assert_eq!(prune(&store, 999 * DAY).await.failovers, 0);
    assert_eq!(records(&store).await, [failover(2, 60, Outcome::InProgress)]);
}

pub async fn the_last_word_on_where_a_group_stands_stays(store: Arc<dyn Store>) {
    keeping(&store, 1, 6).await;
    let said = |second, kind, subject: &str| NewEvent {
        at: at(second),
        kind,
        subject: subject.to_owned(),
        message: "so".to_owned(),
    };
    let events = [
        said(10, EventKind::GroupPlaced, "ftp"),
        said(11, EventKind::GroupOnline, "ftp"),
        said(12, EventKind::GroupOnline, "other"),
        said(13, EventKind::GroupOnline, "ftp"),
        said(14, EventKind::NodeUp, "ftp"),
        said(15, EventKind::NodeUp, "bts1"),
    ];
    store.append_events(&cluster(), &events).await.unwrap();
    assert_eq!(prune(&store, 9 * DAY).await, removed(0, 0, 4));
    assert_eq!(numbers(&store).await, [3, 5, 6, 8]);
}

pub async fn little_is_removed_at_a_time_the_oldest_first(store: Arc<dyn Store>) {
    keeping(&store, 1, 6).await;
    let events = [event(14, 1), event(12, 2), event(13, 3), event(11, 4), event(15, 5)];
    store.append_events(&cluster(), &events).await.unwrap();
    let some = async || store.prune(Some(&cluster()), at(9 * DAY), 2).await.unwrap();
    for left in [&[3, 4, 5, 6, 7][..], &[3, 5, 7], &[7]] {
        assert_eq!(some().await, removed(0, 0, 2));
        assert_eq!(numbers(&store).await, left);
    }
    assert_eq!(some().await, Pruned::default());
    assert!(matches!(store.prune(Some(&"d".parse().unwrap()), at(0), 2).await, Err(Error::NotFound { .. })));
}

pub async fn history_of_a_deleted_cluster_goes_by_the_default(store: Arc<dyn Store>) {
    keeping(&store, 1, 6).await;
    commit(&store, Effects { failovers: vec![failover(1, 50, Outcome::Failed)], ..Effects::default() }).await.unwrap();
    store.delete_cluster(&cluster(), Expect::Anything, &alice(), at(70)).await.unwrap();
    let gone = async |now| store.prune(None, at(now), 1000).await.unwrap();
    assert_eq!(gone(400 * DAY).await, Pruned::default());
    // Whoever has the name now is not meant.
    keeping(&store, 999, 6).await;
    assert_eq!(gone(401 * DAY).await, removed(1, 0, 2));
    assert_eq!(gone(401 * DAY).await, Pruned::default());
    assert_eq!(numbers(&store).await, [4, 5]);
    assert!(matches!(store.failover(&cluster(), id(1)).await, Err(Error::NotFound { .. })));
    assert_eq!(store.history(&cluster(), None).await.unwrap().known_since, None);
}
