//! Stories of a control plane that is killed, stopped, away for long, or comes back without its memory.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::agents::alive;
use crate::site::{CLUSTER, GROUP, NODES, Site, send};

#[tokio::test]
async fn a_killed_server_disturbs_nothing_and_keeps_what_it_accepted() {
    let mut site = Site::start().await;
    let pid = site.service_pid().await;
    let before = site.get(&format!("/v1/clusters/{CLUSTER}/topology")).await;
    site.kill_server();
    site.start_server().await;
    site.wait_online(GROUP).await;
    assert_eq!(site.service_pid().await, pid, "the host was not disturbed");
    assert_eq!(site.get(&format!("/v1/clusters/{CLUSTER}/topology")).await, before);
    assert!(site.failovers().await.is_empty());
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_server_stops_gracefully_with_callers_waiting() {
    let mut site = Site::start().await;
    let waiting = site.http.get(site.url(&format!("/v1/clusters/{CLUSTER}/status?wait=30s&since=none"))).send();
    let waiting = tokio::spawn(waiting);
    send(site.server_pid(), Signal::SIGTERM);
    let asked = Instant::now();
    assert!(site.wait_server().success());
    // Two seconds is the promise; the rest is for a busy machine.
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    let _ = waiting.await;
    site.start_server().await;
    site.wait_online(GROUP).await;
    site.check_exactly_one().await;
}

/// The kills are spread over the time that a move takes, which is measured first: before it is accepted, while the old
/// owner stops, between proof and start, and after.
#[tokio::test]
async fn a_server_killed_in_the_middle_of_a_move_finishes_it_when_it_is_back() {
    let mut site = Site::start().await;
    let started = Instant::now();
    site.act(&format!("groups/{GROUP}/move?wait=20s"), json!({ "reason": "measured" })).await.expect("an answer");
    site.wait_online(GROUP).await;
    let whole = started.elapsed();
    for point in 0..10_u32 {
        let owner = site.owner().await;
        let target = NODES[(owner + 1) % NODES.len()];
        let url = site.url(&format!("/v1/clusters/{CLUSTER}/groups/{GROUP}/move"));
        let call = site.http.post(url).json(&json!({ "to": target })).send();
        let call = tokio::spawn(call);
        tokio::time::sleep(whole * point / 9).await;
        site.kill_server();
        let accepted = matches!(call.await, Ok(Ok(answer)) if answer.status().is_success());
        site.start_server().await;
        site.wait_online(GROUP).await;
        if accepted {
            site.until(&format!("the move of point {point} is done"), async |s| {
                s.group().await.is_some_and(|g| g["owner"] == target && g["state"] == "online")
            })
            .await;
        }
    }
    site.check_exactly_one().await;
    for failover in site.failovers().await {
        assert_eq!(failover["outcome"], "succeeded", "{failover}");
        assert_eq!(failover["cause"], "operator_move", "{failover}");
    }
}

#[tokio::test]
async fn an_outage_longer_than_the_lease_stops_services_and_moves_nothing() {
    let mut site = Site::start().await;
    let (owner, pid) = (site.owner().await, site.service_pid().await);
    site.kill_server();
    site.until("the service stops with its lease", async |_| !alive(pid)).await;
    site.start_server().await;
    site.wait_online(GROUP).await;
    assert_eq!(site.owner().await, owner, "nobody moved");
    assert!(site.failovers().await.is_empty());
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_new_database_beside_running_agents_says_what_to_do() {
    let mut site = Site::start().await;
    site.kill_server();
    for name in ["locum.db", "locum.db-wal", "locum.db-shm"] {
        let _ = std::fs::remove_file(site.path(name));
    }
    site.start_server().await;
    site.apply(&site.topology()).await;
    site.until("every node says that it obeys another cluster", async |s| {
        let Some(status) = s.status().await else { return false };
        status["nodes"].as_array().is_some_and(|nodes| {
            nodes.iter().all(|n| n["problem"].as_str().is_some_and(|problem| problem.contains("locum agent reset")))
        })
    })
    .await;
    site.until("the services stop with their leases", async |s| s.runs().last().is_some_and(|run| !alive(run.pid)))
        .await;
    let owner = site.group().await.expect("a status")["owner"].clone();
    assert!(owner.is_null(), "nothing is placed on nodes that refuse: {owner}");

    // What the sentence says, done: the cluster comes up.
    for index in 0..NODES.len() {
        site.kill_agent(index);
        site.reset_agent(index).await;
        site.start_agent(index);
    }
    site.wait_online(GROUP).await;
    site.check_overlaps().await;
}

/// The backup knows an older owner and an older command than the agents do.
#[tokio::test]
async fn a_restored_database_starts_nothing_twice_and_goes_on_above_what_agents_know() {
    let mut site = Site::start().await;
    let first = site.owner().await;
    site.kill_server();
    let backup = std::fs::read(site.path("locum.db")).expect("the database");
    let log = std::fs::read(site.path("locum.db-wal")).unwrap_or_default();
    site.start_server().await;
    site.wait_online(GROUP).await;
    site.act(&format!("groups/{GROUP}/move?wait=20s"), json!({})).await.expect("an answer");
    site.wait_online_elsewhere(first).await;
    let mut edited = site.topology();
    edited["groups"][0]["resources"][0]["env"] = json!({ "EDITED": "1" });
    let before = site.service_pid().await;
    site.apply(&edited).await;
    site.until("it runs as edited", async |s| {
        s.group().await.is_some_and(|g| g["state"] == "online" && g["resources"][0]["pid"] != before)
    })
    .await;
    let moved_to = site.owner().await;

    site.kill_server();
    std::fs::write(site.path("locum.db"), backup).expect("the restored database");
    std::fs::write(site.path("locum.db-wal"), log).expect("its log");
    let _ = std::fs::remove_file(site.path("locum.db-shm"));
    site.start_server().await;
    site.wait_online(GROUP).await;
    site.check_overlaps().await;
    assert_eq!(site.owner().await, moved_to, "who runs it keeps it");
    // And it can be moved again: every number is above what the agents know.
    site.act(&format!("groups/{GROUP}/move?wait=20s"), json!({})).await.expect("an answer");
    site.wait_online_elsewhere(moved_to).await;
    site.check_overlaps().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused() {
    let site = Site::start().await;
    let database = format!("sqlite:{}", site.path("locum.db").display());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_locum"))
        .args(["server", "--listen", "127.0.0.1:0", "--database-url", &database])
        .output()
        .expect("the program under test");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("locum.db"), "{said}");
    site.wait_online(GROUP).await;
    site.check_exactly_one().await;
}
