//! Is the desired state what was accepted last, and does what is absent go only when nothing holds it?

use super::*;

pub async fn a_topology_is_created_kept_and_replaced(store: Arc<dyn Store>) {
    reigned(&store).await;
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

pub async fn what_is_absent_retires_while_anything_may_hold_it(store: Arc<dyn Store>) {
    reigned(&store).await;
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

pub async fn a_cluster_goes_only_when_nothing_has_an_owner_and_its_history_stays(store: Arc<dyn Store>) {
    reigned(&store).await;
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
