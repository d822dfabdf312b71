//! Stories of operations over a control plane that is killed: each reaches its final state, and tells how it got there.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::site::{CLUSTER, GROUP, NODES, Site};

/// The operation's id.
async fn ask(site: &Site, path: &str, body: Value) -> String {
    let (status, operation) = site.act(path, body).await.expect("an answer");
    assert_eq!(status, 202, "{operation}");
    operation["id"].as_str().expect("an id").to_owned()
}

async fn operation(site: &Site, id: &str) -> Value {
    site.get(&format!("/v1/operations/{id}")).await.expect("the operation")
}

/// Held until it has ended.
async fn ended(site: &Site, id: &str) -> Value {
    site.until("the operation has ended", async |site| {
        let answer = site.get(&format!("/v1/operations/{id}?wait=15s")).await;
        answer.is_some_and(|operation| operation["state"] != "running")
    })
    .await;
    operation(site, id).await
}

fn phases(operation: &Value) -> &[Value] {
    operation["phases"].as_array().expect("phases")
}

/// What was told before the server was killed still is, and more.
fn goes_on_from(before: &Value, after: &Value) {
    assert!(phases(after).starts_with(phases(before)), "{before}\nbecame\n{after}");
    let times: Vec<_> = phases(after).iter().map(|begun| begun["at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{after}");
    assert_eq!(phases(after).last().expect("a phase")["phase"], "ended", "{after}");
    assert!(after["ended_at"].is_string(), "{after}");
}

/// All nodes but the owner get nothing, so that a drain of it waits.
async fn pause_all_but(site: &Site, owner: usize) {
    for name in NODES.iter().filter(|name| **name != NODES[owner]) {
        let (status, said) = site.act(&format!("nodes/{name}/pause?wait=20s"), json!({})).await.expect("an answer");
        assert_eq!((status, &said["state"]), (200, &json!("succeeded")), "{said}");
    }
}

/// The owner is frozen, so that the move is under way for as long as its lease.
#[tokio::test]
async fn a_move_over_a_restart_ends_with_all_its_phases() {
    let mut site = Site::start().await;
    let owner = site.owner().await;
    let target = NODES[(owner + 1) % NODES.len()];
    site.signal_agent(owner, Signal::SIGSTOP);
    let id = ask(&site, &format!("groups/{GROUP}/move"), json!({ "to": target, "reason": "over a restart" })).await;
    site.until("a plan has looked at it", async |site| operation(site, &id).await["phase"] != "accepted").await;
    let before = operation(&site, &id).await;
    site.kill_server();
    site.start_server().await;
    let after = ended(&site, &id).await;
    assert_eq!(after["state"], "succeeded", "{after}");
    assert_eq!(after["progress"], json!({ "done": 1, "total": 1 }));
    goes_on_from(&before, &after);
    assert_eq!(site.group().await.expect("a status")["owner"], target);
    site.signal_agent(owner, Signal::SIGCONT);
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_drain_goes_on_over_a_restart_until_it_is_cancelled() {
    let mut site = Site::start().await;
    let owner = site.owner().await;
    pause_all_but(&site, owner).await;
    let id = ask(&site, &format!("nodes/{}/drain", NODES[owner]), json!({})).await;
    site.until("it waits", async |site| operation(site, &id).await["phase"] == "waiting").await;
    let before = operation(&site, &id).await;
    site.kill_server();
    site.start_server().await;
    site.wait_online(GROUP).await;
    let still = site.get(&format!("/v1/operations?cluster={CLUSTER}&state=running&kind=drain")).await.expect("a list");
    assert_eq!(still["items"][0]["id"], json!(id), "{still}");

    let waiter = site.http.get(site.url(&format!("/v1/operations/{id}?wait=15s"))).send();
    let waiter = tokio::spawn(waiter);
    let url = site.url(&format!("/v1/operations/{id}/cancel"));
    let http = site.http.clone();
    let ask = || http.post(&url).header("locum-actor", "ann").header("idempotency-key", "c-1").send();
    let cancelled: Value = ask().await.expect("an answer").json().await.expect("an operation");
    assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    goes_on_from(&before, &cancelled);
    let heard: Value = waiter.await.expect("no panic").expect("an answer").json().await.expect("an operation");
    assert_eq!(heard["state"], "cancelled", "{heard}");
    // Who was not sure that it was done asks the next server.
    site.kill_server();
    site.start_server().await;
    let again: Value = ask().await.expect("an answer").json().await.expect("an operation");
    assert_eq!(again, cancelled);
    site.wait_online(GROUP).await;
    assert_eq!(site.node(NODES[owner]).await.expect("the node")["wanted"], "active");
    assert_eq!(site.owner().await, owner, "nobody moved");
    assert!(site.failovers().await.is_empty());
    site.check_exactly_one().await;
}

/// Its time passes while nobody is there to end it.
#[tokio::test]
async fn an_operation_that_ran_out_of_time_without_a_server_ends_with_the_next_one() {
    let mut site = Site::start().await;
    let owner = site.owner().await;
    pause_all_but(&site, owner).await;
    let id = ask(&site, &format!("nodes/{}/drain?timeout=1s", NODES[owner]), json!({})).await;
    let before = operation(&site, &id).await;
    site.kill_server();
    let over: jiff::Timestamp = before["times_out_at"].as_str().expect("a time").parse().expect("a time");
    site.until("its time is over", async |_| jiff::Timestamp::now() >= over).await;
    site.start_server().await;
    let after = ended(&site, &id).await;
    assert_eq!(after["state"], "failed", "{after}");
    assert!(after["next_step"].as_str().is_some_and(|next| next.contains("still wanted drained")), "{after}");
    goes_on_from(&before, &after);
    site.wait_online(GROUP).await;
    site.check_exactly_one().await;
}
