//! What does a demo put on this machine, and how is all of it taken away again?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::try_join_all;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::account::{self, Receipts, Run};
use super::example::Example;
use super::part::Part;
use super::processes;
use crate::api::views::ActionRequest;
use crate::cli::exit::Failure;
use crate::cli::remote::actor;
use crate::client::control_plane::{Action, ControlPlane, Replaces, Target};
use crate::clock::{Clock, SystemClock};
use crate::domain::{ClusterName, GroupName, GroupState, NodeName};

/// How long groups may take to go offline before the curtain falls anyway.
const OFFLINE_WITHIN: Duration = Duration::from_secs(8);

/// How long what was told to end may take.
const GONE_WITHIN: Duration = Duration::from_secs(3);

/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The example's groups, and the folder under /srv/locum that each works on.
const FEEDS: [(&str, &str); 2] = [("ftp-receive", "ftp"), ("sftp-receive", "sftp")];

/// The programs and folders of one demo.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    pub server: Part,
    pub agents: BTreeMap<NodeName, Part>,
    pub cluster: ClusterName,
}

impl Stage {
    /// Makes the folders; nothing runs yet.
    pub fn new() -> Result<Self, Failure> {
        let original = Example::original()?;
        let folder = tempfile::Builder::new().prefix("locum-demo-").tempdir()?;
        let program = program()?;
        let database = format!("sqlite:{}", folder.path().join("locum.db").display());
        let arguments = ["server", "--database-url", &database].map(str::to_owned).to_vec();
        let server = Part::new("server", &program, arguments, folder.path());
        let agent = |name: NodeName| {
            let state = folder.path().join(name.as_str()).display().to_string();
            let arguments = ["agent", "--name", name.as_str(), "--state-dir", &state].map(str::to_owned).to_vec();
            let part = Part::new(name.as_str(), &program, arguments, folder.path());
            (name, part)
        };
        let agents = original.nodes().into_iter().map(agent).collect();
        for (_, feed) in FEEDS {
            std::fs::create_dir_all(folder.path().join(feed).join("inbox"))?;
        }
        Ok(Self { folder, server, agents, cluster: original.spec.cluster })
    }

    /// Starts everything and applies the example.
    pub async fn set(&mut self) -> Result<(), Failure> {
        let agents = self.agents.values_mut().map(Part::start);
        tokio::try_join!(self.server.start(), try_join_all(agents))?;
        let addresses: Vec<_> = self.agents.iter().map(|(name, part)| (name.clone(), part.url())).collect();
        let example = Example::adapted(&addresses, &program()?, self.folder.path())?;
        self.plane()?.put_topology(&self.cluster, &example.document, Replaces::Nothing, false).await?;
        Ok(())
    }

    pub fn plane(&self) -> Result<ControlPlane, Failure> {
        Ok(ControlPlane::new(&self.server.url(), &actor())?)
    }

    pub fn agent(&mut self, node: &NodeName) -> Result<&mut Part, Failure> {
        self.agents.get_mut(node).ok_or_else(|| Failure::Failed(format!("the demo has no node {node}")))
    }

    /// Where files arrive.
    pub fn inboxes(&self) -> Vec<PathBuf> {
        FEEDS.iter().map(|(_, feed)| self.folder.path().join(feed).join("inbox")).collect()
    }

    /// What all handlers have recorded.
    pub fn receipts(&self) -> Receipts {
        FEEDS.iter().fold(Receipts::default(), |sum, (_, feed)| {
            let one = account::receipts(&self.read(feed, "record"));
            Receipts { files: sum.files + one.files, duplicates: sum.duplicates + one.duplicates }
        })
    }

    /// The runs of each group's handler, by its own notes.
    pub fn runs(&self) -> impl Iterator<Item = (&'static str, Vec<Run>)> {
        FEEDS.iter().map(|(group, feed)| (*group, account::runs(&self.read(feed, "notes"))))
    }

    /// The guards of a node's agent.
    pub fn guards(&self, node: &NodeName) -> Vec<u32> {
        let found = processes::naming(&self.folder.path().join(node.as_str()));
        found.into_iter().filter(processes::Found::is_guard).map(|guard| guard.pid).collect()
    }

    /// The last lines of every log.
    pub fn log_tails(&self) -> String {
        std::iter::once(&self.server).chain(self.agents.values()).map(Part::log_tail).collect()
    }

    /// Takes the groups offline, ends agents and server, then whatever is left, and removes the folder.
    pub async fn strike(&mut self) -> Result<(), Failure> {
        for agent in self.agents.values() {
            agent.signal(Signal::SIGCONT)?;
        }
        if self.server.pid().is_some() {
            // Groups that stay online end with their guards, below.
            let _ = self.groups_offline().await;
        }
        try_join_all(self.agents.values_mut().map(Part::stop)).await?;
        self.server.stop().await?;
        self.end_leftovers(Signal::SIGTERM).await?;
        self.clear().await
    }

    /// Ends everything at once.
    pub async fn clear(&mut self) -> Result<(), Failure> {
        for part in self.agents.values_mut().chain([&mut self.server]) {
            part.kill().await?;
        }
        self.end_leftovers(Signal::SIGKILL).await?;
        let folder = self.folder.path();
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::Failed(format!("can't remove {}: {error}", folder.display())))
            }
            _ => Ok(()),
        }
    }

    async fn groups_offline(&self) -> Result<(), Failure> {
        let plane = self.plane()?;
        let status = plane.status(&self.cluster, None, Duration::ZERO).await?;
        let groups = status.map(|seen| seen.reply.value.groups).unwrap_or_default();
        let names: Vec<GroupName> = groups.into_iter().map(|group| group.name).collect();
        let body = ActionRequest { reason: Some("the demo ends".to_owned()) };
        for name in &names {
            plane
                .act(&self.cluster, Target::Group(name), Action { verb: "offline", body: &body, timeout: None })
                .await?;
        }
        let give_up_at = SystemClock.ticks().plus(OFFLINE_WITHIN);
        while SystemClock.ticks() < give_up_at {
            let seen = plane.status(&self.cluster, None, Duration::ZERO).await?;
            if seen.is_some_and(|s| s.reply.value.groups.iter().all(|group| group.state == GroupState::Offline)) {
                return Ok(());
            }
            SystemClock.sleep(LOOK_EVERY).await;
        }
        Err(Failure::Failed("the groups did not go offline in time".to_owned()))
    }

    /// Guards first: they end what they guard.
    async fn end_leftovers(&self, signal: Signal) -> Result<(), Failure> {
        let mut found = processes::naming(self.folder.path());
        found.sort_by_key(|process| !process.is_guard());
        for process in &found {
            processes::signal(process.pid, signal)?;
            // One that was frozen ends too.
            processes::signal(process.pid, Signal::SIGCONT)?;
        }
        if processes::gone(self.folder.path(), GONE_WITHIN).await || signal == Signal::SIGTERM {
            return Ok(());
        }
        let left: Vec<String> =
            processes::naming(self.folder.path()).iter().map(|process| process.pid.to_string()).collect();
        Err(Failure::Failed(format!("these processes of the demo did not end: {}", left.join(", "))))
    }

    fn read(&self, feed: &str, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(feed).join(file)).unwrap_or_default()
    }
}

/// This program.
pub fn program() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?;
    // A binary that was built anew under a running demo is "... (deleted)" there.
    let text = path.display().to_string();
    Ok(text.strip_suffix(" (deleted)").map_or(path.as_path(), Path::new).to_owned())
}
