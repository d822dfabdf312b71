//! What may be granted to each node, and when is a silent one proven stopped? The control plane's half.

use std::time::Duration;

use uuid::Uuid;

use super::{Grant, Stamp};
use crate::domain::{Decision, Drift, NodeName, NodeState, Settings, Term, Ticks};

/// The timers that the grantor keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantTimers {
    pub heartbeat: Duration,
    pub ttl: Duration,
    pub drift: Drift,
    pub margin: Duration,
}

impl From<&Settings> for GrantTimers {
    fn from(s: &Settings) -> Self {
        Self { heartbeat: s.heartbeat.get(), ttl: s.lease.get(), drift: s.drift, margin: s.margin.get() }
    }
}

/// What an answer meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The agent that was expected, and it is (still or again) up.
    Expected,
    /// No agent is known for the node: note this one durably, then `know_agent`; until then nothing is granted.
    Unknown,
    /// Another agent than the one that may hold a lease: it is not counted as an answer before `until`, when that lease
    /// has passed; then it is `Unknown`.
    Stranger { until: Ticks },
}

/// A node whose state changed with time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    pub node: NodeName,
    pub from: NodeState,
    pub to: NodeState,
}

/// What is known of a node's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: NodeState,
    /// When it is proven stopped, if it stays silent from now on.
    pub stopped_at: Ticks,
    /// Whether it has answered under this reign.
    pub answered: bool,
    /// How often it was counted down: `assign` names it, so that a decision made on an older view grants nothing.
    pub lapses: u64,
}

/// Grants leases to the nodes of one cluster, under one reign.
#[derive(Debug, Clone)]
pub struct Grantor {}

impl Grantor {
    /// A reign that begins at `began`: every node counts as having been granted `longest` at that moment.
    pub fn new(_reign: Uuid, _term: Term, _began: Ticks, _longest: Duration, _timers: GrantTimers) -> Self {
        todo!()
    }

    pub fn set_timers(&mut self, _timers: GrantTimers) {
        todo!()
    }

    /// Begins to keep account of a node. `agent`: the one that may hold a lease for it from an earlier reign.
    pub fn track(&mut self, _node: &NodeName, _agent: Option<Uuid>) {
        todo!()
    }

    pub fn forget(&mut self, _node: &NodeName) {
        todo!()
    }

    /// The nodes that are tracked.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        std::iter::empty()
    }

    /// The grant to send now. It counts as given: call it right before sending. Grants nothing (decision `None`, ttl 0)
    /// while the node is down, its agent is not known, no stamp came yet, or nothing is assigned.
    pub fn grant(&mut self, _node: &NodeName, _now: Ticks) -> Grant {
        todo!()
    }

    /// An answer came, received at `now`.
    pub fn heard(&mut self, _node: &NodeName, _agent: Uuid, _stamp: Stamp, _now: Ticks) -> Heard {
        todo!()
    }

    /// The agent is noted durably: it may be granted leases from now on.
    pub fn know_agent(&mut self, _node: &NodeName, _agent: Uuid) {
        todo!()
    }

    /// From now on grants name `decision`, unless the node was counted down since `lapses` was read.
    pub fn assign(&mut self, _node: &NodeName, _decision: Decision, _lapses: u64) {
        todo!()
    }

    /// Lets time pass: up -> unreachable -> down. A node that goes down gets no grant until `assign` after it answers.
    pub fn tick(&mut self, _now: Ticks) -> Vec<Transition> {
        todo!()
    }

    /// An operator says that a silent node runs nothing. False, and nothing changed, if it is up.
    pub fn confirm_down(&mut self, _node: &NodeName) -> bool {
        todo!()
    }

    pub fn standing(&self, _node: &NodeName) -> Option<Standing> {
        todo!()
    }

    /// When `tick` may next change anything.
    pub fn next_change(&self) -> Option<Ticks> {
        todo!()
    }
}
