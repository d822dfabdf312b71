//! How does the agent talk to its guard? One connection, requests that are acknowledged, events as they happen.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::launch::{GuardLauncher, gone};
use super::link::Link;
use super::protocol::{Call, Identity, Request};
use super::service::os_signal;
use super::{cgroup, procfs};
use crate::clock::{Clock, SystemClock};
use crate::domain::{Bounded, Epoch, StopSignal, Ticks};

pub use super::key::ServiceKey;

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOrder {
    pub key: ServiceKey,
    /// An instance has none: 0.
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

/// When services are asked to stop, and when what is left is killed. Instances are not: they run outside the lease.
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

/// The guard answers within microseconds of being scheduled, so this long means frozen. With the fastest timers in use
/// (lease 1 s, stop budget 300 ms) it leaves time to kill directly before the lease's stop moment.
pub const REQUEST_TIMEOUT: Duration = Duration::from_millis(500);

/// Killed processes are gone in milliseconds; one stuck in the kernel may take as long as it likes.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// A guard as its agent drives it. Every request is answered within [`REQUEST_TIMEOUT`] or taken for lost.
#[async_trait]
pub trait Guard: fmt::Debug + Send + Sync {
    /// Moves the moments at which the guard stops and kills everything. Only when this returns Ok does the new end count.
    async fn set_lease_end(&self, end: LeaseEnd) -> Result<(), GuardError>;

    /// Starts a service; the guard refuses a leased one at or after `stop_at`, by its own clock, up to the moment before
    /// exec.
    /// Without a `working_dir` it starts in the agent's. A service that ends at once may be told of as `Exited` before
    /// the caller sees this return.
    async fn start(&self, order: StartOrder) -> Result<Guarded, GuardError>;

    /// Sends a signal to the service's process. The guard then sends it none by itself, it only kills at the lease's end.
    async fn signal(&self, key: &ServiceKey, signal: StopSignal) -> Result<(), GuardError>;

    /// Kills the service's whole tree; `Exited` follows when nothing of it is left.
    async fn kill(&self, key: &ServiceKey) -> Result<(), GuardError>;

    /// Drops an exited service from the list.
    async fn forget(&self, key: &ServiceKey) -> Result<(), GuardError>;

    /// Kills a service's whole tree without the guard, which may be frozen, and returns when nothing of it is alive.
    /// The guard's own `Exited` follows if it ever goes on. `Gone`: something survives the kill. A service whose start
    /// was never answered is found by its cgroup only; without cgroups `destroy` is what ends it for certain.
    async fn kill_directly(&self, key: &ServiceKey) -> Result<(), GuardError>;

    /// Kills the guard and everything that it guards, and returns when nothing of it is alive; `Lost` has been sent by
    /// then. For a guard that does not answer. `Gone`: another agent has it, or something survives.
    async fn destroy(&self) -> Result<(), GuardError>;
}

/// What the agent finds when it connects.
#[derive(Debug)]
pub struct Connected {
    /// The agent's end; the connection closes with the last clone, and the guard goes on.
    pub guard: Arc<dyn Guard>,
    /// Ends without [`GuardEvent::Lost`] when another agent process has connected to the guard instead of this one.
    pub events: mpsc::UnboundedReceiver<GuardEvent>,
    /// Services that an earlier agent process left: adopt them, same pids.
    pub services: Vec<Guarded>,
    /// The lease end that the guard keeps for them.
    pub lease_end: LeaseEnd,
}

/// The guard of a state directory, over its socket.
#[derive(Debug)]
pub struct GuardClient {
    pub(super) link: Link,
}

#[async_trait]
impl Guard for GuardClient {
    async fn set_lease_end(&self, end: LeaseEnd) -> Result<(), GuardError> {
        self.ask(Call::SetLeaseEnd { end }).await.map(drop)
    }

    async fn start(&self, mut order: StartOrder) -> Result<Guarded, GuardError> {
        if order.working_dir.is_none() {
            order.working_dir = std::env::current_dir().ok();
        }
        let service = self.ask(Call::Start { order: Box::new(order) }).await?;
        service.ok_or_else(|| gone("it answered a start without saying what runs".to_owned()))
    }

    async fn signal(&self, key: &ServiceKey, signal: StopSignal) -> Result<(), GuardError> {
        self.ask(Call::Signal { key: key.clone(), signal }).await.map(drop)
    }

    async fn kill(&self, key: &ServiceKey) -> Result<(), GuardError> {
        self.ask(Call::Kill { key: key.clone() }).await.map(drop)
    }

    async fn forget(&self, key: &ServiceKey) -> Result<(), GuardError> {
        self.ask(Call::Forget { key: key.clone() }).await?;
        self.link.shared.lock().services.remove(key);
        Ok(())
    }

    async fn kill_directly(&self, key: &ServiceKey) -> Result<(), GuardError> {
        let shared = &self.link.shared;
        let pid = shared.lock().services.get(key).map(|service| service.pid);
        let all_dead = async {
            while !kill_once(&shared.guard, key, pid) {
                SystemClock.sleep(Duration::from_millis(2)).await;
            }
        };
        let survives = || gone(format!("{key} survives its kill"));
        timeout(KILL_TIMEOUT, all_dead).await.map_err(|_| survives())
    }

    async fn destroy(&self) -> Result<(), GuardError> {
        if self.link.shared.lock().replaced {
            return Err(gone("another agent process has connected to it".to_owned()));
        }
        self.link.shared.give_up("it was killed by its agent");
        if let Some(process) = &self.link.shared.process {
            process.kill();
        }
        let mut cleared = self.link.cleared.clone();
        match timeout(KILL_TIMEOUT, cleared.wait_for(|cleared| *cleared)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(gone("something of what it guarded survives its kill".to_owned())),
        }
    }
}

impl GuardClient {
    /// Connects to the guard of this state directory, or clears what an earlier one left and starts a new one. A guard
    /// that lives and does not answer is killed first, with its services.
    pub async fn connect(state_dir: &Path) -> Result<Connected, GuardError> {
        GuardLauncher::default().connect(state_dir).await
    }

    async fn ask(&self, call: Call) -> Result<Option<Guarded>, GuardError> {
        let (waiter, answer) = oneshot::channel();
        let shared = &self.link.shared;
        let seq = {
            let mut state = shared.lock();
            if let Some(why) = &state.gone {
                return Err(gone(why.clone()));
            }
            state.next_seq += 1;
            let seq = state.next_seq;
            state.waiting.insert(seq, waiter);
            seq
        };
        let mut line = serde_json::to_vec(&Request { seq, call }).map_err(|e| GuardError::Refused(e.to_string()))?;
        line.push(b'\n');
        // If it can't be sent the reader learns of that too, and answers.
        let _ = self.link.lines.send(line);
        if let Ok(Ok(answer)) = timeout(REQUEST_TIMEOUT, answer).await {
            return answer;
        }
        // What it may still do with the request is not known: only killing it leads back to certainty.
        let why = format!("no answer within {} ms", REQUEST_TIMEOUT.as_millis());
        shared.give_up(&why);
        Err(gone(why))
    }
}

/// Whether nothing of it was alive after the kill.
fn kill_once(guard: &Identity, key: &ServiceKey, pid: Option<u32>) -> bool {
    if let Some(base) = &guard.cgroup {
        let dir = cgroup::of_service(base, key);
        let _ = cgroup::kill(&dir);
        return !cgroup::is_populated(&dir);
    }
    let Some(pid) = pid else { return true };
    let members = procfs::members(guard.pid, Some(pid));
    for &pid in &members {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), os_signal(StopSignal::Kill));
    }
    members.is_empty()
}
