//! Is the desired state what was accepted last, and does what is absent go only when nothing holds it?

use super::*;

pub async fn a_topology_is_created_kept_and_replaced(store: Arc<dyn Store>) {
    reigned(&store).await;
    let first = store.topology(&cluster()).await.unwrap();
    let (stored, generation) = (&first.spec, first.generation);
    assert_eq!(generation, Generation(1));
    assert_eq!(stored.nodes[0].wanted, Some(NodeWanted::Active));
    let same = store.put_topology(&three_nodes(), Expect::At(generation), &alice(), at(5)).await.unwrap();
    assert!(!same.changed && !same.created && same.generation == generation);

    let mut edited = three_nodes();
    edited.nodes[1].agent = "http://127.0.0.1:9".to_owned();
    let accepted = store.put_topology(&edited, Expect::Anything, &alice(), at(6)).await.unwrap();
    assert!(accepted.changed && accepted.generation == Generation(2));
    assert_eq!(store.topology(&cluster()).await.unwrap().spec.nodes[1].agent, "http://127.0.0.1:9");
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

pub async fn a_cluster_is_deleted_only_as_its_writer_expects_it(store: Arc<dyn Store>) {
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    let present = store.topology(&cluster()).await.unwrap().generation;
    for expect in [Expect::Absent, Expect::At(present.next())] {
        let refused = store.delete_cluster(&cluster(), expect, &alice(), at(7)).await;
        assert!(matches!(refused, Err(Error::Exists { .. } | Error::Conflict { .. })), "{refused:?}");
    }
    // Asked in the transaction: what a caller has read of the policy may be past.
    let mut strict = three_nodes();
    strict.policy.require_if_match = true;
    let present = store.put_topology(&strict, Expect::At(present), &alice(), at(7)).await.unwrap().generation;
    let unsaid = [
        store.delete_cluster(&cluster(), Expect::Anything, &alice(), at(7)).await,
        store.put_topology(&three_nodes(), Expect::Anything, &alice(), at(7)).await.map(drop),
    ];
    assert!(unsaid.iter().all(|it| matches!(it, Err(Error::Unsaid { actual }) if *actual == present)), "{unsaid:?}");
    store.delete_cluster(&cluster(), Expect::At(present), &alice(), at(8)).await.unwrap();
}

pub async fn a_cluster_goes_only_when_nothing_has_an_owner_and_its_history_stays(store: Arc<dyn Store>) {
    reigned(&store).await;
    commit(&store, placed(held("bts1", 1))).await.unwrap();
    let refused = store.delete_cluster(&cluster(), Expect::Anything, &alice(), at(5)).await.unwrap_err();
    assert!(refused.to_string().contains("ftp on bts1"), "{refused}");
    let at_rest = PlacementPhase::Released {
        proof: ReleaseProof::Acknowledged,
        evidence: "it said so".to_owned(),
        at: at(6),
        cause: Some(Cause::Drain),
    };
    commit(&store, placed(Placement { phase: at_rest, ..held("bts1", 1) })).await.unwrap();
    store.begin_operation(&cluster(), &operation(1, OperationKind::Move, "ftp")).await.unwrap();
    store.delete_cluster(&cluster(), Expect::Anything, &alice(), at(7)).await.unwrap();
    assert!(store.clusters().await.unwrap().is_empty());
    assert!(matches!(store.topology(&cluster()).await, Err(Error::NotFound { kind: "cluster", .. })));
    assert_eq!(store.changes(&cluster(), None, 1).await.unwrap()[0].action, ChangeAction::DeleteCluster);
    assert_eq!(store.operation(id(1)).await.unwrap().state, OperationState::Superseded);
    let again = store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(8)).await.unwrap();
    assert!(again.created);
}

fn replacement(spec: impl Into<Arc<TopologySpec>>, on: u64) -> Replacement {
    let (action, message) = (ChangeAction::PutNode, "put node bts2".to_owned());
    let object = "nodes/bts2".to_owned();
    let spec = spec.into();
    let (id, after, actor) = (uuid::Uuid::now_v7(), None, alice());
    Replacement { spec, id, on: Generation(on), after, action, message, object, actor, at: at(6), answer: None }
}

pub async fn a_replacement_rests_on_a_generation(store: Arc<dyn Store>) {
    reigned(&store).await;
    store.begin_operation(&cluster(), &operation(1, OperationKind::Drain, "bts2")).await.unwrap();
    let drained = store.topology(&cluster()).await.unwrap();
    assert_eq!(drained.spec.nodes[1].wanted, Some(NodeWanted::Drained));
    let stale = store.replace_topology(&replacement(three_nodes(), 1)).await;
    assert!(matches!(stale, Err(Error::Conflict { actual: Generation(2), .. })));
    assert_eq!(store.topology(&cluster()).await.unwrap(), drained);
    let nobody = Replacement {
        spec: TopologySpec { cluster: "nobody".parse().unwrap(), ..three_nodes() }.into(),
        ..replacement(three_nodes(), 0)
    };
    assert!(matches!(store.replace_topology(&nobody).await, Err(Error::NotFound { .. })));
}

