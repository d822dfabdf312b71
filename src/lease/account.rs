//! What is known of one node's lease, and how do answers and time change it?

use std::time::Duration;

use uuid::Uuid;

use super::{Grant, GrantTimers, Heard, Stamp, Standing};
use crate::domain::{Decision, NodeState, Ticks};

/// A node that has not answered for this many heartbeats is unreachable.
pub(super) const MISSED_HEARTBEATS: u32 = 3;

/// The newest answer that counted.
#[derive(Debug, Clone, Copy)]
struct Answer {
    agent: Uuid,
    stamp: Stamp,
    /// When it came, by the grantor's clock: the agent stamped it at this moment or before.
    received: Ticks,
}

/// The account of one node.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The one agent that may hold a lease; none while nobody is known.
    agent: Option<Uuid>,
    answer: Option<Answer>,
    decision: Option<Decision>,
    state: NodeState,
    /// Every lease that was ever granted has passed by then. Never goes down.
    bound: Ticks,
    /// A node that was never asked is not counted down before it could have answered.
    chance_until: Ticks,
    lapses: u64,
}

impl Account {
    pub(super) fn new(agent: Option<Uuid>, bound: Ticks, chance_until: Ticks) -> Self {
        Self { agent, answer: None, decision: None, state: NodeState::Unreachable, bound, chance_until, lapses: 0 }
    }

    /// The account of a node that was forgotten and is tracked again. What it was granted counts on, and so does the
    /// agent that may hold it; a decision made before it was forgotten grants nothing.
    pub(super) fn resumed(self, agent: Option<Uuid>) -> Self {
        Self { agent: self.agent.or(agent), lapses: self.lapses + 1, ..Self::new(None, self.bound, self.chance_until) }
    }

    pub(super) fn grant(&mut self, now: Ticks, timers: &GrantTimers) -> Grant {
        let known = self.answer.filter(|answer| Some(answer.agent) == self.agent);
        let echo = known.map(|answer| answer.stamp);
        let nothing = Grant { echo, decision: None, ttl: Duration::ZERO };
        let (Some(answer), Some(decision)) = (known, self.decision) else { return nothing };
        // From the answer's receipt, not from now: a grant repeated on the same stamp moves nothing.
        let passed = answer.received.plus(timers.wait(timers.ttl));
        if self.state == NodeState::Down || timers.ttl.is_zero() || passed <= now {
            return nothing;
        }
        self.bound = self.bound.max(passed);
        Grant { echo, decision: Some(decision), ttl: timers.ttl }
    }

    pub(super) fn heard(&mut self, agent: Uuid, stamp: Stamp, now: Ticks, timers: &GrantTimers) -> Heard {
        if self.agent == Some(agent) {
            self.count(Answer { agent, stamp, received: now });
            return Heard::Expected;
        }
        // It may be another machine than the one that holds the lease, which may also have moved and still answer.
        // Once that one is counted down, or could be, the new one may take its place.
        let until = self.other_agent_until(timers);
        if self.state != NodeState::Down && now < until {
            return Heard::Stranger { until };
        }
        if self.agent.take().is_some() {
            self.answer = None;
            self.lapse();
        }
        self.count(Answer { agent, stamp, received: now });
        Heard::Unknown
    }

    fn other_agent_until(&self, timers: &GrantTimers) -> Ticks {
        let up_until = self.up_until(timers).filter(|_| self.agent.is_some());
        up_until.map_or(self.bound, |up| up.max(self.bound))
    }

    /// Counts an answer, unless a newer one of the same agent process came before it.
    fn count(&mut self, answer: Answer) {
        let overtaken = self.answer.is_some_and(|newest| {
            newest.agent == answer.agent
                && newest.stamp.incarnation == answer.stamp.incarnation
                && newest.stamp.ticks >= answer.stamp.ticks
        });
        if !overtaken {
            self.answer = Some(answer);
            self.state = NodeState::Up;
        }
    }

    pub(super) fn know_agent(&mut self, agent: Uuid) {
        // Another agent that is known may hold a lease: `heard` lets go of it when it may.
        self.agent.get_or_insert(agent);
    }

    pub(super) fn assign(&mut self, decision: Decision, lapses: u64) {
        if lapses == self.lapses && self.state != NodeState::Down {
            self.decision = Some(decision);
        }
    }

    /// The next state that time has brought at `now`, if any; call it until there is none.
    pub(super) fn pass(&mut self, now: Ticks, timers: &GrantTimers) -> Option<NodeState> {
        if self.next_change(timers).is_none_or(|change| now < change) {
            return None;
        }
        match self.state {
            NodeState::Up => self.state = NodeState::Unreachable,
            NodeState::Unreachable => self.lapse(),
            NodeState::Down => return None,
        }
        Some(self.state)
    }

    pub(super) fn next_change(&self, timers: &GrantTimers) -> Option<Ticks> {
        match self.state {
            NodeState::Up => self.up_until(timers),
            NodeState::Unreachable => Some(self.bound.max(self.chance_until)),
            NodeState::Down => None,
        }
    }

    fn up_until(&self, timers: &GrantTimers) -> Option<Ticks> {
        self.answer.map(|answer| answer.received.plus(timers.heartbeat.saturating_mul(MISSED_HEARTBEATS)))
    }

    pub(super) fn confirm_down(&mut self) -> bool {
        if self.state == NodeState::Unreachable {
            self.lapse();
        }
        self.state == NodeState::Down
    }

    /// Down, and no decision made before this moment grants anything any more.
    fn lapse(&mut self) {
        self.state = NodeState::Down;
        self.decision = None;
        self.lapses += 1;
    }

    pub(super) fn state(&self) -> NodeState {
        self.state
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { state: self.state, stopped_at: self.bound, answered: self.answer.is_some(), lapses: self.lapses }
    }
}
