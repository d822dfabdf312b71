//! What does an operator's action change, and which older one does it replace?

use super::*;

pub async fn an_operation_changes_what_is_wanted_and_replaces_its_opposite(store: Arc<dyn Store>) {
    reigned(&store).await;
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
    let filter = OperationFilter { cluster: Some(cluster()), before: Some(id(4)), limit: 2, ..Default::default() };
    let page = store.operations(&filter).await.unwrap();
    assert_eq!(page.iter().map(|o| o.id).collect::<Vec<_>>(), [id(3), id(2)]);
}

pub async fn a_plan_ends_operations_and_withdraws_confirmations(store: Arc<dyn Store>) {
    reigned(&store).await;
    store.begin_operation(&cluster(), &operation(2, OperationKind::Offline, "ftp")).await.unwrap();
    store.begin_operation(&cluster(), &operation(4, OperationKind::ConfirmDown, "bts3")).await.unwrap();
    let now = load(&store).await;
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
}

pub async fn an_operation_is_begun_once(store: Arc<dyn Store>) {
    reigned(&store).await;
    let first = store.begin_operation(&cluster(), &operation(1, OperationKind::Move, "ftp")).await.unwrap();
    let before = load(&store).await;
    let again = store.begin_operation(&cluster(), &operation(1, OperationKind::Drain, "bts1")).await;
    assert!(matches!(again, Err(Error::Exists { kind: "operation", .. })), "{again:?}");
    let elsewhere = TopologySpec { cluster: "d".parse().unwrap(), ..three_nodes() };
    store.put_topology(&elsewhere, Expect::Absent, &alice(), at(2)).await.unwrap();
    let there = store.begin_operation(&elsewhere.cluster, &operation(1, OperationKind::Reset, "ftp")).await;
    assert!(matches!(there, Err(Error::Exists { kind: "operation", .. })), "{there:?}");
    assert_eq!((store.operation(id(1)).await.unwrap(), load(&store).await), (first, before));
}

pub async fn an_operation_keeps_its_phases_and_what_follows(store: Arc<dyn Store>) {
    reigned(&store).await;
    let new = NewOperation { timeout: "90s".parse().unwrap(), ..operation(1, OperationKind::Drain, "bts1") };
    let begun = store.begin_operation(&cluster(), &new).await.unwrap();
    assert_eq!((begun.phase, begun.times_out_at), (OperationPhase::Accepted, at(100)));
    let mut further = begun.clone();
    further.enter(OperationPhase::Releasing, at(11));
    further.progress = Some(Progress { done: 1, total: 3 });
    commit(&store, Effects { operations: vec![further.clone()], ..Effects::default() }).await.unwrap();
    assert_eq!(store.operation(id(1)).await.unwrap(), further);
    assert_eq!(load(&store).await.operations, [further.clone()], "who plans next goes on from there");
    further.end(OperationState::Failed, "it can't be".to_owned(), at(12));
    further.next_step = Some("do something else".to_owned());
    commit(&store, Effects { operations: vec![further.clone()], ..Effects::default() }).await.unwrap();
    let kept = store.operation(id(1)).await.unwrap();
    assert_eq!(kept, further);
    let phases: Vec<_> = kept.phases.iter().map(|begun| (begun.phase.as_str(), begun.at)).collect();
    assert_eq!(phases, [("accepted", at(10)), ("releasing", at(11)), ("ended", at(12))]);
}

/// Begins an operation and cancels it; what is wanted of bts1 and of ftp then.
async fn cancelled(
    store: &Arc<dyn Store>,
    number: u128,
    kind: OperationKind,
    target: &str,
) -> (NodeWanted, GroupWanted) {
    store.begin_operation(&cluster(), &operation(number, kind, target)).await.unwrap();
    let cancelled = store.cancel_operation(&cluster(), &cancellation(number)).await.unwrap();
    assert_eq!((cancelled.state, cancelled.phase), (OperationState::Cancelled, OperationPhase::Ended));
    assert_eq!(store.operation(id(number)).await.unwrap(), cancelled);
    let now = load(store).await;
    assert!(now.operations.iter().all(|running| running.id != id(number)));
    (now.nodes[&node("bts1")].wanted, now.groups[&group("ftp")].wanted)
}

