//! How long do a crash, a move and a lost node take on this machine, and what does an idle control plane cost?
//!
//! `cargo bench` prints medians of ten, beside the bound that the status document shows. Real processes on loopback.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, dead_code)]

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};

#[path = "../tests/faults/notes.rs"]
mod notes;
#[path = "../tests/faults/site.rs"]
mod site;

use site::{GROUP, NODES, Site};

const ROUNDS: usize = 10;
const RESTART_DELAY: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() {
    println!("medians of {ROUNDS} (smallest .. largest), milliseconds\n");
    crash().await;
    planned_move().await;
    lost_node("default settings", json!({})).await;
    let fast = json!({ "heartbeat": "100ms", "lease": "1s", "stop_budget": "300ms", "margin": "100ms" });
    lost_node("fast settings (100ms, 1s, 300ms)", fast).await;
    idle().await;
}

fn print(what: &str, mut samples: Vec<f64>) {
    samples.sort_by(f64::total_cmp);
    let median = f64::midpoint(samples[(samples.len() - 1) / 2], samples[samples.len() / 2]);
    println!("{what:<58} {median:>8.1}   ({:.1} .. {:.1})", samples[0], samples[samples.len() - 1]);
}

fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1e3
}

fn boot_micros() -> u64 {
    locum::clock::boot_ticks().0
}

async fn start(settings: Value, restart: Value) -> Site {
    let mut site = Site::bare();
    site.start_server().await;
    for index in 0..NODES.len() {
        site.start_agent(index);
    }
    let mut topology = site.topology();
    topology["settings"] = settings;
    topology["groups"][0]["resources"][0]["restart"] = restart;
    site.apply(&topology).await;
    site.wait_online(GROUP).await;
    site
}

/// Waits until a run began that was not there before; when it began.
async fn next_run(site: &Site, before: usize) -> u64 {
    site.until("the service runs again", async |s| s.runs().len() > before).await;
    site.runs()[before].from
}

async fn crash() {
    let site = start(json!({}), json!({ "max_restarts": 1000, "delay": "500ms" })).await;
    let mut samples = Vec::new();
    for _ in 0..ROUNDS {
        let (pid, before) = (site.service_pid().await, site.runs().len());
        let killed = boot_micros();
        site::send(pid, Signal::SIGKILL);
        let began = next_run(&site, before).await;
        samples.push(millis(began - killed) - RESTART_DELAY.as_secs_f64() * 1e3);
        site.until("it is online", async |s| {
            s.group().await.is_some_and(|g| g["state"] == "online" && g["resources"][0]["pid"] != pid)
        })
        .await;
    }
    print("service crash to restarted, less the configured delay", samples);
}

async fn planned_move() {
    let site = start(json!({}), json!({})).await;
    let (mut gaps, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = site.runs().len();
        let asked = Instant::now();
        site.act(&format!("groups/{GROUP}/move?wait=30s"), json!({})).await.expect("an answer");
        whole.push(asked.elapsed().as_secs_f64() * 1e3);
        let began = next_run(&site, before).await;
        gaps.push(millis(began.saturating_sub(site.runs()[before - 1].until)));
        site.wait_online(GROUP).await;
    }
    print("planned move: old exit to new exec", gaps);
    print("planned move: command to online", whole);
}

async fn lost_node(name: &str, settings: Value) {
    let mut site = start(settings, json!({})).await;
    let bound = site.status().await.expect("a status")["worst_case_takeover"].clone();
    let mut samples = Vec::new();
    for _ in 0..ROUNDS {
        let owner = site.owner().await;
        let (guard, pid, before) = (site.guard_pid(owner), site.service_pid().await, site.runs().len());
        let lost = boot_micros();
        site.kill_agent(owner);
        for pid in guard.into_iter().chain([pid]) {
            // The guard's death takes the service with it: it may be gone.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        samples.push(millis(next_run(&site, before).await - lost));
        site.wait_online_elsewhere(owner).await;
        site.start_agent(owner);
        site.until("the node is up again", async |s| s.node(NODES[owner]).await.is_some_and(|n| n["state"] == "up"))
            .await;
    }
    print(&format!("node loss to new exec, {name}"), samples);
    println!("{:<58} {:>8}", "  worst case as the status shows it", bound.as_str().unwrap_or("?"));
}

async fn idle() {
    const WATCHED: Duration = Duration::from_secs(10);
    let site = start(json!({}), json!({})).await;
    let cpu = || processor_ticks(site.server_pid());
    let before = cpu();
    tokio::time::sleep(WATCHED).await;
    // /proc counts in hundredths of a second.
    #[allow(clippy::cast_precision_loss)] // a few hundred ticks
    let share = (cpu() - before) as f64 / WATCHED.as_secs_f64();
    println!("{:<58} {share:>8.2}", "idle server with three agents, percent of a core");
}

fn processor_ticks(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server runs");
    let (_, rest) = stat.rsplit_once(") ").expect("a stat line");
    let fields: Vec<&str> = rest.split(' ').collect();
    fields[11].parse::<u64>().unwrap_or(0) + fields[12].parse::<u64>().unwrap_or(0)
}
