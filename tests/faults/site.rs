//! A control plane and three agents on this machine, as processes that a story may kill and freeze.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::notes::{self, Run};

/// A condition that does not come true within this fails the story.
pub const PATIENCE: Duration = Duration::from_secs(45);
const LOCUM: &str = env!("CARGO_BIN_EXE_locum");
pub const NODES: [&str; 3] = ["bts1", "bts2", "bts3"];
pub const CLUSTER: &str = "integration";
pub const GROUP: &str = "ftp-receive";

/// A control plane, its database, and three nodes.
pub struct Site {
    pub dir: TempDir,
    pub http: reqwest::Client,
    pub server_port: u16,
    server: Option<Child>,
    agents: Vec<Option<Child>>,
    pub agent_ports: Vec<u16>,
}

/// A port that was free a moment ago, so that a program can come back on the port that it had.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback has free ports").port()
}

impl Site {
    /// Starts everything and applies one group under settings in which a lost node costs about a second and a half.
    pub async fn start() -> Self {
        let mut site = Self::bare();
        site.start_server().await;
        for index in 0..NODES.len() {
            site.start_agent(index);
        }
        site.apply(&site.topology()).await;
        site.wait_online(GROUP).await;
        site
    }

    /// A site with ports and folders, and nothing running.
    pub fn bare() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("inbox")).expect("the inbox");
        fs::write(dir.path().join("record"), "").expect("the record");
        let agent_ports = NODES.iter().map(|_| free_port()).collect();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("an HTTP client");
        Self { dir, http, server_port: free_port(), server: None, agents: vec![None, None, None], agent_ports }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.path(&format!("{name}.log"))).expect("a log file")
    }

    fn spawn(&self, name: &str, args: &[&str]) -> Child {
        let log = self.log(name);
        Command::new(LOCUM)
            .args(args)
            .env("LOCUM_LOG", "info")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the program under test")
    }

    pub async fn start_server(&mut self) {
        let listen = format!("127.0.0.1:{}", self.server_port);
        let database = format!("sqlite:{}", self.path("locum.db").display());
        self.server = Some(self.spawn("server", &["server", "--listen", &listen, "--database-url", &database]));
        self.until("the server answers", async |site| site.get("/healthz").await.is_some()).await;
    }

    pub fn start_agent(&mut self, index: usize) {
        let listen = format!("127.0.0.1:{}", self.agent_ports[index]);
        let state_dir = self.state_dir(index);
        let state_dir = state_dir.to_str().expect("a text path");
        let args = ["agent", "--name", NODES[index], "--listen", &listen, "--state-dir", state_dir];
        self.agents[index] = Some(self.spawn(NODES[index], &args));
    }

    pub fn state_dir(&self, index: usize) -> PathBuf {
        self.path(NODES[index])
    }

    /// One group of one receive handler that notes when it runs.
    pub fn topology(&self) -> Value {
        let nodes: Vec<Value> = NODES
            .iter()
            .zip(&self.agent_ports)
            .map(|(name, port)| json!({ "name": name, "agent": format!("http://127.0.0.1:{port}") }))
            .collect();
        json!({
            "cluster": CLUSTER,
            "settings": { "heartbeat": "100ms", "lease": "1500ms", "stop_budget": "700ms", "margin": "100ms" },
            "nodes": nodes,
            "groups": [{
                "name": GROUP,
                "failover": { "max_failovers": 1000 },
                "resources": [{
                    "name": "handler",
                    "type": "process",
                    "command": self.handler_command(),
                    "restart": { "max_restarts": 1, "delay": "50ms" }
                }]
            }]
        })
    }

    fn handler_command(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let (inbox, store, record, notes) = (path("inbox"), path("store"), path("record"), path("notes"));
        ["receive", "--inbox", &inbox, "--store", &store, "--record", &record, "--notes", &notes, "--interval", "20ms"]
            .into_iter()
            .fold(vec![LOCUM.to_owned()], |mut all, part| {
                all.push(part.to_owned());
                all
            })
    }

    // -- the API

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server_port)
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(self.url(path)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let body = answer.bytes().await.ok()?;
        Some(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn apply(&self, topology: &Value) {
        let url = self.url(&format!("/v1/clusters/{CLUSTER}/topology"));
        let answer = self.http.put(url).json(topology).send().await.expect("the server answers");
        let status = answer.status();
        assert!(status.is_success(), "apply: {status}: {}", answer.text().await.unwrap_or_default());
    }

    /// An action; its answer, whatever it is.
    pub async fn act(&self, path: &str, body: Value) -> Option<(u16, Value)> {
        let url = self.url(&format!("/v1/clusters/{CLUSTER}/{path}"));
        let answer = self.http.post(url).json(&body).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)))
    }

    pub async fn status(&self) -> Option<Value> {
        self.get(&format!("/v1/clusters/{CLUSTER}/status")).await
    }

    pub async fn group(&self) -> Option<Value> {
        let status = self.status().await?;
        status["groups"].as_array()?.iter().find(|group| group["name"] == GROUP).cloned()
    }

    pub async fn node(&self, name: &str) -> Option<Value> {
        let status = self.status().await?;
        status["nodes"].as_array()?.iter().find(|node| node["name"] == name).cloned()
    }

    /// The index of the node that owns the group.
    pub async fn owner(&self) -> usize {
        let group = self.group().await.expect("a status");
        let owner = group["owner"].as_str().expect("the group has an owner");
        NODES.iter().position(|name| *name == owner).expect("the owner is a node of ours")
    }

    pub async fn service_pid(&self) -> i32 {
        let group = self.group().await.expect("a status");
        let pid = group["resources"][0]["pid"].as_i64().expect("the resource runs");
        i32::try_from(pid).expect("a pid")
    }

    pub async fn failovers(&self) -> Vec<Value> {
        let page = self.get(&format!("/v1/clusters/{CLUSTER}/failovers?limit=1000")).await.expect("the history");
        page["items"].as_array().expect("items").clone()
    }

    // -- waiting

    /// Waits for a condition; a story never sleeps and hopes.
    pub async fn until(&self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self).await {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}\n{}", self.report().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn wait_online(&self, group: &str) {
        self.until(&format!("{group} is online"), async |site| {
            site.group().await.is_some_and(|g| g["state"] == "online" && g["wanted"] == "online")
        })
        .await;
    }

    pub async fn wait_online_elsewhere(&self, than: usize) {
        self.until(&format!("{GROUP} is online on another node than {}", NODES[than]), async |site| {
            site.group().await.is_some_and(|g| g["state"] == "online" && g["owner"] != NODES[than])
        })
        .await;
    }

    async fn report(&self) -> String {
        let status = self.status().await.map(|s| serde_json::to_string_pretty(&s).unwrap_or_default());
        let logs = ["server", "bts1", "bts2", "bts3"].map(|name| {
            let log = fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(25).collect();
            format!("-- {name}\n{}\n", tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
        });
        format!("{}\n{}", status.unwrap_or_else(|| "no status".to_owned()), logs.join(""))
    }

    // -- faults

    pub fn agent_pid(&self, index: usize) -> i32 {
        let child = self.agents[index].as_ref().expect("the agent runs");
        i32::try_from(child.id()).expect("a pid")
    }

    pub fn kill_agent(&mut self, index: usize) {
        let mut child = self.agents[index].take().expect("the agent runs");
        child.kill().and_then(|()| child.wait()).expect("our own child can be killed");
    }

    /// Does what the status says about an agent that obeys another cluster.
    pub async fn reset_agent(&self, index: usize) {
        let state_dir = self.state_dir(index);
        let state_dir = state_dir.to_str().expect("a text path").to_owned();
        self.until("the agent is reset", async |site| {
            let mut reset = site.spawn(NODES[index], &["agent", "reset", "--state-dir", &state_dir]);
            reset.wait().is_ok_and(|status| status.success())
        })
        .await;
    }

    pub fn signal_agent(&self, index: usize, signal: Signal) {
        send(self.agent_pid(index), signal);
    }

    pub fn kill_server(&mut self) {
        let mut child = self.server.take().expect("the server runs");
        child.kill().and_then(|()| child.wait()).expect("our own child can be killed");
    }

    pub fn server_pid(&self) -> i32 {
        i32::try_from(self.server.as_ref().expect("the server runs").id()).expect("a pid")
    }

    /// Waits for the server to end by itself; how it ended.
    pub fn wait_server(&mut self) -> std::process::ExitStatus {
        self.server.take().expect("the server runs").wait().expect("our own child can be waited for")
    }

    /// The guard of a node, if one lives.
    pub fn guard_pid(&self, index: usize) -> Option<i32> {
        guard_of(&self.state_dir(index))
    }

    // -- the end of every story

    /// Never two running, by the service's own notes; and every change of owner recorded, with a proof.
    pub async fn check_exactly_one(&self) {
        let runs = self.check_overlaps().await;
        self.until("every failover is closed", async |site| {
            site.failovers().await.iter().all(|failover| failover["outcome"] != "in_progress")
        })
        .await;
        for failover in self.failovers().await {
            if matches!(failover["outcome"].as_str(), Some("succeeded" | "failed")) {
                assert!(failover["release_proof"].is_string(), "no proof: {failover}");
                assert!(failover["epoch"].is_u64(), "no epoch: {failover}");
            }
        }
        // Every change of owner that the service saw has its record.
        let failovers = self.failovers().await;
        for pair in runs.windows(2).filter(|pair| pair[0].node != pair[1].node) {
            let recorded = failovers.iter().any(|failover| failover["epoch"] == pair[1].epoch);
            assert!(recorded, "no record of the change to {} (epoch {})", pair[1].node, pair[1].epoch);
        }
    }

    /// Never two running, by the service's own notes.
    pub async fn check_overlaps(&self) -> Vec<Run> {
        let runs = self.runs();
        let overlaps = notes::overlaps(&runs);
        assert!(overlaps.is_empty(), "two ran at once: {overlaps:?}\n{}", self.report().await);
        runs
    }

    /// When the service ran, by its own notes, in the order in which it began.
    pub fn runs(&self) -> Vec<Run> {
        notes::read(&self.path("notes"))
    }
}

/// Sends a signal to a process that this story started.
pub fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("a process of ours");
}

/// The guard's command line names its state directory.
fn guard_of(state_dir: &Path) -> Option<i32> {
    let wanted = state_dir.to_str()?;
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<&str> =
            line.split(|byte| *byte == 0).filter_map(|word| std::str::from_utf8(word).ok()).collect();
        (words.contains(&"guard") && words.contains(&wanted)).then_some(pid)
    })
}

impl Drop for Site {
    fn drop(&mut self) {
        for child in self.agents.iter_mut().chain([&mut self.server]).filter_map(Option::as_mut) {
            let _ = child.kill();
            let _ = child.wait();
        }
        // A guard that is asked to end kills what it guards.
        for index in 0..NODES.len() {
            if let Some(pid) = self.guard_pid(index) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
    }
}
