//! How does a node's shipped code meet what happens in the model? A holder and a supervisor, over a guard that does at
//! once what it is told.

use std::time::Duration;

use locum::agent::guard::client::LeaseEnd;
use locum::agent::supervisor::{Event, Memory, Supervisor};
use locum::domain::{Assignment, Decision, GroupAssignment, HumanDuration, LeaseTimers, NodeName, Ticks};
use locum::lease::{Extension, Grant, Holder, Offer, Refused, Stamp, Verdict};
use uuid::Uuid;

use super::super::bounds::Timers;
use super::super::state::{self, Echo, Node, NodeState, Request};
use super::compare;
use super::guard::{Did, Service};
use super::words::{TICK, groups, name, order, real_bond, ticks};

/// Where clocks begin: a node's when the world begins and when its machine has booted again.
const RUNNING_SINCE: Ticks = Ticks::from_millis(1_000_000);
const JUST_BOOTED: Ticks = Ticks::from_millis(20_000);

/// The part of a tick in which stamps are made.
const MOMENTS: Duration = Duration::from_millis(1);

/// A node's agent and guard.
#[derive(Debug, Clone)]
pub struct Agent {
    pub node: Node,
    name: NodeName,
    ttl: Duration,
    timers: LeaseTimers,
    pub clock: Ticks,
    incarnation: u128,
    stamped: Ticks,
    pub holder: Holder,
    pub supervisor: Supervisor,
    groups: Vec<GroupAssignment>,
    pub taken: LeaseEnd,
    pub service: Option<Service>,
    pub pids: u32,
    /// Since it was last taken away.
    pub did: Vec<Did>,
}

impl Agent {
    /// The code of a node that is in this state, and has just been heard if it obeys anyone.
    pub fn begin(node: Node, state: &NodeState, timers: &Timers) -> Result<Self, String> {
        let kept = |count| HumanDuration::from(ticks(count));
        let bond = (state.bond != state::Bond::default()).then(|| real_bond(state.bond));
        let (applied, epochs) = (compare::applied_of(state), compare::epochs_of(state));
        let mut agent = Self {
            node,
            name: name(node),
            ttl: ticks(timers.ttl),
            timers: LeaseTimers { stop_budget: kept(timers.stop_budget), margin: kept(timers.margin) },
            clock: RUNNING_SINCE.plus(TICK * 100 * u32::try_from(node).unwrap()),
            incarnation: 0,
            stamped: Ticks(0),
            holder: Holder::new(name(node), Uuid::nil(), bond, applied, epochs),
            supervisor: Supervisor::default(),
            groups: groups(state.content),
            taken: LeaseEnd::default(),
            service: None,
            pids: 0,
            did: Vec::new(),
        };
        agent.begin_process(agent.clock, Memory::default())?;
        if state.lease > 0 {
            agent.holder.inherit_deadline(agent.clock.plus(ticks(state.lease)));
            agent.tell_lease()?;
        }
        agent.did.clear();
        Ok(agent)
    }

    fn incarnation(&self, back: u128) -> Uuid {
        Uuid::from_u128(1_000_000 * (self.node as u128 + 1) + self.incarnation - back)
    }

    /// An agent process with what is on the disk. It takes the guard's kill moment for the end of its lease.
    fn begin_process(&mut self, now: Ticks, memory: Memory) -> Result<(), String> {
        (self.clock, self.stamped) = (now, Ticks(0));
        self.incarnation += 1;
        let (bond, applied) = (self.holder.bond().cloned(), self.holder.applied_decision());
        let epochs = self.holder.epochs().clone();
        self.holder = Holder::new(self.name.clone(), self.incarnation(0), bond, applied, epochs);
        if self.taken.kill_at > Ticks(0) {
            self.holder.inherit_deadline(self.taken.kill_at);
        }
        let services = self.service.iter().map(|service| service.guarded.clone()).collect();
        let (supervisor, actions) = Supervisor::adopt(memory, services, self.taken, self.clock);
        self.supervisor = supervisor;
        self.act(actions)?;
        let turn = self.supervisor.resume(self.assignment(), self.clock);
        self.follow(turn)
    }

    fn assignment(&self) -> Assignment {
        Assignment { groups: self.groups.clone(), ..Assignment::default() }
    }

    pub fn restart(&mut self) -> Result<(), String> {
        self.begin_process(self.clock, self.supervisor.memory())
    }

    pub fn reboot(&mut self) -> Result<(), String> {
        (self.service, self.taken) = (None, LeaseEnd::default());
        self.begin_process(JUST_BOOTED, Memory::default())
    }

