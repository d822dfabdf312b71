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
    let page = store.operations(Some(&cluster()), Some(id(4)), 2).await.unwrap();
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