pub async fn what_a_cancelled_operation_wanted_is_taken_back(store: Arc<dyn Store>) {
    reigned(&store).await;
    use OperationKind::{Drain, Move, Offline, Online};
    let wanted = async |number, kind, target: &str| cancelled(&store, number, kind, target).await;
    assert_eq!(wanted(1, Drain, "bts1").await, (NodeWanted::Active, GroupWanted::Online));
    let change = &store.changes(&cluster(), None, 1).await.unwrap()[0];
    assert_eq!(
        (change.action, change.message.as_str()),
        (ChangeAction::Cancel, "cancelled drain of node bts1: wrong node")
    );
    let event = store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap().pop().unwrap();
    assert_eq!(
        (event.kind, event.message.as_str()),
        (EventKind::OperationEnded, "alice cancelled drain of node bts1: wrong node")
    );

    assert_eq!(wanted(4, Offline, "ftp").await.1, GroupWanted::Online);
    let generation = load(&store).await.generation;
    assert_eq!(wanted(5, Online, "ftp").await.1, GroupWanted::Online, "it was wanted online before");
    assert_eq!(wanted(6, Move, "ftp").await.1, GroupWanted::Online);
    assert_eq!(load(&store).await.generation, generation, "these changed nothing that is wanted");
}

pub async fn to_cancel_goes_back_to_what_was_wanted_before(store: Arc<dyn Store>) {
    reigned(&store).await;
    use OperationKind::{Drain, Pause};
    let wanted = async |number| cancelled(&store, number, Drain, "bts1").await.0;
    store.begin_operation(&cluster(), &operation(2, Pause, "bts1")).await.unwrap();
    assert_eq!(wanted(3).await, NodeWanted::Paused);
    // A drain that takes the place of another one goes back to before that.
    store.begin_operation(&cluster(), &operation(7, Drain, "bts1")).await.unwrap();
    assert_eq!(wanted(8).await, NodeWanted::Paused);
    let (before, events) = (load(&store).await, store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap());
    let again = store.cancel_operation(&cluster(), &cancellation(8)).await.unwrap();
    assert_eq!(again.state, OperationState::Cancelled);
    assert_eq!(
        (load(&store).await, store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap()),
        (before, events)
    );
    let unknown = store.cancel_operation(&cluster(), &cancellation(99)).await;
    assert!(matches!(unknown, Err(Error::NotFound { kind: "operation", .. })), "{unknown:?}");
}

async fn refused(store: &Arc<dyn Store>, number: u128, words: &str) {
    let before = load(store).await;
    let answer = store.cancel_operation(&cluster(), &cancellation(number)).await;
    assert!(matches!(&answer, Err(Error::NotNow(why)) if why.contains(words)), "{words}: {answer:?}");
    assert_eq!(load(store).await, before);
}

async fn begin(store: &Arc<dyn Store>, number: u128, kind: OperationKind, target: &str) {
    store.begin_operation(&cluster(), &operation(number, kind, target)).await.unwrap();
}

pub async fn what_was_stopped_for_an_operation_is_not_taken_back(store: Arc<dyn Store>) {
    reigned(&store).await;
    let releasing = Placement { phase: PlacementPhase::Releasing { decision: Decision(2) }, ..held("bts1", 1) };
    commit(&store, placed(held("bts1", 1))).await.unwrap();
    begin(&store, 1, OperationKind::Move, "ftp").await;
    commit(&store, placed(releasing.clone())).await.unwrap();
    refused(&store, 1, "bts1 is told to let go of ftp already").await;
    // It is on its way: no longer held by the one, not yet by the other.
    let released = PlacementPhase::Released {
        proof: ReleaseProof::Acknowledged,
        evidence: "it said so".to_owned(),
        at: at(12),
        cause: Some(Cause::OperatorMove),
    };
    let open = FailoverRecord { cause: Cause::OperatorMove, ..failover(500, 11, Outcome::InProgress) };
    let on_its_way = placed(Placement { phase: released, ..held("bts1", 1) });
    commit(&store, Effects { failovers: vec![open], ..on_its_way }).await.unwrap();
    refused(&store, 1, "has left its owner already").await;
    commit(&store, placed(held("bts2", 2))).await.unwrap();
    refused(&store, 1, "has left its owner already").await;

    begin(&store, 2, OperationKind::Online, "ftp").await;
    refused(&store, 2, "starts on bts2 already").await;
    commit(&store, placed(Placement { epoch: Epoch(2), ..releasing.clone() })).await.unwrap();
    refused(&store, 2, "is told to let go").await;
    commit(&store, placed(held("bts2", 2))).await.unwrap();
    begin(&store, 3, OperationKind::Offline, "ftp").await;
    commit(&store, placed(Placement { epoch: Epoch(2), ..releasing })).await.unwrap();
    refused(&store, 3, "is told to let go").await;
}