    /// A little later than the one before, also where a slow clock skips a tick, as on a clock that only runs slower:
    /// the stamps of a tick are those of the moments before it ends. So a stamp is older than the model's by less than
    /// `MOMENTS`, a lease on it is shorter by as much, and either is the same in whole ticks.
    pub fn stamp(&mut self) -> Stamp {
        let first = self.clock.minus(MOMENTS);
        self.stamped = if self.stamped < first { first } else { self.stamped.plus(Duration::from_micros(1)) };
        self.holder.stamp(self.stamped)
    }

    /// A stamp of this node's of which the model knows no more than `echo`. Of what it may be, the one that comes
    /// closest to extending a lease.
    fn stamp_of(&self, echo: Echo) -> Option<Stamp> {
        match echo {
            Echo::None => None,
            // Nothing but its incarnation tells it from one of this process.
            Echo::Dead => Some(Stamp { incarnation: self.incarnation(1), ticks: self.stamped }),
            Echo::Age(age) => {
                let at = self.clock.minus(ticks(age));
                Some(Stamp { incarnation: self.incarnation(0), ticks: at.min(self.stamped) })
            }
        }
    }

    /// Whether a stamp is what the model knows of it.
    pub fn is(&self, stamp: Option<Stamp>, echo: Echo, oldest: u8) -> bool {
        let Some(stamp) = stamp else { return echo == Echo::None };
        let alive = stamp.incarnation == self.incarnation(0);
        let age = self.clock.since(stamp.ticks).as_secs();
        match echo {
            Echo::None => false,
            Echo::Dead => !alive,
            // The model tells no greater ages apart.
            Echo::Age(most) if most >= oldest => alive && age >= u64::from(most),
            Echo::Age(exact) => alive && age == u64::from(exact),
        }
    }

    /// A read: it says who reigns, and nothing else.
    pub fn greet(&mut self, bond: state::Bond) -> Result<(), Refused> {
        let bond = self.holder.admit(&order(self.node, bond))?;
        bond.into_iter().for_each(|bond| self.holder.bind(bond));
        Ok(())
    }

    /// An order as the agent's core takes it in, each step of which is the holder's; the outer error is a defect.
    pub fn obey(&mut self, request: &Request) -> Result<Result<(), Refused>, String> {
        let order = order(self.node, request.bond);
        let echo = self.stamp_of(request.echo);
        let decision = Decision(request.decision.into());
        let bond = match self.holder.admit(&order) {
            Ok(bond) => bond,
            Err(refused) => return Ok(Err(refused)),
        };
        let groups = request.push.map(groups);
        let offered = groups.as_ref().map(|groups| Offer {
            term: order.term,
            decision,
            echo,
            same_content: *groups == self.groups,
            epochs: groups.iter().map(|group| (group.group.clone(), group.epoch)).collect(),
        });
        let verdict = offered.map(|offer| self.holder.weigh(&offer)).transpose();
        bond.into_iter().for_each(|bond| self.holder.bind(bond));
        match verdict {
            Ok(Some(Verdict::Apply { applied, epochs })) => {
                self.holder.applied(applied, epochs);
                self.groups = groups.unwrap_or_default();
                self.happened(Event::Assigned(self.assignment()))?;
            }
            Ok(Some(Verdict::Same) | None) => {}
            Err(refused) => return Ok(Err(refused)),
        }
        let before = self.holder.deadline();
        let extended = self.holder.extend(order.term, &Grant { echo, decision: Some(decision), ttl: self.ttl });
        let grown = if before < self.holder.deadline() {
            Extension::Until(self.holder.deadline())
        } else {
            Extension::Unchanged
        };
        if extended != grown {
            return Err(format!("it says {extended:?} of a lease that is {grown:?}"));
        }
        self.tell_lease()?;
        Ok(Ok(()))
    }

    /// Tells the guard when the lease ends, as the core does; the guard takes it at once.
    fn tell_lease(&mut self) -> Result<(), String> {
        let deadline = self.holder.deadline();
        let LeaseTimers { stop_budget, margin } = self.timers;
        let end = LeaseEnd { stop_at: deadline.minus(stop_budget.get()), kill_at: deadline.minus(margin.get()) };
        if deadline == Ticks(0) || end == self.taken {
            return Ok(());
        }
        if end.stop_at < self.taken.stop_at {
            self.happened(Event::LeaseMoved(end))?;
        }
        self.taken = end;
        self.ask();
        self.happened(Event::LeaseMoved(end))
    }

    pub fn may_run(&self) -> bool {
        self.holder.may_run(self.clock, &self.timers)
    }
}
