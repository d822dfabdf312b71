//! What should happen to the services of this node now? A pure state machine: events in, actions out.
//!
//! It reads no clock and does no IO. Each event comes with the present ticks; the turn that follows says what to do,
//! when to look again, and whether there is something new to observe. What is to be done follows from what is wanted and
//! what is known, not from what was asked before, so a lost or repeated event does no harm.
//!
//! Rules: resources of a group start in the order of the document, each once the ones before are online, and stop in the
//! reverse order. Nothing is started at or after the lease's stop moment. A changed resource is restarted in place; a
//! group under a new epoch is stopped whole and started anew. Deaths that Locum caused itself (the lease, the guard, a
//! stop) are never counted against a resource.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::guard::client::{Exit, Guarded, LeaseEnd, ServiceKey};
use crate::domain::{Epoch, GroupAssignment, GroupName, ProbeSpec, ResourceSpec, StopSignal, Ticks};
use crate::wire::ObservedGroup;

mod adopt;
mod group;
mod life;
mod member;
mod probing;
mod view;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

pub use adopt::Memory;
use group::Group;
use life::Took;
use member::Member;

/// What became known.
#[derive(Debug, Clone)]
pub enum Event {
    /// An assignment was applied: these are all the groups that this node shall run.
    Assigned(Vec<GroupAssignment>),
    /// The guard keeps another lease end from now on.
    LeaseMoved(LeaseEnd),
    /// The guard started a service.
    Started(Guarded),
    /// A service could not be started; nothing of it is alive.
    StartRefused { key: ServiceKey, reason: String },
    /// Nothing of a service is alive any more.
    Exited { key: ServiceKey, pid: u32, exit: Exit },
    /// A probe was answered; `Err` says why the answer is no.
    Probed { key: ServiceKey, pid: u32, which: ProbeKind, answer: Result<(), String> },
    /// The guard is gone and every service with it; what is started next is started under a new one.
    GuardLost,
    /// Time passed.
    Tick,
}

/// Which question a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProbeKind {
    Readiness,
    LooksAlive,
    IsAlive,
}

/// What to do. Actions on one service are done in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answered by `Started` or `StartRefused`.
    Start { key: ServiceKey, epoch: Epoch, spec: Box<ResourceSpec> },
    /// Asks the service to stop.
    Signal { key: ServiceKey, signal: StopSignal },
    /// Kills the whole tree of the service. `past_lease`: by the agent's own hand too, should the guard be frozen.
    Kill { key: ServiceKey, past_lease: bool },
    /// The guard need not remember this exited service.
    Forget { key: ServiceKey },
    /// Answered by `Probed`.
    Probe { probe: Probe, spec: Box<ResourceSpec>, epoch: Epoch },
}

/// One question to a running service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub key: ServiceKey,
    pub pid: u32,
    pub which: ProbeKind,
    pub ask: ProbeSpec,
}

/// What follows from an event.
#[derive(Debug, Default)]
pub struct Turn {
    pub actions: Vec<Action>,
    /// When to send a `Tick`, if nothing else happens before.
    pub wake_at: Option<Ticks>,
    /// Whether `groups` differs from before.
    pub changed: bool,
}

/// Everything known of the services of this node.
#[derive(Debug, Clone, Default)]
pub struct Supervisor {
    lease: LeaseEnd,
    groups: BTreeMap<GroupName, Group>,
    /// As last rendered.
    view: Vec<ObservedGroup>,
}

impl Supervisor {
    /// Takes in an event at `now`.
    pub fn handle(&mut self, event: Event, now: Ticks) -> Turn {
        let mut actions = Vec::new();
        // What the old lease ended by this moment is ended before a new one is looked at: the guard did so too. Nothing
        // is begun yet, since the event may forbid it.
        for group in self.groups.values_mut() {
            group.keep_bounds(now, self.lease, &mut actions);
        }
        self.take_in(event, now, &mut actions);
        self.step(now, &mut actions);
        let view = self.groups.values().map(|g| view::observe(g, self.may_run(now))).collect();
        let changed = view != self.view;
        self.view = view;
        Turn { actions, wake_at: self.wake_at(now), changed }
    }

    /// What is seen, in the order of the groups' names.
    pub fn groups(&self) -> &[ObservedGroup] {
        &self.view
    }

    fn may_run(&self, now: Ticks) -> bool {
        now < self.lease.stop_at
    }

    fn take_in(&mut self, event: Event, now: Ticks, actions: &mut Vec<Action>) {
        match event {
            Event::Assigned(assigned) => self.assign(assigned),
            Event::LeaseMoved(lease) => self.lease = lease,
            Event::Started(guarded) => self.started(guarded, now, actions),
            Event::StartRefused { key, reason } => {
                if let Some(member) = self.member(&key) {
                    member.start_refused(reason, now);
                }
            }
            Event::Exited { key, pid, exit } => {
                if let Some(member) = self.member(&key)
                    && member.exited(pid, exit, now)
                {
                    actions.push(Action::Forget { key });
                }
            }
            Event::Probed { key, pid, which, answer } => {
                if let Some(member) = self.member(&key) {
                    member.probed(pid, which, answer, now);
                }
            }
            Event::GuardLost => {
                self.lease = LeaseEnd::default();
                self.groups.values_mut().flat_map(|g| &mut g.members).for_each(Member::guard_lost);
            }
            Event::Tick => {}
        }
    }

    fn assign(&mut self, assigned: Vec<GroupAssignment>) {
        for group in self.groups.values_mut() {
            group.assigned = None;
        }
        for wanted in assigned {
            let group = self.groups.entry(wanted.group.clone()).or_insert_with(|| Group::new(&wanted));
            group.assign(wanted);
        }
    }

    fn started(&mut self, guarded: Guarded, now: Ticks, actions: &mut Vec<Action>) {
        let key = guarded.key.clone();
        match self.member(&key).map(|member| member.started(guarded, now)) {
            Some(Took::Exited) => actions.push(Action::Forget { key }),
            Some(Took::Yes) => {}
            // Nothing is waiting for it, so it must not run.
            Some(Took::No) | None => actions.push(Action::Kill { key, past_lease: false }),
        }
    }

    fn member(&mut self, key: &ServiceKey) -> Option<&mut Member> {
        self.groups.get_mut(&key.group)?.members.iter_mut().find(|m| m.spec.name == key.resource)
    }

    fn step(&mut self, now: Ticks, actions: &mut Vec<Action>) {
        let lease = self.lease;
        for group in self.groups.values_mut() {
            group.step(now, lease, actions);
        }
        self.groups.retain(|_, group| group.assigned.is_some() || group.is_alive());
    }

    /// The next moment that means anything; moments that have passed were dealt with in the last step.
    fn wake_at(&self, now: Ticks) -> Option<Ticks> {
        let due = self.groups.values().flat_map(|g| g.members.iter().filter_map(|m| m.wake_at(self.may_run(now))));
        let ends = [self.lease.stop_at, self.lease.kill_at];
        due.chain(ends).filter(|at| *at > now).min()
    }
}
