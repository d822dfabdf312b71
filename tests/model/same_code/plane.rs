//! How does the control plane's shipped code meet what happens in the model? A grantor that every reign begins anew.

use std::sync::Arc;
use std::time::Duration;

use locum::domain::{Decision, Drift, NodeName, NodeState, Ticks};
use locum::lease::{Grant, GrantTimers, Grantor, Heard, Stamp, Standing};
use uuid::Uuid;

use super::super::bounds::Timers;
use super::super::state::{Bond, NODES, Node};
use super::words::{TICK, name, real_bond, ticks};

/// Three of them are over within a tick: a node that was not heard for a tick counts as silent, as in the model.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Where the control plane's clock begins.
const BEGAN: Ticks = Ticks::from_millis(5_000_000);

/// The control plane that reigns.
#[derive(Debug, Clone)]
pub struct Plane {
    pub grantor: Grantor,
    pub now: Ticks,
    names: Arc<[NodeName; NODES]>,
    timers: GrantTimers,
    /// How often the model counted each node down under this reign.
    pub lapses: [u64; NODES],
}

fn agent_of(node: Node) -> Uuid {
    Uuid::from_u128(500 + node as u128)
}

impl Plane {
    /// The first reign: nothing was ever granted.
    pub fn begin(bond: Bond, timers: &Timers) -> Self {
        let drift = Drift::from_ppm(1_000_000 / u32::from(timers.cycle - 1));
        let (ttl, margin) = (ticks(timers.ttl), ticks(timers.margin));
        let timers = GrantTimers { heartbeat: HEARTBEAT, ttl, drift, margin };
        Self::reign(bond, BEGAN, Duration::ZERO, timers)
    }

    fn reign(bond: Bond, began: Ticks, longest: Duration, timers: GrantTimers) -> Self {
        let bond = real_bond(bond);
        let mut grantor = Grantor::new(bond.reign, bond.term, began, longest, timers);
        let names = Arc::new(std::array::from_fn(name));
        (0..NODES).for_each(|node| grantor.track(&names[node], Some(agent_of(node))));
        Self { grantor, now: began, names, timers, lapses: [0; NODES] }
    }

    /// Another reign begins, with the longest lease that may be outstanding.
    pub fn end(&mut self, next: Bond) {
        *self = Self::reign(next, self.now, self.timers.ttl, self.timers);
    }

    /// An answer is heard. The agents of the model are always the known ones.
    pub fn heard(&mut self, node: Node, stamp: Stamp) -> Result<(), String> {
        match self.grantor.heard(&self.names[node], agent_of(node), stamp, self.now) {
            Heard::Expected => Ok(()),
            other => Err(format!("the known agent of node {node} is {other:?}")),
        }
    }

    pub fn assign(&mut self, node: Node, decision: u8) {
        let lapses = self.standing(node).lapses;
        self.grantor.assign(&self.names[node], Decision(decision.into()), lapses);
    }

    pub fn grant(&mut self, node: Node) -> Grant {
        self.grantor.grant(&self.names[node], self.now)
    }

    /// The decision that a grant names, as the model says it. A grant of nothing is of no length.
    pub fn names(&self, grant: &Grant) -> Result<Option<u8>, String> {
        let ttl = if grant.decision.is_some() { self.timers.ttl } else { Duration::ZERO };
        if grant.ttl != ttl {
            return Err(format!("it grants {grant:?}"));
        }
        Ok(grant.decision.map(|decision| u8::try_from(decision.0).unwrap()))
    }

    /// Lets the time that has passed count: who is down by now?
    pub fn look(&mut self) -> Vec<Node> {
        let transitions = self.grantor.tick(self.now);
        let down = transitions.into_iter().filter(|transition| transition.to == NodeState::Down);
        down.map(|transition| self.names.iter().position(|name| *name == transition.node).unwrap()).collect()
    }

    pub fn confirm_down(&mut self, node: Node) -> bool {
        self.grantor.confirm_down(&self.names[node])
    }

    pub fn standing(&self, node: Node) -> Standing {
        self.grantor.standing(&self.names[node]).unwrap()
    }

    /// How many ticks it is until then, begun ones too: the model counts drift in whole ticks.
    pub fn left(&self, until: Ticks) -> u8 {
        u8::try_from(until.since(self.now).as_micros().div_ceil(TICK.as_micros())).unwrap()
    }

    /// Whether a decision made on a view from before the last lapse grants nothing. Changes what is granted if not.
    pub fn forgets_old_views(&mut self, node: Node) -> Result<(), String> {
        const NEVER_MADE: Decision = Decision(99);
        let Some(before) = self.standing(node).lapses.checked_sub(1) else { return Ok(()) };
        self.grantor.assign(&self.names[node], NEVER_MADE, before);
        if self.grant(node).decision == Some(NEVER_MADE) {
            return Err(format!("node {node} is granted what was decided before it was counted down"));
        }
        Ok(())
    }
}
