//! Stories of a host that runs on every node, and of one that becomes clustered and back.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::agents::alive;
use crate::notes::{self, Run};
use crate::site::{GROUP, NODES, Site};

const HOST: &str = "Pop3Receive";

/// The site's own group, and a host on every node.
fn topology(site: &Site, clustered: bool) -> Value {
    let mut topology = site.topology();
    let path = |name: &str| site.path(name).display().to_string();
    let mut command = topology["groups"][0]["resources"][0]["command"].clone();
    for (option, file) in [("--notes", "pop3-notes"), ("--store", "pop3-store"), ("--record", "pop3-record")] {
        let words = command.as_array_mut().expect("a command");
        let at = words.iter().position(|word| word == option).expect("the option") + 1;
        words[at] = json!(path(file));
    }
    let mut host = json!({
        "name": HOST,
        "instances": NODES.map(|node| json!({ "node": node })),
        "restart": { "max_restarts": 1, "delay": "50ms" },
        "run": { "type": "process", "command": command }
    });
    if clustered {
        host["clustered_in"] = json!(GROUP);
    }
    topology["hosts"] = json!([host]);
    topology
}

/// When the host ran, by its own notes. An instance has no epoch, which is noted as 0.
fn runs(site: &Site) -> Vec<Run> {
    notes::read(&site.path("pop3-notes"))
}

fn instances(site: &Site) -> BTreeMap<String, i32> {
    let alive = runs(site).into_iter().filter(|run| run.epoch == 0 && alive(run.pid));
    alive.map(|run| (run.node, run.pid)).collect()
}

fn clustered(site: &Site) -> Vec<Run> {
    runs(site).into_iter().filter(|run| run.epoch > 0).collect()
}

/// The clustered host ran beside nothing: neither another of itself nor an instance.
fn check(site: &Site) {
    let all = runs(site);
    for run in all.iter().filter(|run| run.epoch > 0) {
        let beside = |other: &&Run| *other != run && other.from < run.until && run.from < other.until;
        let found: Vec<_> = all.iter().filter(beside).collect();
        assert!(found.is_empty(), "{run:?} ran beside {found:?}");
    }
}

async fn start() -> (Site, BTreeMap<String, i32>) {
    let mut site = Site::bare();
    std::fs::write(site.path("pop3-record"), "").expect("the record");
    site.start_server().await;
    for index in 0..NODES.len() {
        site.start_agent(index);
    }
    site.apply(&topology(&site, false)).await;
    site.wait_online(GROUP).await;
    site.until("an instance runs on every node", async |s| instances(s).len() == NODES.len()).await;
    let pids = instances(&site);
    (site, pids)
}

#[tokio::test]
async fn instances_outlive_leases_control_plane_and_agents() {
    let (mut site, pids) = start().await;
    let (owner, service) = (site.owner().await, site.service_pid().await);
    site.kill_server();
    site.kill_agent(owner);
    site.until("the group has stopped with its lease", async |_| !alive(service)).await;
    let later = runs(&site).iter().map(|run| run.until).max().expect("it ran") + 2_000_000;
    site.until("the instances have gone on for more than a lease", async |s| {
        let longest = runs(s).into_iter().filter(|run| run.until > later);
        longest.count() == NODES.len()
    })
    .await;
    assert_eq!(instances(&site), pids, "the same processes");

    site.start_agent(owner);
    site.start_server().await;
    site.wait_online(GROUP).await;
    let gone_on = runs(&site).iter().map(|run| run.until).max().expect("it ran") + 2_000_000;
    site.until("they go on under the next agent", async |s| runs(s).iter().any(|run| run.until > gone_on)).await;
    assert_eq!(instances(&site), pids, "adopted, not restarted");

    // One that dies is restarted where it was.
    let victim = pids[NODES[0]];
    crate::site::send(victim, Signal::SIGKILL);
    site.until("another process runs", async |s| {
        instances(s).get(NODES[0]).is_some_and(|pid| *pid != victim) && instances(s).len() == NODES.len()
    })
    .await;
    check(&site);
}

#[tokio::test]
async fn a_host_is_never_clustered_beside_an_instance() {
    let (site, pids) = start().await;
    // A node that can't hear, though it is proven to run no group.
    site.signal_agent(2, Signal::SIGSTOP);
    site.until("the silent node counts as down", async |s| {
        s.node(NODES[2]).await.is_some_and(|node| node["state"] == "down")
    })
    .await;
    site.wait_online(GROUP).await;
    site.apply(&topology(&site, true)).await;
    site.until("the others have stopped", async |s| instances(s).len() == 1).await;
    let group = site.group().await.expect("a status");
    assert_eq!(group["state"], "pending", "{group}");
    let until = runs(&site).iter().map(|run| run.until).max().expect("it ran") + 1_500_000;
    site.until("a while has passed", async |s| runs(s).iter().any(|run| run.until > until)).await;
    assert_eq!(instances(&site).get(NODES[2]), pids.get(NODES[2]), "no lease ends it");
    assert!(clustered(&site).is_empty(), "it waits for the node that may run an instance");
    let message = site.group().await.expect("a status")["message"].to_string();
    assert!(message.contains("may still run an instance of Pop3Receive"), "{message}");

    site.signal_agent(2, Signal::SIGCONT);
    site.until("it runs clustered", async |s| clustered(s).iter().any(|run| alive(run.pid))).await;
    site.wait_online(GROUP).await;
    assert!(instances(&site).is_empty());
    check(&site);

    // And back: no instance before the group has let go.
    site.apply(&topology(&site, false)).await;
    site.until("an instance runs on every node", async |s| instances(s).len() == NODES.len()).await;
    assert!(clustered(&site).iter().all(|run| !alive(run.pid)));
    check(&site);
}
