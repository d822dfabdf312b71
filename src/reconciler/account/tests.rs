//! Does a reign over a restored database start what another node may start as well?

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::Epoch;
use crate::planner::snapshot::{GroupView, NodeSeen, NodeView};

const NOW: Ticks = Ticks(1_000_000);

fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}

/// Stored: n1 has the group under epoch 1. Both nodes hold leases of 5 s, from a reign that is over.
fn restored() -> (Account, Snapshot) {
    let wall: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let group = json!({"name": "ftp", "resources": [{"name": "r", "type": "process", "command": ["/bin/true"]}]});
    let assigned =
        json!({"group": "ftp", "epoch": 1, "owner_set": ["n1", "n2"], "resources": group["resources"].clone()});
    let view = |name: &str, groups: serde_json::Value| NodeView {
        spec: serde_json::from_value(json!({"name": name, "agent": format!("http://{name}:1")})).unwrap(),
        wanted: crate::domain::NodeWanted::Active,
        retired: false,
        confirmed_down: None,
        assignment: Assignment { groups: serde_json::from_value(groups).unwrap(), ..Assignment::default() },
        assigned_at: Decision(1),
        losses: crate::domain::Losses::default(),
        seen: NodeSeen::unheard(wall),
    };
    let held = json!({"epoch": 1, "last_owner": "n1", "phase": {"phase": "held"}});
    let snapshot = Snapshot {
        decision: Decision(1),
        term: Term(2),
        nodes: [(node("n1"), view("n1", json!([assigned]))), (node("n2"), view("n2", json!([])))].into(),
        groups: [("ftp".parse().unwrap(), group_view(group, held))].into(),
        ..Snapshot::empty("c".parse().unwrap(), crate::domain::Generation(1), wall)
    };
    let agents = vec![(node("n1"), Uuid::from_u128(1)), (node("n2"), Uuid::from_u128(2))];
    let longest_lease = Duration::from_secs(5);
    let reign = Reign {
        cluster_id: Uuid::nil(),
        id: Uuid::from_u128(9),
        term: Term(2),
        longest_lease,
        agents,
        restored: false,
    };
    let began = Moment { ticks: NOW, wall };
    let account = Account::new("c".parse().unwrap(), reign, began, &snapshot.settings);
    account.track(&snapshot);
    (account, snapshot)
}

fn group_view(spec: serde_json::Value, placement: serde_json::Value) -> GroupView {
    GroupView {
        spec: serde_json::from_value(spec).unwrap(),
        wanted: crate::domain::GroupWanted::Online,
        retired: false,
        placement: serde_json::from_value(placement).unwrap(),
        failed: None,
        open: None,
        recent: Vec::new(),
    }
}

/// An agent says what it has, running or not.
fn hear(account: &Account, number: u128, groups: &[u64], now: Ticks) {
    let name = node(&format!("n{number}"));
    let group = |epoch: &u64| {
        json!({"group": "ftp", "epoch": Epoch(*epoch), "state": "pending", "running": false, "begun_at": null,
            "online_at": null, "failure": null, "resources": []})
    };
    let observation: Observation = serde_json::from_value(json!({
        "agent_id": Uuid::from_u128(number), "node": name, "revision": 1, "lease_left_ms": 4000, "drivers": ["process"],
        "stamp": {"incarnation": Uuid::from_u128(10 + number), "ticks": now}, "applied": {"term": 1, "decision": 1},
        "groups": groups.iter().map(group).collect::<Vec<_>>(),
        "epochs": groups.iter().map(|epoch| json!(["ftp", epoch])).collect::<Vec<_>>(),
    }))
    .unwrap();
    let Observation { stamp, revision, applied, .. } = observation;
    let heading = Heading { agent: Uuid::from_u128(number), stamp, revision, applied, asked_at: now };
    let wall: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(account.heard(&name, &heading, Moment { ticks: now, wall }), Next::Believe);
    account.observed(&name, observation, wall);
}

fn grant_to_n1(account: &Account, snapshot: &Snapshot, now: Ticks) -> Option<Decision> {
    let mut snapshot = snapshot.clone();
    let lapses = account.look(&mut snapshot, now);
    account.decide(&snapshot, &lapses, now);
    account.grant(&node("n1"), now).decision
}

#[test]
fn the_stored_owner_waits_while_another_node_was_assigned_the_group_and_may_hold_a_lease() {
    let (account, snapshot) = restored();
    hear(&account, 1, &[], NOW);
    // It does not run it at the moment: it waits to restart it, under the lease that it has.
    hear(&account, 2, &[2], NOW);
    assert_eq!(grant_to_n1(&account, &snapshot, NOW), None);
    // Its lease has passed: it answers, but may start nothing.
    let later = NOW.plus(Duration::from_millis(5_150));
    hear(&account, 1, &[], later);
    hear(&account, 2, &[2], later);
    assert_eq!(grant_to_n1(&account, &snapshot, later), Some(Decision(1)));
}

#[test]
fn the_stored_owner_starts_at_once_when_nobody_else_has_the_group() {
    let (account, snapshot) = restored();
    hear(&account, 1, &[], NOW);
    hear(&account, 2, &[], NOW);
    assert_eq!(grant_to_n1(&account, &snapshot, NOW), Some(Decision(1)));
}

#[test]
fn another_agent_is_kept_out_while_the_one_before_may_run_an_instance() {
    let (account, mut snapshot) = restored();
    let instance = json!([{"host": "h", "resource": {"name": "h", "type": "process", "command": ["x"]}}]);
    let n2 = snapshot.nodes.get_mut(&node("n2")).unwrap();
    n2.assignment.instances = serde_json::from_value(instance).unwrap();
    account.track(&snapshot);
    let at = |micros| Moment { ticks: Ticks(micros), wall: snapshot.now };
    let heading = |agent, at: Moment| Heading {
        agent: Uuid::from_u128(agent),
        stamp: Stamp { incarnation: Uuid::from_u128(agent), ticks: at.ticks },
        revision: Revision(1),
        applied: None,
        asked_at: at.ticks,
    };
    // Long after every lease.
    let late = at(NOW.0 + 60_000_000);
    account.look(&mut snapshot.clone(), late.ticks);
    assert_eq!(account.heard(&node("n2"), &heading(7, late), late), Next::Doubt);
    let said = account.take_events().into_iter().find(|event| event.kind == crate::domain::EventKind::AgentRefused);
    let said = said.unwrap();
    assert!(said.message.contains("may still run an instance of h"), "{}", said.message);
    assert_eq!(account.heard(&node("n2"), &heading(2, late), late), Next::Believe, "itself is heard");

    let reason = Some("it was scrapped".to_owned());
    let word = crate::domain::Confirmation {
        actor: crate::domain::Actor("ann".to_owned()),
        reason,
        at: late.wall + jiff::SignedDuration::from_secs(1),
    };
    let (account, _) = restored();
    snapshot.nodes.get_mut(&node("n2")).unwrap().confirmed_down = Some(word);
    account.track(&snapshot);
    account.look(&mut snapshot, late.ticks);
    assert_eq!(account.heard(&node("n2"), &heading(7, late), late), Next::Record(Uuid::from_u128(7)));
}
