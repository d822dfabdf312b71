//! Is the node that is found at once the one with the smallest rank of all?

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bar, Search};
use crate::domain::{
    AntiAffinity, Epoch, Generation, GroupName, NodeName, NodeState, NodeWanted, ResourceType, TopologySpec,
};
use crate::planner::affinity::{self, Neighbours};
use crate::planner::draft::Draft;
use crate::planner::judgement::{Judgement, Verdict};
use crate::planner::load::Loads;
use crate::planner::plan::Place;
use crate::planner::snapshot::Snapshot;
use crate::planner::standing::At;

const NODES: usize = 6;
const GROUPS: usize = 9;

/// By ranking every node.
fn naive<'a>(judgement: &Judgement<'a>, but: Option<&NodeName>) -> Option<&'a NodeName> {
    let ranks = judgement.verdicts.iter().filter_map(|(_, verdict)| match verdict {
        Verdict::For(praise) => Some(&praise.rank),
        Verdict::Against(_) => None,
    });
    ranks.filter(|rank| but != Some(rank.name)).min().map(|rank| rank.name)
}

/// The same answers for every group, whatever is out of the question.
fn same_answers(draft: &Draft<'_>) {
    for group in &draft.snapshot.groups {
        let bars = draft.snapshot.nodes.keys().map(|node| Some((node, "barred")));
        for bar in bars.chain([None::<(&NodeName, &'static str)>]) {
            let bar: Bar<'_> = bar;
            let search = Search::new(draft, group, bar);
            let judgement = search.judge();
            assert_eq!(search.best(), naive(&judgement, None), "{} with {bar:?} barred", group.0);
            for but in draft.snapshot.nodes.keys() {
                assert_eq!(search.best_but(but), naive(&judgement, Some(but)), "{} but {but}", group.0);
            }
        }
    }
}

/// What was kept up to date is what is counted anew.
fn same_counts(draft: &Draft<'_>) {
    let groups = draft.groups().filter_map(|(_, view, standing)| Some((standing.destination()?, view.spec.priority)));
    let loads = Loads::new(draft.snapshot, &draft.facts, groups);
    let mut neighbours = Neighbours::default();
    for group in &draft.snapshot.groups {
        let at = At::of(draft, group, draft.standing(group.0));
        at.kept_free.iter().for_each(|node| neighbours.add(group, node, loads.is_fit(node)));
    }
    assert_eq!(draft.loads, loads);
    for group in &draft.snapshot.groups {
        assert_eq!(draft.neighbours.taken(group.1), neighbours.taken(group.1));
        for node in draft.snapshot.nodes.keys() {
            assert_eq!(draft.mate_on(group, node), affinity::mate_on(&neighbours, group, node));
        }
    }
}

fn name(index: usize) -> String {
    format!("n{index}")
}

fn document(groups: &[Value]) -> TopologySpec {
    let node = |index| {
        let domain = format!("rack-{}", index % 2);
        json!({ "name": name(index), "agent": format!("http://n{index}:7441"), "fault_domain": domain })
    };
    let nodes: Vec<Value> = (0..NODES).map(node).collect();
    serde_json::from_value(json!({ "cluster": "lab", "nodes": nodes, "groups": groups })).unwrap()
}

fn some_nodes() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence((0..NODES).map(name).collect::<Vec<_>>(), 0..=NODES).prop_shuffle()
}

fn a_group(index: usize) -> impl Strategy<Value = Value> {
    let owners = proptest::option::weighted(0.3, some_nodes());
    let priority = proptest::sample::select(vec!["low", "medium", "high"]);
    let kind = proptest::sample::select(vec![
        json!({ "type": "process", "command": ["run"] }),
        json!({ "type": "systemd", "unit": "run.service" }),
    ]);
    let classes = proptest::sample::subsequence(vec!["x", "y", "z"], 0..=2);
    (some_nodes(), owners, priority, kind, classes).prop_map(move |(preferred, owners, priority, mut resource, classes)| {
        resource["name"] = json!("run");
        if let Some(owners) = owners.filter(|owners| !owners.is_empty()) {
            resource["possible_owners"] = json!(owners);
        }
        let preferred = if index.is_multiple_of(3) { preferred } else { Vec::new() };
        json!({ "name": format!("g{index}"), "preferred_owners": preferred, "priority": priority, "resources": [resource], "anti_affinity": classes })
    })
}

/// What becomes of a node: most are fit for everything.
fn a_state() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::weighted(
        0.4,
        proptest::sample::select(vec![
            "down",
            "silent",
            "paused",
            "drained",
            "retired",
            "refusing",
            "unheard",
            "no driver",
            "maintained",
            "flapping",
            "in one rack",
        ]),
    )
}

