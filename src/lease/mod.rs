//! May this node run its groups, and has that node stopped? Both halves of the lease protocol, as pure state machines.
//!
//! The *grantor* is the control plane's half: it decides what to grant, and when a silent node is proven stopped. The
//! *holder* is the agent's half: it decides which orders to obey, and until when it may run. Neither reads a clock nor
//! does IO: moments are handed in, and what must be on disk before an answer is handed out to be written.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{ClusterName, Decision, NodeName, Term, Ticks};

mod account;
pub mod grantor;
pub mod holder;

pub use grantor::{GrantTimers, Grantor, Heard, Standing, Transition};
pub use holder::{Applied, Bond, Extension, Holder, Offer, Refused, Verdict};

/// A moment on an agent's own clock, told apart by the agent process that stamped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    pub incarnation: Uuid,
    pub ticks: Ticks,
}

/// Permission to run what `decision` assigned until `echo.ticks + ttl` on the agent's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grant {
    pub echo: Option<Stamp>,
    /// `None` grants nothing.
    pub decision: Option<Decision>,
    pub ttl: Duration,
}

/// Who speaks, and whom to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub cluster_id: Uuid,
    pub cluster: ClusterName,
    pub node: NodeName,
    pub reign: Uuid,
    pub term: Term,
}

#[cfg(test)]
mod tests;
