//! Is a bad end found: something that is not as wanted, a record that is open, a write that is not there?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use locum::domain::*;
use locum::planner::Snapshot;
use locum::planner::snapshot::{GroupView, NodeSeen, NodeView, SeenGroup};
use serde_json::json;
use uuid::Uuid;

use super::tale::{Tale, placed, record, released};
use crate::history::Rows;

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// One group of one resource, online on n1 under epoch 1.
fn snapshot() -> Snapshot {
    let group = json!({ "name": "ftp", "resources": [{ "name": "run", "type": "process", "command": ["run"] }] });
    let spec: Arc<GroupSpec> = serde_json::from_value(group).unwrap();
    let (name, owner): (GroupName, NodeName) = ("ftp".parse().unwrap(), "n1".parse().unwrap());
    let assigned = GroupAssignment {
        group: name.clone(),
        epoch: Epoch(1),
        owner_set: vec![owner.clone()].into(),
        resources: spec.resources.clone(),
    };
    let seen_group = SeenGroup {
        epoch: Epoch(1),
        state: GroupState::Online,
        running: true,
        begun_at: Some(NOW),
        online_at: Some(NOW),
        failure: None,
        resources: Vec::new(),
    };
    let seen = NodeSeen {
        state: NodeState::Up,
        answered: true,
        applied: Some(Decision(1)),
        drivers: BTreeSet::from([ResourceType::Process]),
        groups: BTreeMap::from([(name.clone(), seen_group)]),
        ..NodeSeen::unheard(NOW)
    };
    let node = NodeView {
        spec: serde_json::from_value::<NodeSpec>(serde_json::json!({ "name": owner, "agent": "http://n1:7441" }))
            .unwrap(),
        wanted: NodeWanted::Active,
        retired: false,
        confirmed_down: None,
        assignment: Assignment { groups: vec![assigned], ..Assignment::default() },
        assigned_at: Decision(1),
        losses: Losses::default(),
        seen,
    };
    let placement =
        Placement { epoch: Epoch(1), last_owner: Some(owner.clone()), phase: PlacementPhase::Held, by_operator: false };
    let wanted = GroupWanted::Online;
    let view = GroupView { spec, wanted, retired: false, placement, failed: None, open: None, recent: Vec::new() };
    Snapshot {
        decision: Decision(1),
        term: Term(1),
        nodes: BTreeMap::from([(owner, node)]),
        groups: BTreeMap::from([(name, view)]),
        ..Snapshot::empty("lab".parse().unwrap(), Generation(1), NOW)
    }
}

fn rows() -> Rows {
    Rows {
        seen: snapshot(),
        stored: snapshot(),
        changes: Vec::new(),
        operations: Vec::new(),
        failovers: Vec::new(),
        events: Vec::new(),
    }
}

fn running() -> Tale {
    let mut tale = Tale::default();
    tale.commit(|effects| placed(effects, "ftp", "n1", 1)).started("ftp/run", "n1", 1);
    tale
}

#[test]
fn a_good_end_breaks_nothing() {
    let mut tale = running();
    assert_eq!(tale.settled(rows()).rules(), Vec::<&str>::new());
}

#[test]
fn a_group_that_is_not_online_is_found() {
    let mut tale = running();
    tale.ended("ftp/run", "n1", 1).settled(rows());
    assert_eq!(tale.rules(), ["I6"]);
}

#[test]
fn something_left_to_plan_is_found() {
    let mut left = rows();
    left.seen.groups.get_mut("ftp").unwrap().wanted = GroupWanted::Offline;
    let mut tale = running();
    assert_eq!(tale.settled(left).rules(), ["I6", "I6"], "it runs though it should not, and is to be released");
}

#[test]
fn a_failover_without_an_end_is_found() {
    let mut tale = running();
    tale.commit(|effects| effects.failovers.push(record(7, "ftp", "n1")));
    let mut open = rows();
    open.failovers.push(record(7, "ftp", "n1"));
    assert_eq!(tale.settled(open).rules(), ["I4"]);
}

#[test]
fn a_commit_that_is_not_there_is_found() {
    let mut tale = running();
    tale.commit(|effects| {
        released(effects, "ftp");
        placed(effects, "ftp", "n1", 2);
    });
    assert!(tale.settled(rows()).rules().contains(&"I5"), "{:?}", tale.rules());
    let mut tale = running();
    tale.commit(|effects| {
        effects.failovers.push(FailoverRecord { outcome: Outcome::Blocked, ..record(7, "ftp", "n1") })
    });
    assert_eq!(tale.settled(rows()).rules(), ["I5"]);
}

#[test]
fn an_acknowledged_write_that_is_gone_is_found() {
    let mut tale = running();
    tale.written_topology("ann-1", 1).settled(rows());
    assert_eq!(tale.rules(), ["I5"]);
    let mut tale = running();
    tale.accepted("ann-1", Uuid::from_u128(3)).settled(rows());
    assert_eq!(tale.rules(), ["I5"]);
    let mut tale = running();
    tale.backed_up().accepted("ann-1", Uuid::from_u128(3)).restored(0).settled(rows());
    assert_eq!(tale.rules(), Vec::<&str>::new(), "it went with the database");
}

#[test]
fn a_trace_of_a_refused_write_is_found() {
    let mut traced = rows();
    let message = "ann-1 asked for move of group ftp".to_owned();
    let event = (NOW, EventKind::OperationAccepted, "ftp".to_owned());
    traced.events.push(Event {
        cluster: "lab".parse().unwrap(),
        sequence: 1,
        at: event.0,
        kind: event.1,
        subject: event.2,
        message,
    });
    let mut tale = running();
    assert_eq!(tale.refused("ann-1").settled(traced).rules(), ["I5"]);
}