fn a_placement() -> impl Strategy<Value = (usize, Value, bool)> {
    let at = "2026-01-01T11:59:00Z";
    let released =
        |cause: &str| json!({ "phase": "released", "proof": "acknowledged", "evidence": "", "at": at, "cause": cause });
    let phase = proptest::sample::select(vec![
        json!({ "phase": "never" }),
        json!({ "phase": "held" }),
        json!({ "phase": "releasing", "decision": 1 }),
        released("node_lost"),
        released("resource_failed"),
    ]);
    (0..NODES, phase, any::<bool>())
}

fn a_snapshot() -> impl Strategy<Value = Snapshot> {
    let groups: Vec<_> = (0..GROUPS).map(a_group).collect();
    let states = proptest::collection::vec(a_state(), NODES);
    let placements = proptest::collection::vec(a_placement(), GROUPS);
    (groups, states, placements, any::<bool>()).prop_map(|(groups, states, placements, enforced)| {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let empty = Snapshot::empty("lab".parse().unwrap(), Generation(1), now);
        let mut snapshot = crate::planner::with_topology(empty, &document(&groups));
        snapshot.policy.anti_affinity = if enforced { AntiAffinity::Enforced } else { AntiAffinity::Soft };
        for (node, state) in snapshot.nodes.values_mut().zip(states) {
            match state {
                Some("down") => node.seen.state = NodeState::Down,
                Some("silent") => node.seen.state = NodeState::Unreachable,
                Some("paused") => node.wanted = NodeWanted::Paused,
                Some("drained") => node.wanted = NodeWanted::Drained,
                Some("retired") => node.retired = true,
                Some("refusing") => node.seen.problem = Some("it refuses".to_owned()),
                Some("unheard") => node.seen.answered = false,
                Some("maintained") => {
                    let word = json!({ "owner": "ann", "reason": "disks", "until": "2026-01-02T12:00:00Z" });
                    node.spec.maintenance = Some(serde_json::from_value(word).unwrap());
                }
                Some("flapping") => node.losses.moments = vec![now; 3],
                Some("in one rack") => node.spec.fault_domain = Some("rack-0".to_owned()),
                Some(_) => _ = node.seen.drivers.remove(&ResourceType::Systemd),
                None => {}
            }
        }
        for (group, (node, phase, failed)) in snapshot.groups.values_mut().zip(placements) {
            let never = phase["phase"] == "never";
            group.placement.phase = serde_json::from_value(phase).unwrap();
            group.placement.last_owner = (!never).then(|| name(node).parse().unwrap());
            group.placement.epoch = Epoch(u64::from(!never));
            let past = json!({ "cause": "resource_failed", "from": name((node + 1) % NODES), "at": now });
            group.recent = if failed { vec![serde_json::from_value(past).unwrap()] } else { Vec::new() };
        }
        snapshot
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_first_found_is_the_best_of_all(
        snapshot in a_snapshot(),
        moves in proptest::collection::vec((0..GROUPS, 0..NODES), 0..6),
    ) {
        let mut draft = Draft::new(&snapshot);
        same_answers(&draft);
        for (group, node) in moves {
            let group: GroupName = format!("g{group}").parse().unwrap();
            let to = name(node).parse().unwrap();
            draft.place(Place { group, to, epoch: Epoch(2), failover: None, by_operator: false, reason: String::new() });
            same_answers(&draft);
            same_counts(&draft);
        }
    }
}
