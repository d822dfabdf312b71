//! What do agent and guard say to each other? JSON lines that an agent of another version still understands.
//!
//! Additive only: fields that are not known are ignored, calls that are not known are refused with a sentence.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::client::{Exit, Guarded, LeaseEnd, ServiceKey, StartOrder};
use crate::domain::StopSignal;

/// Goes up only when an old agent could no longer drive a new guard, or the reverse.
pub const VERSION: u32 = 1;

/// A longer line is no message of ours.
pub const LONGEST_LINE: usize = 4 << 20;

pub const SOCKET: &str = "guard.sock";
pub const LOCK: &str = "guard.lock";
pub const IDENTITY: &str = "guard.json";
pub const LOG: &str = "guard.log";

/// What the guard writes to its standard output once its socket listens.
pub const READY: &str = "ready";

/// Agent to guard. The guard reads `call` as any JSON first, so that one it does not know is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request<C> {
    pub seq: u64,
    pub call: C,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    SetLeaseEnd { end: LeaseEnd },
    Start { order: Box<StartOrder> },
    Signal { key: ServiceKey, signal: StopSignal },
    Kill { key: ServiceKey },
    Forget { key: ServiceKey },
}

/// Guard to agent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// First on every connection.
    Hello(Hello),
    Done {
        seq: u64,
        #[serde(default)]
        service: Option<Guarded>,
    },
    Refused {
        seq: u64,
        why: String,
    },
    Exited {
        key: ServiceKey,
        pid: u32,
        exit: Exit,
    },
    /// Last on a connection that a newer one replaces.
    Replaced {},
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub guard: Identity,
    pub services: Vec<Guarded>,
    pub lease_end: LeaseEnd,
}

/// Which process the guard is, and where its services are found when it is dead. Also kept in `guard.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its session has the same number, and each service is in it.
    pub pid: u32,
    /// Field 22 of its `/proc/PID/stat`: with the pid, no other process of this boot has both.
    pub started: u64,
    pub boot: String,
    /// Holds one cgroup for each service; `None`: services are bounded by process groups.
    pub cgroup: Option<PathBuf>,
}
