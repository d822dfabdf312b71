//! Does the board show what is seen, and does the API believe it?

use std::sync::Arc;
use std::time::Duration;

use locum::api::{self, Services};
use locum::board::Boards;
use locum::clock::{SystemClock, SystemIds};
use locum::domain::{Epoch, NodeState, Placement, PlacementPhase};
use locum::planner::Snapshot;
use locum::reconciler::Nudge;
use locum::store::{Expect, Store, sql};
use locum::telemetry;
use tokio_util::sync::CancellationToken;

use crate::support::{alice, at, cluster, group, node, three_nodes};

/// A store with the cluster of `three_nodes`, and its snapshot as if bts1 answered and owned the group.
async fn seen() -> (Arc<dyn Store>, Snapshot, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = sql::open(&format!("sqlite:{}", folder.path().join("locum.db").display())).await.unwrap();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    let mut snapshot = store.load(&cluster(), at(1)).await.unwrap();
    let seen = &mut snapshot.nodes.get_mut(&node("bts1")).unwrap().seen;
    (seen.state, seen.answered) = (NodeState::Up, true);
    snapshot.groups.get_mut(&group("ftp")).unwrap().placement =
        Placement { epoch: Epoch(3), last_owner: Some(node("bts1")), phase: PlacementPhase::Held, by_operator: false };
    (Arc::new(store), snapshot, folder)
}

#[tokio::test]
async fn watchers_wake_only_when_something_differs() {
    let (_store, snapshot, _folder) = seen().await;
    let boards = Boards::default();
    let mut watcher = boards.subscribe(&cluster());
    assert!(watcher.borrow_and_update().is_none());
    boards.publish(snapshot.clone());
    assert!(watcher.has_changed().unwrap());
    let first = watcher.borrow_and_update().clone().unwrap();

    boards.publish(Snapshot { now: at(99), ..snapshot.clone() });
    assert!(!watcher.has_changed().unwrap(), "only time has passed");
    let second = boards.view(&cluster()).unwrap();
    assert_eq!((&second.etag, second.snapshot.now), (&first.etag, at(99)), "the snapshot is replaced all the same");

    let mut changed = snapshot;
    changed.nodes.get_mut(&node("bts1")).unwrap().seen.state = NodeState::Down;
    boards.publish(changed);
    assert_ne!(watcher.borrow_and_update().clone().unwrap().etag, first.etag);
    boards.remove(&cluster());
    assert!(watcher.borrow_and_update().is_none() && boards.view(&cluster()).is_none());
}

#[tokio::test]
async fn the_status_has_wanted_and_seen_side_by_side() {
    let (_store, snapshot, _folder) = seen().await;
    let boards = Boards::default();
    boards.publish(snapshot);
    let view = boards.view(&cluster()).unwrap();
    let ftp = &view.status.groups[0];
    assert_eq!((&ftp.owner, ftp.epoch), (&Some(node("bts1")), Epoch(3)));
    assert_eq!(ftp.possible_owners.len(), 3);
    assert_eq!(view.status.nodes[0].groups, [group("ftp")]);
    // heartbeat 500ms + lease 5s * 1.01 + margin 100ms
    assert_eq!(view.status.worst_case_takeover.get(), Duration::from_millis(5_650));
    assert_eq!(serde_json::to_string(&*view.status).unwrap(), *view.body);
}

#[tokio::test]
async fn nobody_can_say_of_a_node_that_answers_that_it_is_down() {
    let (store, snapshot, _folder) = seen().await;
    let boards = Arc::new(Boards::default());
    boards.publish(snapshot);
    let (nudge, _nudges) = Nudge::channel();
    let state = Services {
        store,
        boards,
        feeds: Arc::default(),
        lines: Arc::default(),
        nudge,
        clock: SystemClock::shared(),
        ids: Arc::new(SystemIds),
        metrics: telemetry::metrics(),
        stopping: CancellationToken::new(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/clusters/c", listener.local_addr().unwrap());
    let server = tokio::spawn(async { axum::serve(listener, api::router(state)).await });
    let http = reqwest::Client::new();
    let confirm = async |node: &str| http.post(format!("{url}/nodes/{node}/confirm-down")).send().await.unwrap();
    let refused = confirm("bts1").await;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("bts1 answers"));
    assert_eq!(confirm("bts2").await.status(), 202, "its silence is what an operator may explain");
    server.abort();
}
