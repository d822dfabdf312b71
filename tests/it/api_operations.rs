//! Does an operation tell how far it has come, end in time, and go back when it is cancelled?

use std::time::Duration;

use jiff::Timestamp;
use locum::domain::{Decision, GroupState, Term};
use locum::planner::snapshot::SeenGroup;
use locum::planner::{self, Snapshot};
use locum::store::{Basis, Reign};
use serde_json::{Value, json};

use crate::support::door::{Door, Seen, site};
use crate::support::{WAIT, cluster, group, id, node, three_nodes};

/// A cluster under a reign, whose loop takes a turn when a test says so.
struct Ruled {
    door: Door,
    reign: Reign,
}

impl Ruled {
    /// With `ftp` online on bts1.
    async fn begin() -> Self {
        let door = Door::with(&site()).await;
        let least = (Term(0), Decision(0));
        let reign = door.store.begin_reign(&cluster(), id(9), least, Duration::ZERO, Timestamp::now()).await.unwrap();
        let ruled = Self { door, reign };
        ruled.turn(obey).await;
        ruled.turn(obey).await;
        ruled
    }

    /// Load, look, plan, commit, publish.
    async fn turn(&self, see: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = None;
        self.door
            .look(|looked| {
                see(looked);
                snapshot = Some(looked.clone());
            })
            .await;
        let mut snapshot = snapshot.unwrap();
        let plan = planner::plan(&snapshot);
        if plan.is_empty() {
            return;
        }
        let basis = Basis { generation: snapshot.generation, decision: snapshot.decision, reign: self.reign.id };
        let mut number = u128::from(snapshot.decision.0) * 1000;
        let effects = planner::effects(&snapshot, &plan, &mut || {
            number += 1;
            id(number)
        });
        self.door.store.commit(&cluster(), &basis, &effects).await.unwrap();
        effects.apply_to(&mut snapshot);
        self.door.boards.publish(snapshot);
    }

    async fn begin_operation(&self, path: &str, body: Value) -> Value {
        let begun = self.door.post(path, &body).await;
        assert_eq!(begun.status, 202, "{begun:?}");
        begun.json
    }

    async fn operation(&self, begun: &Value) -> Value {
        self.door.at(&path_of(begun)).await.ok()
    }

    async fn cancel(&self, begun: &Value, headers: &[(&str, &str)]) -> Seen {
        let body = json!({ "reason": "wrong node" });
        self.door.call("POST", &format!("{}/cancel", path_of(begun)), headers, Some(&body)).await
    }

    async fn topology(&self) -> Value {
        self.door.get("topology").await.ok()
    }
}

fn path_of(operation: &Value) -> String {
    format!("/v1/operations/{}", operation["id"].as_str().unwrap())
}

/// Every node runs what it is assigned, and nothing else.
fn obey(snapshot: &mut Snapshot) {
    let now = snapshot.now;
    for view in snapshot.nodes.values_mut() {
        view.seen.applied = Some(view.assigned_at);
        view.seen.groups = view
            .assignment
            .groups
            .iter()
            .map(|assigned| {
                let seen = SeenGroup {
                    epoch: assigned.epoch,
                    state: GroupState::Online,
                    running: true,
                    begun_at: Some(now),
                    online_at: Some(now),
                    failure: None,
                    resources: Vec::new(),
                };
                (assigned.group.clone(), seen)
            })
            .collect();
    }
}

/// They run what they ran, and say nothing of what came since.
fn slowly(snapshot: &mut Snapshot) {
    obey(snapshot);
    let bts1 = snapshot.nodes.get_mut(&node("bts1")).unwrap();
    bts1.seen.applied = None;
}