pub async fn a_replacement_rests_on_the_one_that_it_names(store: Arc<dyn Store>) {
    reigned(&store).await;
    let mut edited = three_nodes();
    edited.nodes[0].fault_domain = Some("rack-a".to_owned());
    let (first, mut second) = (replacement(edited.clone(), 1), replacement(three_nodes(), 2));
    second.after = Some(first.id);
    // Something else makes the generation that the first one was to make.
    store.begin_operation(&cluster(), &operation(1, OperationKind::Drain, "bts2")).await.unwrap();
    for late in [&first, &second] {
        let refused = store.replace_topology(late).await;
        assert!(matches!(refused, Err(Error::Conflict { actual: Generation(2), .. })), "{refused:?}");
    }
    let (first, mut second) = (replacement(edited, 2), replacement(three_nodes(), 3));
    second.after = Some(first.id);
    store.replace_topology(&first).await.unwrap();
    store.replace_topology(&second).await.unwrap();
    assert_eq!(store.topology(&cluster()).await.unwrap().generation, Generation(4));
}

pub async fn a_replacement_is_exact_and_told_in_words(store: Arc<dyn Store>) {
    reigned(&store).await;
    store.begin_operation(&cluster(), &operation(1, OperationKind::Drain, "bts2")).await.unwrap();
    let mut edited = three_nodes();
    edited.nodes[0].maintenance =
        Some(locum::domain::Maintenance { owner: "alice".to_owned(), reason: "disks".to_owned(), until: at(99) });
    let accepted = store.replace_topology(&replacement(edited.clone(), 2)).await.unwrap();
    assert!(accepted.changed && !accepted.created && accepted.generation == Generation(3));
    let stored = store.topology(&cluster()).await.unwrap();
    assert_eq!(stored.spec.nodes[1].wanted, Some(NodeWanted::Active), "what is absent is not kept");
    assert_eq!(stored.spec.nodes[0].maintenance, edited.nodes[0].maintenance);
    let generations: Vec<_> = stored.objects.nodes.values().map(|generation| generation.0).collect();
    assert_eq!((generations, stored.objects.groups[&group("ftp")]), (vec![3, 3, 1], Generation(1)));
    let change = store.changes(&cluster(), None, 1).await.unwrap().remove(0);
    assert_eq!((change.action, change.message.as_str()), (ChangeAction::PutNode, "put node bts2"));
    let event = store.events(&cluster(), &EventFilter::after(0, 99)).await.unwrap().pop().unwrap();
    assert_eq!((event.subject.as_str(), event.message.as_str()), ("nodes/bts2", "alice put node bts2 (generation 3)"));
}

pub async fn operator_state_goes_only_where_a_replacement_leaves_it_out(store: Arc<dyn Store>) {
    reigned(&store).await;
    let mut edited = three_nodes();
    edited.nodes[0].maintenance =
        Some(locum::domain::Maintenance { owner: "alice".to_owned(), reason: "disks".to_owned(), until: at(99) });
    store.replace_topology(&replacement(edited.clone(), 1)).await.unwrap();
    let again = store.replace_topology(&replacement(edited.clone(), 2)).await.unwrap();
    assert!(!again.changed && again.generation == Generation(2));
    store.put_topology(&three_nodes(), Expect::Anything, &alice(), at(7)).await.unwrap();
    let kept = store.topology(&cluster()).await.unwrap().spec.clone();
    assert_eq!(kept.nodes[0].maintenance, edited.nodes[0].maintenance, "a document that says nothing of it keeps it");
    store.replace_topology(&replacement(three_nodes(), 2)).await.unwrap();
    assert_eq!(store.topology(&cluster()).await.unwrap().spec.nodes[0].maintenance, None);
}