pub async fn what_counts_at_once_is_not_taken_back(store: Arc<dyn Store>) {
    reigned(&store).await;
    for (number, kind, target) in [
        (4, OperationKind::Reset, "ftp"),
        (5, OperationKind::Pause, "bts3"),
        (6, OperationKind::Resume, "bts3"),
        (7, OperationKind::ConfirmDown, "bts3"),
    ] {
        begin(&store, number, kind, target).await;
        refused(&store, number, if number == 7 { "it counts until bts3 answers" } else { "counts at once" }).await;
    }
    refused(&store, 5, "pause of bts3 has ended already (superseded)").await;
    begin(&store, 8, OperationKind::Drain, "bts3").await;
    let mut active = three_nodes();
    active.nodes[2].wanted = Some(NodeWanted::Active);
    store.put_topology(&active, Expect::Anything, &alice(), at(13)).await.unwrap();
    refused(&store, 8, "no longer wanted drained").await;
}

/// A loop that has loaded the cluster, and not committed yet, does not do what was taken back meanwhile.
pub async fn a_plan_made_before_a_cancellation_is_outrun(store: Arc<dyn Store>) {
    reigned(&store).await;
    commit(&store, placed(held("bts1", 1))).await.unwrap();
    store.begin_operation(&cluster(), &operation(1, OperationKind::Move, "ftp")).await.unwrap();
    let seen = load(&store).await;
    store.cancel_operation(&cluster(), &cancellation(1)).await.unwrap();
    let releasing = Placement { phase: PlacementPhase::Releasing { decision: Decision(9) }, ..held("bts1", 1) };
    let late = Effects { decision: Decision(9), ..placed(releasing) };
    let late = store.commit(&cluster(), &basis(&seen), &late).await;
    assert!(matches!(late, Err(Error::Outrun)), "{late:?}");
    assert_eq!(load(&store).await.groups[&group("ftp")].placement, held("bts1", 1));
}

pub async fn operations_are_found_by_what_they_are(store: Arc<dyn Store>) {
    reigned(&store).await;
    let kinds = [(1, OperationKind::Drain, "bts1"), (2, OperationKind::Move, "ftp"), (3, OperationKind::Drain, "bts2")];
    for (number, kind, target) in kinds {
        let at = at(10 * i64::try_from(number).unwrap());
        let new = NewOperation { at, ..operation(number, kind, target) };
        store.begin_operation(&cluster(), &new).await.unwrap();
    }
    store.cancel_operation(&cluster(), &cancellation(3)).await.unwrap();
    let found = async |filter: OperationFilter| {
        let found = store.operations(&OperationFilter { limit: 9, ..filter }).await.unwrap();
        found.iter().map(|operation| operation.id.as_u128()).collect::<Vec<_>>()
    };
    let all = OperationFilter::default;
    assert_eq!(found(all()).await, [3, 2, 1]);
    assert_eq!(found(OperationFilter { state: Some(OperationState::Running), ..all() }).await, [2, 1]);
    assert_eq!(found(OperationFilter { kind: Some(OperationKind::Drain), ..all() }).await, [3, 1]);
    assert_eq!(found(OperationFilter { target: Some("bts1".to_owned()), ..all() }).await, [1]);
    assert_eq!(found(OperationFilter { since: Some(at(20)), ..all() }).await, [3, 2]);
    assert_eq!(found(OperationFilter { until: Some(at(20)), ..all() }).await, [1]);
    assert_eq!(found(OperationFilter { before: Some(id(3)), ..all() }).await, [2, 1]);
    let elsewhere = OperationFilter { cluster: Some("d".parse().unwrap()), limit: 9, ..all() };
    assert!(matches!(store.operations(&elsewhere).await, Err(Error::NotFound { kind: "cluster", .. })));
}