fn phases(operation: &Value) -> Vec<&str> {
    let phases = operation["phases"].as_array().unwrap();
    let times: Vec<Timestamp> = phases.iter().map(|begun| begun["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted(), "{operation}");
    assert_eq!(operation["phase"], phases.last().unwrap()["phase"]);
    phases.iter().map(|begun| begun["phase"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_move_tells_every_phase_and_can_not_be_taken_back_once_anything_is_stopped_for_it() {
    let ruled = Ruled::begin().await;
    let begun = ruled.begin_operation("groups/ftp/move", json!({ "to": "bts2" })).await;
    assert_eq!((phases(&begun), &begun["progress"]), (vec!["accepted"], &Value::Null));
    ruled.turn(slowly).await;
    let told = ruled.operation(&begun).await;
    assert_eq!((phases(&told), &told["progress"]), (vec!["accepted", "releasing"], &json!({ "done": 0, "total": 1 })));
    let why = ruled.cancel(&begun, &[]).await.refused(409, "conflict");
    assert_eq!(why, "bts1 is told to let go of ftp already: wait until it has, then move it back");
    ruled.turn(obey).await;
    let placed = ruled.operation(&begun).await;
    assert_eq!(placed["phase"], "starting");
    assert!(ruled.cancel(&begun, &[]).await.refused(409, "conflict").contains("has left its owner already"));
    ruled.turn(obey).await;
    let ended = ruled.door.at(&format!("{}?wait=20s", path_of(&begun))).await.ok();
    assert_eq!((&ended["state"], &ended["progress"]), (&json!("succeeded"), &json!({ "done": 1, "total": 1 })));
    assert_eq!(phases(&ended), ["accepted", "releasing", "starting", "ended"]);
    assert_eq!(ended["next_step"], Value::Null);
    let why = ruled.cancel(&begun, &[]).await.refused(409, "conflict");
    assert_eq!(why, "move of ftp has ended already (succeeded): ask for the opposite instead");
}

#[tokio::test]
async fn a_cluster_in_which_anything_may_run_is_not_deleted_and_a_dry_run_says_so_in_the_same_words() {
    let ruled = Ruled::begin().await;
    let said = async || {
        let dry = ruled.door.delete("?dry_run=true").await.ok();
        let refused = ruled.door.delete("").await.refused(422, "refused");
        assert_eq!(dry["refused"], refused);
        refused
    };
    assert!(said().await.contains("(ftp on bts1)"));
    ruled.begin_operation("groups/ftp/offline", json!({})).await;
    // It is told to let go, and nothing proves that it has.
    ruled.turn(slowly).await;
    assert!(said().await.contains("(ftp on bts1)"));
    ruled.turn(obey).await;
    assert!(said().await.contains("(Receive on bts1, Tracking on bts1, Receive on bts2, Tracking on bts2)"));
}

#[tokio::test]
async fn who_stops_a_group_takes_the_place_of_who_moves_it() {
    let ruled = Ruled::begin().await;
    let moved = ruled.begin_operation("groups/ftp/move", json!({ "to": "bts2" })).await;
    ruled.turn(slowly).await;
    assert_eq!(ruled.operation(&moved).await["phase"], "releasing");
    let stopped = ruled.begin_operation("groups/ftp/offline", json!({})).await;
    let moved = ruled.operation(&moved).await;
    assert_eq!((&moved["state"], &moved["next_step"]), (&json!("superseded"), &Value::Null));
    for _ in 0..3 {
        ruled.turn(obey).await;
    }
    assert_eq!(ruled.operation(&stopped).await["state"], "succeeded");
    let history = ruled.door.get("failovers").await.ok();
    assert!(history["items"].as_array().unwrap().iter().all(|record| record["outcome"] != "in_progress"), "{history}");
}

#[tokio::test]
async fn what_has_failed_says_what_to_do_next() {
    let ruled = Ruled::begin().await;
    ruled.begin_operation("nodes/bts2/pause", json!({})).await;
    ruled.turn(obey).await;
    let begun = ruled.begin_operation("groups/ftp/move", json!({ "to": "bts2" })).await;
    ruled.turn(obey).await;
    let failed = ruled.operation(&begun).await;
    assert_eq!(
        (&failed["state"], &failed["message"]),
        (&json!("failed"), &json!("bts2 can't take it: paused; it stays on bts1"))
    );
    assert_eq!(failed["next_step"], "choose another node, or move ftp again once that has changed");
    let events = ruled.door.get("events?limit=1000").await.ok();
    let last = events["items"].as_array().unwrap().last().unwrap()["message"].as_str().unwrap().to_owned();
    assert!(last.ends_with("choose another node, or move ftp again once that has changed"), "{last}");
}

#[tokio::test]
async fn a_drain_that_is_cancelled_gives_the_node_back() {
    let ruled = Ruled::begin().await;
    ruled.door.post("groups/ftp/maintenance", &json!({ "reason": "disks", "for": "1h" })).await.ok();
    for name in ["bts2", "bts3"] {
        ruled.begin_operation(&format!("nodes/{name}/pause"), json!({})).await;
    }
    ruled.turn(obey).await;
    let begun = ruled.begin_operation("nodes/bts1/drain", json!({ "reason": "patches" })).await;
    ruled.turn(obey).await;
    let waiting = ruled.operation(&begun).await;
    assert_eq!(
        (phases(&waiting), &waiting["progress"]),
        (vec!["accepted", "waiting"], &json!({ "done": 0, "total": 1 }))
    );

    // Who waits for it hears at once that it was cancelled.
    let path = format!("{}?wait=60s", path_of(&begun));
    let waiter = async { tokio::time::timeout(WAIT, ruled.door.at(&path)).await.expect("an answer").ok() };
    let headers = [("locum-actor", "bob"), ("idempotency-key", "k-1")];
    let (heard, cancelled) = tokio::join!(waiter, ruled.cancel(&begun, &headers));
    assert_eq!(cancelled.header("location"), Some(path_of(&begun).as_str()));
    let cancelled = cancelled.ok();
    assert_eq!(heard, cancelled);
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(
        cancelled["message"],
        "bob cancelled it: wrong node; bts1 may run groups again, and what has left it stays where it is"
    );
    assert_eq!(phases(&cancelled), ["accepted", "waiting", "ended"]);
    assert_eq!(ruled.topology().await["nodes"][0]["wanted"], "active");
    let change = ruled.door.newest_change().await;
    assert_eq!((change.0.as_str(), change.1.as_str()), ("cancel", "cancelled drain of node bts1: wrong node"));

    let generation = ruled.topology().await;
    let again = ruled.cancel(&begun, &headers).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.ok(), ruled.cancel(&begun, &[]).await.ok()), (cancelled.clone(), cancelled));
    assert_eq!(ruled.topology().await, generation, "it is done once");
    ruled.turn(obey).await;
    assert_eq!(
        ruled.door.store.load(&cluster(), Timestamp::now()).await.unwrap().groups[&group("ftp")].placement.owner(),
        Some(&node("bts1"))
    );
}

#[tokio::test]
async fn what_can_not_be_cancelled_says_what_to_do_instead() {
    let ruled = Ruled::begin().await;
    let table = [
        ("nodes/bts3/pause", "a pause counts at once: resume bts3 instead"),
        ("nodes/bts3/resume", "a resume counts at once: pause or drain bts3 instead"),
        ("groups/ftp/reset", "a reset counts at once: take ftp offline if it should not run"),
        ("groups/ftp/online", "ftp starts on bts1 already: take it offline instead"),
    ];
    for (path, expected) in table {
        let begun = ruled.begin_operation(path, json!({})).await;
        assert_eq!(ruled.cancel(&begun, &[]).await.refused(409, "conflict"), expected);
    }
    let unknown = json!({ "id": id(77).to_string() });
    ruled.cancel(&unknown, &[]).await.refused(404, "not-found");
    let begun = ruled.begin_operation("nodes/bts2/drain", json!({})).await;
    let path = format!("{}/cancel", path_of(&begun));
    let odd = ruled.door.call("POST", &path, &[], Some(&json!({ "why": "x" }))).await;
    assert_eq!(odd.findings(), [("/why".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(ruled.operation(&begun).await["state"], "running", "what is refused leaves no trace");
}

#[tokio::test]
async fn an_operation_of_a_cluster_that_is_gone_has_ended() {
    let door = Door::with(&serde_json::to_value(three_nodes()).unwrap()).await;
    let begun = door.post("nodes/bts2/drain", &json!({})).await.ok();
    door.delete("").await.ok();
    let ended = door.at(&path_of(&begun)).await.ok();
    assert_eq!((&ended["phase"], &ended["message"]), (&json!("ended"), &json!("the cluster was deleted")));
    let cancelled = door.call("POST", &format!("{}/cancel", path_of(&begun)), &[], None).await;
    assert!(cancelled.refused(409, "conflict").contains("has ended already (superseded)"));
}

#[tokio::test]
async fn operations_are_found_by_what_they_are() {
    let ruled = Ruled::begin().await;
    let drain = ruled.begin_operation("nodes/bts1/drain", json!({})).await;
    let moved = ruled.begin_operation("groups/ftp/move", json!({ "to": "bts2" })).await;
    let pause = ruled.begin_operation("nodes/bts3/pause", json!({})).await;
    ruled.cancel(&drain, &[]).await.ok();
    let found = async |query: &str| -> Vec<Value> {
        let page = ruled.door.at(&format!("/v1/operations{query}")).await.ok();
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let all = [pause["id"].clone(), moved["id"].clone(), drain["id"].clone()];
    let since = moved["created_at"].as_str().unwrap();
    let table: [(&str, &[Value]); 8] = [
        ("", &all),
        ("?cluster=c&state=running", &all[..2]),
        ("?state=cancelled", &all[2..]),
        ("?kind=move", &all[1..2]),
        ("?target=bts3", &all[..1]),
        ("?kind=move&target=bts3", &[]),
        (&format!("?since={since}"), &all[..2]),
        (&format!("?until={since}"), &all[2..]),
    ];
    for (query, expected) in table {
        assert_eq!(found(query).await, expected, "{query}");
    }
    let page = ruled.door.at("/v1/operations?limit=2").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(found(&format!("?limit=2&cursor={cursor}")).await, &all[2..]);
    for bad in ["?state=done", "?kind=fly", "?since=yesterday", "?limit=0", "?order=oldest"] {
        ruled.door.at(&format!("/v1/operations{bad}")).await.refused(400, "bad-request");
    }
    ruled.door.at("/v1/operations?cluster=d").await.refused(404, "not-found");
}

#[tokio::test]
async fn nothing_is_waited_for_longer_than_was_asked() {
    let ruled = Ruled::begin().await;
    for name in ["bts2", "bts3"] {
        ruled.begin_operation(&format!("nodes/{name}/pause"), json!({})).await;
    }
    ruled.turn(obey).await;
    for bad in ["0s", "721h"] {
        let why = ruled.door.post(&format!("nodes/bts1/drain?timeout={bad}"), &json!({})).await;
        assert!(why.refused(400, "bad-request").starts_with("timeout is from 1s to 720h, not"));
    }
    let begun = ruled.begin_operation("nodes/bts1/drain?timeout=15m", json!({})).await;
    let time = |field: &str| begun[field].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(time("times_out_at").duration_since(time("created_at")).as_secs(), 900);
    ruled.turn(obey).await;
    assert_eq!(ruled.operation(&begun).await["phase"], "waiting");
    let later = time("times_out_at");
    ruled
        .turn(|snapshot| {
            snapshot.now = later;
            obey(snapshot);
        })
        .await;
    let failed = ruled.door.at(&format!("{}?wait=20s", path_of(&begun))).await.ok();
    assert_eq!((&failed["state"], phases(&failed)), (&json!("failed"), vec!["accepted", "waiting", "ended"]));
    assert!(
        failed["message"].as_str().unwrap().starts_with("it was not done within 15m: 1 group left: ftp"),
        "{failed}"
    );
    assert!(failed["next_step"].as_str().unwrap().starts_with("bts1 is still wanted drained"), "{failed}");
    assert_eq!(ruled.topology().await["nodes"][0]["wanted"], "drained", "that changes nothing that is wanted");
}
