//! What do agent and guard say to each other? JSON lines that an agent of another version still understands.
//!
//! Additive only: fields that are not known are ignored, calls that are not known are refused with a sentence.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::client::{Exit, Guarded, LeaseEnd, ServiceKey, StartOrder};
use crate::domain::StopSignal;

/// The newest version that is spoken here. Goes up only when an old agent could no longer drive a new guard, or the reverse.
///
/// 2: there are instances. An agent that does not know of them must not drive a guard that has some: see [`Hello::new`].
/// A guard that does not know of them can't read their keys, and refuses to start them.
pub const VERSION: u32 = 2;

/// What an agent must speak to drive a guard that has no instances.
const BEFORE_INSTANCES: u32 = 1;

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
    /// What the agent must speak.
    pub version: u32,
    pub guard: Identity,
    /// Resources of groups only, so that an agent of version 1 can read this and say why it can't go on.
    pub services: Vec<Guarded>,
    #[serde(default)]
    pub instances: Vec<Guarded>,
    pub lease_end: LeaseEnd,
}

impl Hello {
    pub fn new(guard: Identity, services: impl IntoIterator<Item = Guarded>, lease_end: LeaseEnd) -> Self {
        let (services, instances): (Vec<_>, Vec<_>) = services.into_iter().partition(|service| service.key.is_leased());
        let version = if instances.is_empty() { BEFORE_INSTANCES } else { VERSION };
        Self { version, guard, services, instances, lease_end }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Bounded, Epoch, Ticks};

    #[test]
    fn only_a_guard_with_instances_asks_for_an_agent_that_knows_of_them() {
        let guard = Identity { pid: 1, started: 1, boot: String::new(), cgroup: None };
        let service = |key: &str| Guarded {
            key: serde_json::from_str(key).unwrap(),
            epoch: Epoch(0),
            pid: 2,
            bounded: Bounded::ProcessGroup,
            started_at: Ticks(1),
            exited: None,
        };
        let (resource, instance) = (service(r#"{"group":"g","resource":"r"}"#), service(r#"{"host":"h"}"#));
        let hello = Hello::new(guard.clone(), [resource.clone()], LeaseEnd::default());
        assert_eq!((hello.version, hello.services.len(), hello.instances.len()), (1, 1, 0));
        let hello = Hello::new(guard, [resource, instance], LeaseEnd::default());
        assert_eq!((hello.version, hello.services.len(), hello.instances.len()), (2, 1, 1));
        // As an older guard says it.
        let mut older = serde_json::to_value(&hello).unwrap();
        older.as_object_mut().unwrap().remove("instances");
        assert!(serde_json::from_value::<Hello>(older).unwrap().instances.is_empty());
    }
}
