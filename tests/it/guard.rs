//! Does the guard keep its promise, with real processes?
#![allow(clippy::unwrap_used)] // helpers of tests may fail as tests do

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use locum::agent::guard::GuardLauncher;
use locum::agent::guard::client::{Connected, GuardError, GuardEvent, Guarded, LeaseEnd, ServiceKey, StartOrder};
use locum::clock::boot_ticks;
use locum::domain::{Bounded, Epoch, StopSignal};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

const PATIENCE: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(300);

/// A state directory whose guard is ended with the test, whatever its outcome.
struct Place {
    dir: TempDir,
    below: PathBuf,
    cgroups: bool,
}

impl Place {
    fn new() -> Self {
        Self::with(true)
    }

    fn with(cgroups: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().to_path_buf();
        Self { dir, below, cgroups }
    }

    async fn connect(&self) -> Connected {
        let launcher = GuardLauncher { exe: env!("CARGO_BIN_EXE_locum").into(), cgroups: self.cgroups };
        launcher.connect(&self.below).await.unwrap()
    }

    async fn leased(&self, lease: Duration) -> Connected {
        let connected = self.connect().await;
        connected.guard.set_lease_end(end_in(lease, lease)).await.unwrap();
        connected
    }

    fn guard_pid(&self) -> u32 {
        let text = fs::read(self.below.join("guard.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        u32::try_from(json["pid"].as_u64().unwrap()).unwrap()
    }

    fn order(&self, script: &str) -> StartOrder {
        StartOrder {
            key: key(),
            epoch: Epoch(7),
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            working_dir: Some(self.dir.path().to_path_buf()),
            stop_signal: StopSignal::Term,
            log: self.dir.path().join("log"),
        }
    }

    /// The number that a script wrote, once it is whole.
    async fn number(&self, file: &str) -> u32 {
        let path = self.dir.path().join(file);
        wait_for(file, || fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n'))).await;
        fs::read_to_string(path).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(text) = fs::read(self.below.join("guard.json"))
            && let Ok(json) = serde_json::from_slice::<serde_json::Value>(&text)
            && let Some(pid) = json["pid"].as_u64()
        {
            send(u32::try_from(pid).unwrap(), Signal::SIGKILL);
            if let Some(base) = json["cgroup"].as_str() {
                remove_cgroup(Path::new(base));
            }
        }
    }
}

fn remove_cgroup(base: &Path) {
    let _ = fs::write(base.join("cgroup.kill"), "1");
    let give_up = Instant::now() + PATIENCE;
    while base.exists() && Instant::now() < give_up {
        for service in fs::read_dir(base).into_iter().flatten().flatten() {
            let _ = fs::remove_dir(service.path());
        }
        let _ = fs::remove_dir(base);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn key() -> ServiceKey {
    ServiceKey::Resource {
        group: "ftp-receive".to_owned().try_into().unwrap(),
        resource: "handler".to_owned().try_into().unwrap(),
    }
}

fn end_in(stop: Duration, kill: Duration) -> LeaseEnd {
    let now = boot_ticks();
    LeaseEnd { stop_at: now.plus(stop), kill_at: now.plus(kill) }
}

fn send(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}

fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat[stat.rfind(')').unwrap()..].starts_with(") Z"))
}

async fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < give_up, "waited {PATIENCE:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn next(events: &mut UnboundedReceiver<GuardEvent>) -> Option<GuardEvent> {
    tokio::time::timeout(PATIENCE, events.recv()).await.expect("an event in time")
}

async fn exit_of(connected: &mut Connected, service: &Guarded) -> (Option<i32>, Option<i32>) {
    match next(&mut connected.events).await {
        Some(GuardEvent::Exited { key, pid, exit }) => {
            assert_eq!((key, pid), (service.key.clone(), service.pid));
            (exit.code, exit.signal)
        }
        other => panic!("expected the exit, got {other:?}"),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, GuardError>) -> String {
    match result {
        Err(GuardError::Refused(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_service_starts_with_exactly_its_environment_and_its_exit_is_told() {
    let place = Place::new();
    let mut agent = place.leased(LONG).await;
    let mut order = place.order("");
    order.command = vec!["env".to_owned()];
    order.env.insert("LOCUM_EPOCH".to_owned(), "7".to_owned());
    let service = agent.guard.start(order).await.unwrap();
    assert_eq!(exit_of(&mut agent, &service).await, (Some(0), None));
    assert_eq!(fs::read_to_string(place.dir.path().join("log")).unwrap(), "LOCUM_EPOCH=7\nPATH=/usr/bin:/bin\n");

    // Forgotten or not, the place is free for the next.
    agent.guard.forget(&key()).await.unwrap();
    let service = agent.guard.start(place.order("exit 3")).await.unwrap();
    assert_eq!(exit_of(&mut agent, &service).await, (Some(3), None));
    let service = agent.guard.start(place.order("kill -KILL $$")).await.unwrap();
    assert_eq!(exit_of(&mut agent, &service).await, (None, Some(9)));
}

#[tokio::test]
async fn what_can_not_run_is_refused_with_a_sentence() {
    let place = Place::new();
    let agent = place.connect().await;
    assert!(refusal(agent.guard.start(place.order("true")).await).contains("no lease"));
    agent.guard.set_lease_end(end_in(Duration::ZERO, LONG)).await.unwrap();
    assert!(refusal(agent.guard.start(place.order("true")).await).contains("passed"));

    agent.guard.set_lease_end(end_in(LONG, LONG)).await.unwrap();
    let mut order = place.order("");
    order.command = vec!["no-such-program".to_owned()];
    assert!(refusal(agent.guard.start(order.clone()).await).contains("not in PATH"));
    fs::write(place.dir.path().join("plain"), "no program").unwrap();
    order.command = vec!["./plain".to_owned()];
    assert!(refusal(agent.guard.start(order.clone()).await).contains("execute permission"));
    order.working_dir = Some("/no/such/place".into());
    assert!(refusal(agent.guard.start(order).await).contains("working directory"));

    agent.guard.start(place.order("exec sleep 1000")).await.unwrap();
    assert!(refusal(agent.guard.start(place.order("true")).await).contains("runs already"));
}

#[tokio::test]
async fn an_agent_that_is_back_adopts_the_same_process() {
    let place = Place::new();
    let agent = place.leased(LONG).await;
    let service = agent.guard.start(place.order("exec sleep 1000")).await.unwrap();
    let guard = place.guard_pid();
    drop(agent);

    let mut agent = place.connect().await;
    assert_eq!(agent.services, vec![service.clone()]);
    assert!(agent.lease_end.stop_at > boot_ticks());
    assert_eq!(place.guard_pid(), guard);
    agent.guard.signal(&key(), StopSignal::Term).await.unwrap();
    assert_eq!(exit_of(&mut agent, &service).await, (None, Some(15)));
}

#[tokio::test]
async fn an_instance_needs_no_lease_and_outlives_it_and_its_agent() {
    let place = Place::new();
    let mut agent = place.connect().await;
    let host = || ServiceKey::Instance { host: "Pop3Receive".parse().unwrap() };
    let order = StartOrder { key: host(), epoch: Epoch(0), ..place.order("exec sleep 1000") };
    assert!(refusal(agent.guard.start(place.order("exec sleep 1000")).await).contains("no lease"));
    let instance = agent.guard.start(order.clone()).await.unwrap();
    assert!(refusal(agent.guard.start(order).await).contains("runs already"));

    // The same name in a group is another service, and the lease is its own.
    agent.guard.set_lease_end(end_in(LONG, LONG)).await.unwrap();
    let group = "Pop3Receive".parse().unwrap();
    let key = ServiceKey::Resource { group, resource: "Pop3Receive".parse().unwrap() };
    let leased = agent.guard.start(StartOrder { key, ..place.order("exec sleep 1000") }).await.unwrap();
    agent.guard.set_lease_end(end_in(Duration::ZERO, Duration::ZERO)).await.unwrap();
    assert_eq!(exit_of(&mut agent, &leased).await, (None, Some(9)));
    assert!(is_alive(instance.pid));
    agent.guard.forget(&leased.key).await.unwrap();

    // Nobody is there, and no lease: the guard goes on for it.
    drop(agent);
    let mut agent = place.connect().await;
    assert_eq!(agent.services, vec![instance.clone()]);
    assert!(is_alive(instance.pid));
    agent.guard.signal(&host(), StopSignal::Term).await.unwrap();
    assert_eq!(exit_of(&mut agent, &instance).await, (None, Some(15)));

    // It ends with its guard all the same.
    let order = StartOrder { key: host(), epoch: Epoch(0), ..place.order("exec sleep 1000") };
    agent.guard.forget(&host()).await.unwrap();
    let instance = agent.guard.start(order).await.unwrap();
    send(place.guard_pid(), Signal::SIGKILL);
    assert_eq!(next(&mut agent.events).await, Some(GuardEvent::Lost));
    assert!(!is_alive(instance.pid));
}

#[tokio::test]
async fn the_deadline_stops_and_then_kills() {
    let place = Place::new();
    let mut agent = place.leased(LONG).await;
    let polite = agent.guard.start(place.order("trap 'exit 5' TERM; echo 1 > up; while :; do sleep 0.05; done"));
    let polite = polite.await.unwrap();
    place.number("up").await;
    agent.guard.set_lease_end(end_in(Duration::ZERO, LONG)).await.unwrap();
    assert_eq!(exit_of(&mut agent, &polite).await, (Some(5), None));

    agent.guard.set_lease_end(end_in(LONG, LONG)).await.unwrap();
    let deaf = "trap 'echo 1 > asked' TERM; echo 1 > up2; while :; do sleep 0.05; done";
    let deaf = agent.guard.start(place.order(deaf)).await.unwrap();
    place.number("up2").await;
    agent.guard.set_lease_end(end_in(Duration::ZERO, Duration::from_millis(400))).await.unwrap();
    place.number("asked").await;
    assert_eq!(exit_of(&mut agent, &deaf).await, (None, Some(9)));
}

#[tokio::test]
async fn without_an_agent_the_guard_kills_at_the_deadline_and_ends() {
    let place = Place::new();
    let agent = place.leased(Duration::from_millis(1500)).await;
    let service = agent.guard.start(place.order("trap '' TERM; while :; do sleep 0.05; done")).await.unwrap();
    let guard = place.guard_pid();
    drop(agent);
    wait_for("the service is dead", || !is_alive(service.pid)).await;
    wait_for("the guard has ended", || !is_alive(guard)).await;
}

#[tokio::test]
async fn the_whole_tree_dies_with_its_process() {
    let place = Place::new();
    let mut agent = place.leased(LONG).await;
    let script = "setsid sh -c 'echo $$ > escaped; exec sleep 1000' & sleep 1000";
    let service = agent.guard.start(place.order(script)).await.unwrap();
    if service.bounded != Bounded::Cgroup {
        eprintln!("skipped: no writable cgroup here");
        return;
    }
    let escaped = place.number("escaped").await;
    agent.guard.kill(&key()).await.unwrap();
    assert_eq!(exit_of(&mut agent, &service).await, (None, Some(9)));
    assert!(!is_alive(escaped) && !is_alive(service.pid));
}

#[tokio::test]
async fn without_cgroups_the_process_group_dies() {
    let place = Place::with(false);
    let mut agent = place.leased(LONG).await;
    let script = "sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 0.05; done' & wait";
    let service = agent.guard.start(place.order(script)).await.unwrap();
    assert_eq!(service.bounded, Bounded::ProcessGroup);
    let child = place.number("child").await;
    // The process ends by itself; what it leaves behind is killed before the exit is told.
    send(service.pid, Signal::SIGTERM);
    assert_eq!(exit_of(&mut agent, &service).await, (None, Some(15)));
    assert!(!is_alive(child));
}

#[tokio::test]
async fn a_killed_guard_takes_its_services_along() {
    for cgroups in [true, false] {
        let place = Place::with(cgroups);
        let mut agent = place.leased(LONG).await;
        let script = "sh -c 'echo $$ > child; exec sleep 1000' & sleep 1000";
        let service = agent.guard.start(place.order(script)).await.unwrap();
        let child = place.number("child").await;
        send(place.guard_pid(), Signal::SIGKILL);
        assert_eq!(next(&mut agent.events).await, Some(GuardEvent::Lost));
        assert!(!is_alive(service.pid) && !is_alive(child), "cgroups: {cgroups}");
        assert!(matches!(agent.guard.kill(&key()).await, Err(GuardError::Gone(_))));
        let again = place.connect().await;
        assert_eq!(again.services, vec![]);
    }
}

#[tokio::test]
async fn a_frozen_guard_is_seen_and_destroyed() {
    let place = Place::new();
    let mut agent = place.leased(LONG).await;
    let service = agent.guard.start(place.order("exec sleep 1000")).await.unwrap();
    let guard = place.guard_pid();
    send(guard, Signal::SIGSTOP);
    assert!(matches!(agent.guard.set_lease_end(end_in(LONG, LONG)).await, Err(GuardError::Gone(_))));
    agent.guard.kill_directly(&key()).await.unwrap();
    assert!(!is_alive(service.pid));
    agent.guard.destroy().await.unwrap();
    assert_eq!(next(&mut agent.events).await, Some(GuardEvent::Lost));
    assert!(!is_alive(guard));
    place.leased(LONG).await.guard.start(place.order("true")).await.unwrap();
}

#[tokio::test]
async fn connecting_replaces_a_guard_that_says_nothing() {
    let place = Place::new();
    let agent = place.leased(LONG).await;
    let service = agent.guard.start(place.order("exec sleep 1000")).await.unwrap();
    let guard = place.guard_pid();
    send(guard, Signal::SIGSTOP);
    drop(agent);
    let agent = place.connect().await;
    assert_eq!(agent.services, vec![]);
    assert!(!is_alive(guard) && !is_alive(service.pid));
}

#[tokio::test]
async fn what_agent_and_guard_left_is_cleared_on_connect() {
    for cgroups in [true, false] {
        let place = Place::with(cgroups);
        let agent = place.leased(LONG).await;
        let leave = if cgroups { "setsid" } else { "" };
        let script = format!("{leave} sh -c 'echo $$ > left; exec sleep 1000' & sleep 1000");
        let service = agent.guard.start(place.order(&script)).await.unwrap();
        if cgroups && service.bounded != Bounded::Cgroup {
            continue;
        }
        let left = place.number("left").await;
        let guard = place.guard_pid();
        drop(agent);
        send(guard, Signal::SIGKILL);
        wait_for("parent-death signal", || !is_alive(service.pid)).await;
        assert!(is_alive(left), "cgroups: {cgroups}");
        let agent = place.connect().await;
        assert!(!is_alive(left), "cgroups: {cgroups}");
        assert_eq!(agent.services, vec![]);
    }
}

#[tokio::test]
async fn the_newest_agent_wins() {
    let place = Place::new();
    let mut first = place.leased(LONG).await;
    let service = first.guard.start(place.order("exec sleep 1000")).await.unwrap();
    let second = place.connect().await;
    assert_eq!(next(&mut first.events).await, None, "no loss is told: the guard lives");
    assert!(matches!(first.guard.kill(&key()).await, Err(GuardError::Gone(_))));
    assert!(matches!(first.guard.destroy().await, Err(GuardError::Gone(_))));
    drop(first);
    assert!(is_alive(service.pid));
    second.guard.kill(&key()).await.unwrap();
}

#[tokio::test]
async fn a_long_state_directory_is_no_obstacle() {
    let mut place = Place::new();
    place.below = place.dir.path().join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&place.below).unwrap();
    let agent = place.leased(LONG).await;
    agent.guard.start(place.order("exec sleep 1000")).await.unwrap();
    drop(agent);
    assert_eq!(place.connect().await.services.len(), 1);
}

#[tokio::test]
async fn a_guard_told_to_stop_stops_its_services() {
    let place = Place::new();
    let mut agent = place.leased(LONG).await;
    let script = "trap 'echo 1 > asked; exit 0' TERM; echo 1 > up; while :; do sleep 0.05; done";
    let service = agent.guard.start(place.order(script)).await.unwrap();
    place.number("up").await;
    send(place.guard_pid(), Signal::SIGTERM);
    assert_eq!(exit_of(&mut agent, &service).await, (Some(0), None));
    assert_eq!(next(&mut agent.events).await, Some(GuardEvent::Lost));
    place.number("asked").await;
}

#[tokio::test]
async fn the_guard_is_apart_from_its_agent() {
    let place = Place::new();
    let agent = place.leased(LONG).await;
    let guard = place.guard_pid();
    let stat = fs::read_to_string(format!("/proc/{guard}/stat")).unwrap();
    let fields: Vec<_> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    assert_ne!(fields[1], std::process::id().to_string(), "its parent");
    assert_eq!(fields[3], guard.to_string(), "its session");
    assert_eq!(fs::read_dir(format!("/proc/{guard}/task")).unwrap().count(), 1, "threads");
    assert_eq!(fs::read_link(format!("/proc/{guard}/cwd")).unwrap(), Path::new("/"));
    drop(agent.guard);
}
