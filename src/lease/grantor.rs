//! What may be granted to each node, and when is a silent one proven stopped? The control plane's half.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::account::{Account, MISSED_HEARTBEATS};
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

impl GrantTimers {
    /// How long after the receipt of a stamp a lease of `ttl` on it has passed on any clock within the drift.
    pub(super) fn wait(&self, ttl: Duration) -> Duration {
        self.drift.stretch(ttl).saturating_add(self.margin)
    }
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
    /// Another agent than the one that may hold a lease, or any agent while it is not known who does: it is not counted
    /// as an answer before `until`, when that lease has passed and the known agent no longer answers; then it is
    /// `Unknown`.
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
pub struct Grantor {
    reign: Uuid,
    term: Term,
    /// When everything that an earlier reign granted has passed.
    inherited: Ticks,
    /// When every node could have answered this reign.
    chance_until: Ticks,
    timers: GrantTimers,
    /// The longest lease that this reign may have granted, or that an earlier one left.
    longest: Duration,
    accounts: BTreeMap<NodeName, Account>,
    /// Nodes that left may hold leases until theirs have passed: it counts if they come back.
    forgotten: BTreeMap<NodeName, Account>,
}

impl Grantor {
    /// A reign that begins at `began`: every node counts as having been granted `longest` at that moment. Zero if no
    /// reign ever granted anything: then a node is down once it has missed its first heartbeats. The reign before must
    /// have ended.
    pub fn new(reign: Uuid, term: Term, began: Ticks, longest: Duration, timers: GrantTimers) -> Self {
        let inherited = if longest.is_zero() { began } else { began.plus(timers.wait(longest)) };
        let chance_until = began.plus(timers.heartbeat.saturating_mul(MISSED_HEARTBEATS));
        let (longest, accounts, forgotten) = (longest.max(timers.ttl), BTreeMap::new(), BTreeMap::new());
        Self { reign, term, inherited, chance_until, timers, longest, accounts, forgotten }
    }

    /// The reign that every order under these grants names.
    pub fn reign(&self) -> Uuid {
        self.reign
    }

    /// The term of this reign.
    pub fn term(&self) -> Term {
        self.term
    }

    /// When everything that earlier reigns granted has passed, to whomever.
    pub fn inherited_until(&self) -> Ticks {
        self.inherited
    }

    /// Later grants use these timers. What was granted before stays counted as it was.
    pub fn set_timers(&mut self, timers: GrantTimers) {
        self.timers = timers;
        self.longest = self.longest.max(timers.ttl);
    }

    /// The longest lease that may be out: whatever is stored by now, a later reign has to wait for it.
    pub fn longest_lease(&self) -> Duration {
        self.longest
    }

    /// Begins to keep account of a node, as unreachable. `agent`: the one that may hold a lease for it from an earlier
    /// reign. Nothing changes for a node that is tracked already.
    pub fn track(&mut self, node: &NodeName, agent: Option<Uuid>) {
        if !self.accounts.contains_key(node) {
            let account = match self.forgotten.remove(node) {
                Some(earlier) => earlier.resumed(agent),
                None => Account::new(agent, self.inherited, self.chance_until),
            };
            self.accounts.insert(node.clone(), account);
        }
    }

    /// Grants the node nothing from now on. If it is tracked again, what it was granted before still counts.
    pub fn forget(&mut self, node: &NodeName) {
        if let Some((node, account)) = self.accounts.remove_entry(node) {
            self.forgotten.insert(node, account);
        }
    }

    /// The nodes that are tracked.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.accounts.keys()
    }

    /// The grant to send now. It counts as given: call it right before sending. Grants nothing (decision `None`, ttl 0)
    /// while the node is down, its agent is not known, no stamp came yet, nothing is assigned, or the lease on the newest
    /// stamp has passed already.
    pub fn grant(&mut self, node: &NodeName, now: Ticks) -> Grant {
        let nothing = Grant { echo: None, decision: None, ttl: Duration::ZERO };
        self.accounts.get_mut(node).map_or(nothing, |account| account.grant(now, &self.timers))
    }

    /// An answer came, received at `now`. One that was stamped before the newest of its agent process counts for
    /// nothing. A node that is not tracked is `Unknown`, and nothing is noted of it.
    pub fn heard(&mut self, node: &NodeName, agent: Uuid, stamp: Stamp, now: Ticks) -> Heard {
        let account = self.accounts.get_mut(node);
        account.map_or(Heard::Unknown, |account| account.heard(agent, stamp, now, &self.timers))
    }

    /// The agent is noted durably: it may be granted leases from now on. Nothing changes while another one is known.
    pub fn know_agent(&mut self, node: &NodeName, agent: Uuid) {
        if let Some(account) = self.accounts.get_mut(node) {
            account.know_agent(agent);
        }
    }

    /// From now on grants name `decision`, unless the node is down or was counted down since `lapses` was read.
    pub fn assign(&mut self, node: &NodeName, decision: Decision, lapses: u64) {
        if let Some(account) = self.accounts.get_mut(node) {
            account.assign(decision, lapses);
        }
    }

    /// Lets time pass: up -> unreachable -> down. A node that goes down gets no grant until `assign` after it answers.
    pub fn tick(&mut self, now: Ticks) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for (node, account) in &mut self.accounts {
            let mut from = account.state();
            while let Some(to) = account.pass(now, &self.timers) {
                transitions.push(Transition { node: node.clone(), from, to });
                from = to;
            }
        }
        transitions
    }

    /// An operator says that a silent node runs nothing: it is down, as if its lease had passed. False, and nothing
    /// changed, if it is up or not tracked.
    pub fn confirm_down(&mut self, node: &NodeName) -> bool {
        self.accounts.get_mut(node).is_some_and(Account::confirm_down)
    }

    /// None for a node that is not tracked.
    pub fn standing(&self, node: &NodeName) -> Option<Standing> {
        self.accounts.get(node).map(Account::standing)
    }

    /// When `tick` may next change anything; none if nothing can.
    pub fn next_change(&self) -> Option<Ticks> {
        self.accounts.values().filter_map(|account| account.next_change(&self.timers)).min()
    }
}
