//! Stories of services, agents and guards that die, freeze, and come back.

use nix::sys::signal::Signal;

use crate::site::{NODES, Site, send};

#[tokio::test]
async fn a_crashed_service_is_restarted_where_it_was() {
    let site = Site::start().await;
    let (owner, pid) = (site.owner().await, site.service_pid().await);
    send(pid, Signal::SIGKILL);
    site.until("another process runs", async |s| {
        s.group().await.is_some_and(|g| g["state"] == "online" && g["resources"][0]["pid"] != pid)
    })
    .await;
    assert_eq!(site.owner().await, owner);
    assert!(site.failovers().await.is_empty(), "a restart on the owner is no failover");
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_service_beyond_its_restart_policy_fails_over() {
    let site = Site::start().await;
    let owner = site.owner().await;
    for _ in 0..2 {
        let pid = site.service_pid().await;
        send(pid, Signal::SIGKILL);
        site.until("another process runs", async |s| {
            s.group().await.is_some_and(|g| g["state"] == "online" && g["resources"][0]["pid"] != pid)
        })
        .await;
    }
    site.wait_online_elsewhere(owner).await;
    site.check_exactly_one().await;
    let failovers = site.failovers().await;
    assert_eq!(failovers.len(), 1);
    assert_eq!(failovers[0]["cause"], "resource_failed");
    assert_eq!(failovers[0]["release_proof"], "acknowledged");
}

#[tokio::test]
async fn a_killed_agent_that_is_back_in_time_adopts_its_services() {
    let mut site = Site::start().await;
    let (owner, pid) = (site.owner().await, site.service_pid().await);
    site.until("the service has begun to tell that it runs", async |s| !s.runs().is_empty()).await;
    site.kill_agent(owner);
    site.start_agent(owner);
    site.until("the node is up again", async |s| {
        s.node(NODES[owner]).await.is_some_and(|n| n["state"] == "up")
            && s.group().await.is_some_and(|g| g["state"] == "online")
    })
    .await;
    // Over a whole lease: it is renewed, not merely not yet over.
    let renewed = site.runs().last().expect("it ran").until + 2_000_000;
    site.until("the service goes on beyond its old lease", async |s| {
        s.runs().last().is_some_and(|run| run.until > renewed)
    })
    .await;
    assert_eq!(site.service_pid().await, pid, "the same process goes on");
    assert!(site.failovers().await.is_empty());
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_killed_agent_that_stays_away_loses_its_groups_after_the_lease() {
    let mut site = Site::start().await;
    let owner = site.owner().await;
    site.kill_agent(owner);
    site.wait_online_elsewhere(owner).await;
    site.start_agent(owner);
    site.until("the node is up again", async |s| s.node(NODES[owner]).await.is_some_and(|n| n["state"] == "up")).await;
    site.check_exactly_one().await;
    let failovers = site.failovers().await;
    assert_eq!(failovers.len(), 1);
    assert_eq!(failovers[0]["cause"], "node_lost");
    assert_eq!(failovers[0]["release_proof"], "lease_expired");
}

#[tokio::test]
async fn agent_and_guard_killed_together_take_the_service_with_them() {
    let mut site = Site::start().await;
    let (owner, pid) = (site.owner().await, site.service_pid().await);
    let guard = site.guard_pid(owner).expect("a guard guards the service");
    send(guard, Signal::SIGKILL);
    site.kill_agent(owner);
    site.until("the service is gone", async |_| !alive(pid)).await;
    site.wait_online_elsewhere(owner).await;
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_killed_guard_takes_the_service_with_it_and_the_agent_starts_anew() {
    let site = Site::start().await;
    let (owner, pid) = (site.owner().await, site.service_pid().await);
    send(site.guard_pid(owner).expect("a guard guards the service"), Signal::SIGKILL);
    site.until("another process runs", async |s| {
        s.group().await.is_some_and(|g| g["state"] == "online" && g["resources"][0]["pid"].as_i64() != Some(pid.into()))
    })
    .await;
    assert!(!alive(pid));
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_frozen_guard_does_not_keep_the_service_past_the_lease() {
    let site = Site::start().await;
    let guard = site.guard_pid(site.owner().await).expect("a guard guards the service");
    let before = site.runs().len();
    send(guard, Signal::SIGSTOP);
    site.until("the service runs anew under another guard", async |s| s.runs().len() > before).await;
    site.wait_online(crate::site::GROUP).await;
    site.check_exactly_one().await;
}

#[tokio::test]
async fn an_agent_frozen_past_its_lease_wakes_up_as_nobody() {
    let site = Site::start().await;
    let owner = site.owner().await;
    site.signal_agent(owner, Signal::SIGSTOP);
    site.wait_online_elsewhere(owner).await;
    site.signal_agent(owner, Signal::SIGCONT);
    site.until("the node is up again", async |s| s.node(NODES[owner]).await.is_some_and(|n| n["state"] == "up")).await;
    site.check_exactly_one().await;
    assert_eq!(site.failovers().await.len(), 1);
    assert_ne!(site.owner().await, owner, "nothing moves back by itself");
}

#[tokio::test]
async fn everything_of_a_node_killed_at_once_fails_over() {
    let mut site = Site::start().await;
    let (owner, pid) = (site.owner().await, site.service_pid().await);
    let guard = site.guard_pid(owner).expect("a guard guards the service");
    send(guard, Signal::SIGKILL);
    // The guard's death may have taken the service already.
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
    site.kill_agent(owner);
    site.wait_online_elsewhere(owner).await;
    site.start_agent(owner);
    site.until("the node is up again", async |s| s.node(NODES[owner]).await.is_some_and(|n| n["state"] == "up")).await;
    site.check_exactly_one().await;
}

/// Whether a process runs; a zombie does not.
pub fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
