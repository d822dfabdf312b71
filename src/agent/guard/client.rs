//! How does the agent talk to its guard? One connection, requests that are acknowledged, events as they happen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::domain::{Bounded, Epoch, GroupName, ResourceName, StopSignal, Ticks};

/// Which service: at most one runs per key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    pub group: GroupName,
    pub resource: ResourceName,
}

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOrder {
    pub key: ServiceKey,
    pub epoch: Epoch,
    pub command: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    pub working_dir: Option<PathBuf>,
    /// What the guard sends at the lease's stop moment.
    pub stop_signal: StopSignal,
    /// Standard output and error are appended here.
    pub log: PathBuf,
}

/// A service that the guard has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    pub key: ServiceKey,
    pub epoch: Epoch,
    pub pid: u32,
    pub bounded: Bounded,
    pub started_at: Ticks,
    /// Set once its process has ended; it stays listed until `forget`.
    pub exited: Option<Exit>,
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub at: Ticks,
}

/// When services are asked to stop, and when what is left is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeaseEnd {
    pub stop_at: Ticks,
    pub kill_at: Ticks,
}

/// What the guard tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardEvent {
    /// The service's process ended and the rest of its tree was killed: nothing of it is alive.
    Exited { key: ServiceKey, pid: u32, exit: Exit },
    /// The guard is gone, and every service with it: what was left has been killed before this is sent.
    Lost,
}

/// Why the guard did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// It said no, with a sentence: the lease has passed, the program is not there.
    #[error("{0}")]
    Refused(String),
    /// It is gone or does not answer in time.
    #[error("the guard does not answer: {0}")]
    Gone(String),
}

/// The agent's end of the connection. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GuardClient {}

/// What the agent finds when it connects.
#[derive(Debug)]
pub struct Connected {
    pub client: GuardClient,
    pub events: mpsc::UnboundedReceiver<GuardEvent>,
    /// Services that an earlier agent process left: adopt them, same pids.
    pub services: Vec<Guarded>,
    /// The lease end that the guard keeps for them.
    pub lease_end: LeaseEnd,
}

impl GuardClient {
    /// Connects to the guard of this state directory, or clears what an earlier one left and starts a new one.
    pub async fn connect(_state_dir: &Path) -> Result<Connected, GuardError> {
        todo!()
    }

    /// Moves the moments at which the guard stops and kills everything. Only when this returns Ok does the new end count.
    pub async fn set_lease_end(&self, _end: LeaseEnd) -> Result<(), GuardError> {
        todo!()
    }

    /// Starts a service; the guard refuses at or after `stop_at`, by its own clock, up to the moment before exec.
    pub async fn start(&self, _order: StartOrder) -> Result<Guarded, GuardError> {
        todo!()
    }

    /// Sends a signal to the service's process.
    pub async fn signal(&self, _key: &ServiceKey, _signal: StopSignal) -> Result<(), GuardError> {
        todo!()
    }

    /// Kills the service's whole tree; `Exited` follows when nothing of it is left.
    pub async fn kill(&self, _key: &ServiceKey) -> Result<(), GuardError> {
        todo!()
    }

    /// Drops an exited service from the list.
    pub async fn forget(&self, _key: &ServiceKey) -> Result<(), GuardError> {
        todo!()
    }
}
