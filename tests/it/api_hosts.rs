//! Is a host what the field calls it, and does clustering one say first what it starts and stops?

use locum::domain::{Epoch, GroupState, NodeState, Placement, PlacementPhase, ResourceState};
use locum::planner::Snapshot;
use locum::planner::snapshot::{SeenGroup, SeenResource};
use serde_json::{Value, json};

use crate::support::door::{Door, site};
use crate::support::{group, node};

fn online(name: &str) -> SeenResource {
    let (name, state) = (name.parse().unwrap(), ResourceState::Online);
    SeenResource { name, state, pid: Some(7), bounded: None, restarts: 0, message: None }
}

/// bts1 runs the group with the host in it.
fn bts1_runs_it(snapshot: &mut Snapshot) {
    let placement =
        Placement { epoch: Epoch(4), last_owner: Some(node("bts1")), phase: PlacementPhase::Held, by_operator: false };
    snapshot.groups.get_mut(&group("ftp")).unwrap().placement = placement;
    let seen = SeenGroup {
        epoch: Epoch(4),
        state: GroupState::Online,
        running: true,
        begun_at: None,
        online_at: None,
        failure: None,
        resources: ["ip", "name", "Receive"].map(online).into(),
    };
    snapshot.nodes.get_mut(&node("bts1")).unwrap().seen.groups.insert(group("ftp"), seen);
}

fn states(host: &Value) -> Vec<(&str, &str, &str)> {
    let text = |instance: &'static str, of: &Value| of[instance].as_str().unwrap().to_owned().leak() as &str;
    let instances = host["instances"].as_array().unwrap().iter();
    instances.map(|i| (text("node", i), text("cluster_instance_type", i), text("service_state", i))).collect()
}

#[tokio::test]
async fn a_host_shows_its_instances_in_the_words_of_the_field() {
    let door = Door::with(&site()).await;
    door.look(|snapshot| {
        let seen = &mut snapshot.nodes.get_mut(&node("bts1")).unwrap().seen;
        seen.instances.insert("Receive".parse().unwrap(), online("Receive"));
        snapshot.nodes.get_mut(&node("bts2")).unwrap().seen.answered = false;
    })
    .await;
    let host = door.get("hosts/Receive").await.ok();
    assert_eq!((&host["cluster_instance_type"], &host["virtual_instance"]), (&json!("un_clustered"), &Value::Null));
    assert_eq!(states(&host), [("bts1", "un_clustered", "running"), ("bts2", "un_clustered", "unknown")]);
    let status = door.get("status").await.ok();
    assert_eq!(status["hosts"][0]["instances"], host["instances"], "the status says the same");
    assert_eq!(door.put("hosts/Receive", &host).await.ok()["changed"], false, "as it was read");

    door.post("hosts/Receive/cluster", &json!({ "group": "ftp" })).await.ok();
    door.look(bts1_runs_it).await;
    let host = door.get("hosts/Receive").await.ok();
    assert_eq!(states(&host), [("bts1", "clustered", "running"), ("bts2", "clustered", "stopped")]);
    let shown = &host["virtual_instance"];
    assert_eq!(
        (&shown["cluster_instance_type"], &shown["service_state"]),
        (&json!("clustered_virtual"), &json!("running"))
    );
    assert_eq!((&shown["node"], &shown["network_name"]), (&json!("bts1"), &json!("name")));
}

/// bts2 counts as down, and ran an instance when it was last heard.
fn bts2_is_down(snapshot: &mut Snapshot) {
    let seen = &mut snapshot.nodes.get_mut(&node("bts2")).unwrap().seen;
    seen.instances.insert("Receive".parse().unwrap(), online("Receive"));
    seen.state = NodeState::Down;
}

#[tokio::test]
async fn nobody_knows_of_an_instance_on_a_node_that_is_down() {
    let door = Door::with(&site()).await;
    door.look(bts2_is_down).await;
    let host = door.get("hosts/Receive").await.ok();
    assert_eq!(states(&host)[1], ("bts2", "un_clustered", "unknown"));
    door.look(|snapshot| snapshot.nodes.get_mut(&node("bts2")).unwrap().seen.vouched_for = true).await;
    let host = door.get("hosts/Receive").await.ok();
    assert_eq!(states(&host)[1], ("bts2", "un_clustered", "stopped"));
}

#[tokio::test]
async fn an_action_says_first_what_it_would_start_or_why_nothing_happens() {
    let door = Door::with(&site()).await;
    door.post("hosts/Receive/cluster", &json!({ "group": "ftp" })).await.ok();
    door.look(bts2_is_down).await;
    let first = |summary: Value| summary["lines"][0].clone();
    let word = first(door.post("nodes/bts2/confirm-down?dry_run=true", &json!({})).await.ok());
    assert_eq!((&word["group"], &word["action"], &word["to"]), (&json!("ftp"), &json!("start"), &json!("bts1")));

    door.look(|snapshot| {
        bts1_runs_it(snapshot);
        bts2_is_down(snapshot);
        snapshot.nodes.get_mut(&node("bts2")).unwrap().seen.vouched_for = true;
    })
    .await;
    let no = first(door.post("groups/ftp/move?dry_run=true", &json!({ "to": "bts2" })).await.ok());
    assert_eq!((&no["group"], &no["action"]), (&json!("ftp"), &json!("wait")));
    let why = no["reason"].as_str().unwrap();
    assert!(why.starts_with("bts2 can't take it: down; it stays on bts1"), "{why}");
}

