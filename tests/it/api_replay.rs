//! Can a failover be decided again from what was kept of it?

use std::time::Duration;

use locum::domain::{Decision, Epoch, NodeState, Placement, PlacementPhase, Term};
use locum::planner::replay::KeptPlan;
use locum::planner::{self, Effects, Snapshot};
use locum::store::Basis;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::door::{Door, site};
use crate::support::{cluster, group, id, node};

/// Commits as the reconciler does; `alter` may forge what is kept.
async fn commit(door: &Door, snapshot: &Snapshot, reign: Uuid, effects: &Effects) {
    let basis = Basis { generation: snapshot.generation, decision: snapshot.decision, reign };
    door.store.commit(&cluster(), &basis, effects).await.unwrap();
}

/// The owner of `ftp`, bts1, is down; gives the failover that this opens.
async fn lost(door: &Door, forge: impl FnOnce(&mut KeptPlan)) -> Uuid {
    let now = jiff::Timestamp::now();
    let reign =
        door.store.begin_reign(&cluster(), id(9), (Term(0), Decision(0)), Duration::ZERO, now).await.unwrap().id;
    let held =
        Placement { epoch: Epoch(1), last_owner: Some(node("bts1")), phase: PlacementPhase::Held, by_operator: false };
    let first = door.store.load(&cluster(), now).await.unwrap();
    let placed =
        Effects { decision: first.decision.next(), placements: [(group("ftp"), held)].into(), ..Effects::default() };
    commit(door, &first, reign, &placed).await;
    door.look(|snapshot| snapshot.nodes.get_mut(&node("bts1")).unwrap().seen.state = NodeState::Down).await;
    let snapshot = door.boards.view(&cluster()).unwrap().snapshot.clone();
    let plan = planner::plan(&snapshot);
    let mut effects = planner::effects(&snapshot, &plan, &mut Uuid::now_v7);
    let mut kept = KeptPlan::of(&snapshot, &plan, &effects).unwrap().unwrap();
    forge(&mut kept);
    effects.kept = Some(kept);
    commit(door, &snapshot, reign, &effects).await;
    effects.failovers[0].id
}

#[tokio::test]
async fn a_failover_is_decided_again_byte_for_byte() {
    let door = Door::with(&site()).await;
    let failover = lost(&door, |_| {}).await;
    let replay = door.get(&format!("failovers/{failover}/replay")).await.ok();
    let record = door.get(&format!("failovers/{failover}")).await.ok();
    assert_eq!((&replay["same"], &replay["planner_changed"]), (&json!(true), &json!(false)));
    assert_eq!((&replay["chosen"], &replay["verdicts"]), (&record["to"], &record["verdicts"]));
    assert!(!record["to"].is_null() && replay["reason"].is_string(), "{replay}");
    assert_eq!(replay["decisions"][0]["decision"], record["decision"]);
    assert_eq!(replay["decisions"][0]["then"], Value::Null);
    door.get(&format!("failovers/{}/replay", id(1))).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_planner_that_has_changed_says_so() {
    let door = Door::with(&site()).await;
    let failover = lost(&door, |kept| kept.planner_version = 0).await;
    let replay = door.get(&format!("failovers/{failover}/replay")).await.ok();
    assert_eq!(
        (&replay["same"], &replay["planner_changed"], &replay["planner_then"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert!(replay["message"].as_str().unwrap().contains("changed since"), "{replay}");

    let door = Door::with(&site()).await;
    let failover = lost(&door, |kept| kept.snapshot = vec![1, 2, 3]).await;
    let replay = door.get(&format!("failovers/{failover}/replay")).await.ok();
    assert_eq!(replay["same"], false);
    assert!(replay["decisions"][0]["problem"].is_string(), "{replay}");
}
