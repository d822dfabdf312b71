//! What must an agent still know after a crash, and who may use its state directory?

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::guard::client::{GuardClient, ServiceKey};
use super::supervisor::Memory;
use crate::clock::IdSource;
use crate::domain::{Assignment, Epoch, GroupName, NodeName};
use crate::lease::{Applied, Bond};

const LOCK: &str = "lock";
const LEDGER: &str = "ledger.json";
const MEMORY: &str = "services.json";

/// What the agent promised to remember. On disk before it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub agent_id: Uuid,
    pub node: NodeName,
    pub bond: Option<Bond>,
    pub applied: Option<Applied>,
    pub assignment: Assignment,
    pub epochs: BTreeMap<GroupName, Epoch>,
}

impl Ledger {
    /// Of an agent that obeys no cluster.
    pub fn blank(node: NodeName, agent_id: Uuid) -> Self {
        let (assignment, epochs) = (Assignment::default(), BTreeMap::new());
        Self { agent_id, node, bond: None, applied: None, assignment, epochs }
    }
}

/// What is known of the running services. It means nothing once the machine has booted anew.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    boot: String,
    memory: Memory,
}

/// A state directory that belongs to this process.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: Flock<File>,
}

impl StateDir {
    /// Fails with a sentence if another agent uses the directory.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("the state directory {shown} can't be made"))?;
        let path = path.canonicalize().with_context(|| format!("the state directory {shown} can't be opened"))?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK));
        let file = file.with_context(|| format!("the state directory {shown} can't be written"))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err((_, nix::Error::EWOULDBLOCK)) => {
                bail!(
                    "another agent uses the state directory {shown}; stop it, or give each agent a directory of its own"
                )
            }
            Err((_, why)) => bail!("the state directory {shown} can't be locked: {why}"),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ledger of the agent called `node`, made if there is none.
    pub fn ledger(&self, node: &NodeName, ids: &dyn IdSource) -> anyhow::Result<Ledger> {
        let Some(ledger) = read_json::<Ledger>(&self.path.join(LEDGER))? else {
            let ledger = Ledger::blank(node.clone(), ids.next_id());
            self.write(&ledger)?;
            return Ok(ledger);
        };
        // An earlier process may have ended between putting it in place and flushing it: what is answered from it must
        // not go down with the power.
        flush(&self.path.join(LEDGER))
            .and_then(|()| flush(&self.path))
            .with_context(|| format!("the ledger in {} can't be relied on", self.path.display()))?;
        if ledger.node != *node {
            bail!(
                "the state directory {} belongs to the agent {}, not {node}; start it with --name {} or give {node} a \
                 directory of its own",
                self.path.display(),
                ledger.node,
                ledger.node
            );
        }
        Ok(ledger)
    }

    /// Returns once the ledger would survive a loss of power. Blocks.
    pub fn write(&self, ledger: &Ledger) -> anyhow::Result<()> {
        replace(&self.path.join(LEDGER), ledger, true)
            .with_context(|| format!("the ledger in {} can't be written", self.path.display()))
    }

    /// What was noted of services under the machine's present boot.
    pub fn memory(&self) -> Memory {
        let note = read_json::<Note>(&self.path.join(MEMORY)).ok().flatten().unwrap_or_default();
        if note.boot == boot_id() { note.memory } else { Memory::default() }
    }

    /// Notes what is known of services. Not flushed: services do not survive a loss of power. Blocks.
    pub fn note(&self, memory: Memory) -> anyhow::Result<()> {
        replace(&self.path.join(MEMORY), &Note { boot: boot_id(), memory }, false)
    }
}

/// Makes the agent of a state directory a new one that obeys no cluster. Refused while an agent uses the directory or
/// anything that it started is still alive.
pub async fn reset(state_dir: &Path, ids: &dyn IdSource) -> anyhow::Result<()> {
    let shown = state_dir.display();
    // Before it is opened: opening makes the folder.
    if !state_dir.join(LEDGER).exists() {
        bail!("{shown} is not an agent's state directory: it has no {LEDGER}; nothing was changed");
    }
    let state = StateDir::open(state_dir).context("nothing was reset")?;
    let ledger: Ledger = read_json(&state.path.join(LEDGER))?
        .with_context(|| format!("{shown} is not an agent's state directory: it has no {LEDGER}"))?;
    let guard = GuardClient::connect(&state.path).await.context("what still runs here can't be found out")?;
    if let Some(alive) = guard.services.iter().find(|s| s.exited.is_none()) {
        match &alive.key {
            ServiceKey::Resource { group, resource } => {
                bail!("{resource} of the group {group} still runs here; wait until its lease has ended, then reset")
            }
            ServiceKey::Instance { host } => {
                let pid = alive.pid;
                bail!(
                    "an instance of the host {host} still runs here (pid {pid}), and no lease ends it: end it, then reset"
                )
            }
        }
    }
    state.write(&Ledger::blank(ledger.node, ids.next_id()))?;
    state.note(Memory::default())
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} can't be read", path.display())),
    };
    let value = serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
    Ok(Some(value))
}

/// Either the old content or the new is there, never a part.
fn replace(path: &Path, value: &impl Serialize, durable: bool) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(&fresh, path)?;
    if durable && let Some(dir) = path.parent() {
        flush(dir)?;
    }
    Ok(())
}

fn flush(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemIds;

    #[test]
    fn a_state_directory_has_one_agent_and_keeps_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let second = StateDir::open(dir.path()).unwrap_err().to_string();
        assert!(second.starts_with("another agent uses the state directory"), "{second}");
        let bts1 = "bts1".parse().unwrap();
        let mut ledger = state.ledger(&bts1, &SystemIds).unwrap();
        ledger.epochs.insert("ftp".parse().unwrap(), Epoch(7));
        state.write(&ledger).unwrap();
        drop(state);
        let state = StateDir::open(dir.path()).unwrap();
        assert_eq!(state.ledger(&bts1, &SystemIds).unwrap(), ledger);
        let other = state.ledger(&"bts2".parse().unwrap(), &SystemIds).unwrap_err().to_string();
        assert!(other.contains("belongs to the agent bts1, not bts2"), "{other}");
    }
}