#[tokio::test]
async fn clustering_says_first_what_it_does() {
    let door = Door::with(&site()).await;
    let dry =
        door.post("hosts/Receive/cluster?dry_run=true", &json!({ "group": "ftp", "reason": "two polled" })).await.ok();
    assert_eq!((&dry["dry_run"], &dry["changed"]), (&json!(true), &json!(true)));
    let line = &dry["summary"]["lines"][0];
    assert_eq!((&line["group"], &line["action"], &line["to"]), (&json!("ftp"), &json!("start"), &json!("bts1")));
    assert_eq!(door.get("topology").await.etag(), "\"1\"");

    let done = door.post("hosts/Receive/cluster", &json!({ "group": "ftp", "reason": "two polled" })).await.ok();
    assert_eq!((&done["object"]["clustered_in"], &done["generation"]), (&json!("ftp"), &json!(2)));
    let expected = ("cluster_host".to_owned(), "clustered host Receive in group ftp: two polled".to_owned());
    assert_eq!(door.newest_change().await, expected);
    let again = door.post("hosts/Receive/cluster", &json!({ "group": "ftp" })).await.ok();
    assert_eq!(again["changed"], false);
}

#[tokio::test]
async fn what_runs_on_each_node_is_said_to_stop_or_start() {
    let door = Door::with(&site()).await;
    door.look(|snapshot| {
        let plan = locum::planner::plan(snapshot);
        locum::planner::effects(snapshot, &plan, &mut uuid::Uuid::now_v7).apply_to(snapshot);
    })
    .await;
    let dry = door.post("hosts/Receive/cluster?dry_run=true", &json!({ "group": "ftp" })).await.ok();
    let lines = dry["summary"]["instances"].as_array().unwrap().iter();
    let said: Vec<_> = lines.map(|line| ["action", "host", "node"].map(|key| line[key].as_str().unwrap())).collect();
    assert_eq!(said, [["stop", "Receive", "bts1"], ["stop", "Receive", "bts2"]], "{dry}");
    let line = &dry["summary"]["lines"][0];
    assert_eq!((&line["group"], &line["action"]), (&json!("ftp"), &json!("restart")), "{dry}");
    let more = door.put("hosts/Receive/instances/bts3?dry_run=true", &json!({})).await.ok();
    let started = json!({ "action": "start", "host": "Receive", "node": "bts3" });
    assert_eq!(more["summary"]["instances"], json!([started]), "{more}");
    assert_eq!(door.delete("hosts/Tracking?dry_run=true").await.status, 422, "the only host that tracks");
}

#[tokio::test]
async fn unclustering_stops_the_instances_and_leaves_them_disabled() {
    let door = Door::with(&site()).await;
    door.post("hosts/Receive/uncluster", &json!({})).await.refused(409, "conflict");
    door.post("hosts/Receive/cluster", &json!({ "group": "ftp" })).await.ok();
    door.patch("hosts/Receive", &json!({ "depends_on": "ip" })).await.ok();
    let done = door.post("hosts/Receive/uncluster", &json!({})).await.ok();
    assert!(done["message"].as_str().unwrap().contains("disabled"), "{done}");
    let host = door.get("topology").await.ok()["hosts"][0].clone();
    assert_eq!((host.get("clustered_in"), host.get("depends_on")), (None, None));
    assert!(host["instances"].as_array().unwrap().iter().all(|instance| instance["disabled"] == true), "{host}");
    let snapshot = door.store.load(&crate::support::cluster(), jiff::Timestamp::now()).await.unwrap();
    let plan = locum::planner::plan(&snapshot);
    let effects = locum::planner::effects(&snapshot, &plan, &mut uuid::Uuid::nil);
    let told = effects.assignments.values().flat_map(|assignment| &assignment.instances);
    assert!(told.into_iter().all(|instance| instance.host.as_str() != "Receive"), "nothing starts by itself");
}

#[tokio::test]
async fn what_can_not_be_clustered_is_refused() {
    let door = Door::with(&site()).await;
    door.post("hosts/Nobody/cluster", &json!({ "group": "ftp" })).await.refused(404, "not-found");
    let missing = door.post("hosts/Receive/cluster", &json!({ "group": "nope" })).await.findings();
    assert_eq!(missing, [("/group".to_owned(), "dangling_reference".to_owned())]);
    let unsaid = door.post("hosts/Receive/cluster", &json!({})).await.findings();
    assert_eq!(unsaid, [("/group".to_owned(), "missing_field".to_owned())]);
    door.put("hosts/Web", &json!({ "kind": "isolated", "instances": [{ "node": "bts1" }] })).await.ok();
    assert!(
        door.post("hosts/Web/cluster", &json!({ "group": "ftp" })).await.refused(422, "refused").contains("isolated")
    );
    let pop3 = json!({ "resources": [{ "name": "r", "type": "process", "command": ["/bin/true"] }] });
    door.put("groups/pop3", &pop3).await.ok();
    door.post("hosts/Receive/cluster", &json!({ "group": "ftp" })).await.ok();
    let other = door.post("hosts/Receive/cluster", &json!({ "group": "pop3" })).await.refused(409, "conflict");
    assert!(other.contains("uncluster it first"), "{other}");
}