/// Changes of a larger topology, of which only what they touch is kept, and now and then the whole.
pub async fn history_is_whole_whatever_a_change_touched(store: Arc<dyn Store>) {
    let group = |number: usize, tries: usize| {
        serde_json::json!({ "name": format!("g{number}"), "failover": { "max_failovers": tries },
            "resources": [{ "name": "run", "type": "process", "command": ["/opt/run"] }] })
    };
    let document = |groups: &[(usize, usize)], handlers: bool| {
        let groups: Vec<_> = groups.iter().map(|(number, tries)| group(*number, *tries)).collect();
        let mut document = serde_json::json!({ "cluster": cluster(), "groups": groups,
            "nodes": [{ "name": "bts1", "agent": "http://127.0.0.1:1" }],
            "hosts": [{ "name": "recv", "instances": [{ "node": "bts1" }],
                "run": { "type": "process", "command": ["/opt/run"] } }] });
        if handlers {
            document["handlers"] =
                serde_json::json!([{ "name": "in", "adapter": "file", "direction": "receive", "host": "recv" }]);
        }
        locum::domain::topology::parse(&document).unwrap().with_operator_state(None)
    };
    let mut groups: Vec<(usize, usize)> = (0..8).map(|number| (number, 1)).collect();
    store.put_topology(&document(&groups, false), Expect::Absent, &alice(), at(0)).await.unwrap();
    let mut wanted = vec![None, Some(document(&groups, false))];
    for step in 0..150_usize {
        match step % 10 {
            // Moved to the front, which moves all others.
            3 => groups.rotate_right(1),
            5 => drop(groups.remove(step % groups.len())),
            6 => groups.insert(step % groups.len(), (8 + step, 1)),
            _ => groups[step * 7 % 8 % 7].1 += 1,
        }
        let next = document(&groups, step % 4 == 0);
        let generation = u64::try_from(wanted.len()).unwrap() - 1;
        let accepted = store.replace_topology(&replacement(next.clone(), generation)).await.unwrap();
        assert!(accepted.changed, "step {step}");
        wanted.push(Some(next));
    }
    let expected: Vec<_> =
        wanted.iter().map(|spec| spec.as_ref().map(|spec| serde_json::to_value(spec).unwrap())).collect();
    for limit in [1, 7, 200] {
        let mut before = None;
        loop {
            let page = store.changes(&cluster(), before, limit).await.unwrap();
            for change in &page {
                let at = usize::try_from(change.generation.0).unwrap();
                assert_eq!((&change.before, &change.after), (&expected[at - 1], &expected[at]), "generation {at}");
            }
            let Some(last) = page.last() else { break };
            before = Some(last.generation);
        }
    }
    let stored = store.topology(&cluster()).await.unwrap();
    let ahead = stored.replaced_by(document(&groups[1..], true).into(), stored.generation.next());
    store.replace_topology(&replacement(ahead.spec.clone(), stored.generation.0)).await.unwrap();
    assert_eq!(*store.topology(&cluster()).await.unwrap(), ahead, "what comes is known before");
}

pub async fn a_cluster_is_created_with_the_answer_of_its_call(store: Arc<dyn Store>) {
    let answer = |key: &str| KeptAnswer {
        key: key.to_owned(),
        request: "r".to_owned(),
        status: 201,
        etag: Some("\"1\"".to_owned()),
        location: Some("/v1/clusters/c".to_owned()),
        body: Some("{}".to_owned()),
        at: at(1),
    };
    let made = store.create_cluster(&three_nodes(), &alice(), at(1), keeping(answer("k"))).await.unwrap();
    assert_eq!((made.created, made.generation), (true, Generation(1)));
    assert_eq!(store.kept_answer("k", at(0)).await.unwrap(), Some(answer("k")));
    let again = store.create_cluster(&three_nodes(), &alice(), at(2), keeping(answer("l"))).await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
    assert_eq!(store.kept_answer("l", at(0)).await.unwrap(), None, "what was refused is not remembered");
}

fn keeping(answer: KeptAnswer) -> Option<AnswerOf> {
    Some(Box::new(move |_| Ok(answer)))
}

pub async fn a_cluster_that_comes_again_goes_on_with_its_numbers(store: Arc<dyn Store>) {
    let mut newest = (Generation(0), 0);
    for round in 0..3 {
        let created = store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(round)).await.unwrap();
        let stored = store.topology(&cluster()).await.unwrap();
        assert_eq!((created.created, created.generation, stored.generation), (true, newest.0.next(), newest.0.next()));
        assert_eq!(stored.objects.nodes[&node("bts1")], created.generation);
        let events = store.events(&cluster(), &EventFilter::after(newest.1, 9)).await.unwrap();
        assert_eq!(events[0].sequence, newest.1 + 1);
        let late = store.put_topology(&three_nodes(), Expect::At(newest.0), &alice(), at(round)).await;
        assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
        store.delete_cluster(&cluster(), Expect::At(created.generation), &alice(), at(round)).await.unwrap();
        assert!(store.prune(None, at(1_000_000_000), 500).await.is_ok());
        let gone = store.changes(&cluster(), None, 1).await.unwrap()[0].generation;
        newest = (gone, store.newest_event(&cluster()).await.unwrap());
    }
}
