//! What should happen to the services of this node now? A pure state machine: events in, actions out.
//!
//! It reads no clock and does no IO. Each event comes with the present ticks; the turn that follows says what to do,
//! when to look again, and whether there is something new to observe. What is to be done follows from what is wanted and
//! what is known, not from what was asked before, so a lost or repeated event does no harm.
//!
//! Rules: resources of a group start in the order of the document, each once the ones before are online, and stop in the
//! reverse order; one that says what it depends on starts once that is online, stops before it stops, and stops with it.
//! Nothing of a group is started at or after the lease's stop moment. A resource that changed in what
//! it was started with is restarted in place, and one that changed in how it is probed, restarted and timed goes on; a
//! group under a new epoch is stopped whole and started anew. Deaths that Locum caused itself (the lease, the guard, a
//! stop) are never counted against a resource.
//!
//! Instances of hosts that are not clustered run outside the lease. One is started only after the control plane has told
//! this agent process that the assignment stands: a node that an operator has declared down, and that comes back cut off
//! from the control plane, starts nothing. Once running it goes on, and is adopted, whoever is away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::guard::client::{Exit, Guarded, LeaseEnd, ServiceKey};
use crate::domain::{Assignment, Epoch, GroupName, HostName, ProbeSpec, ResourceSpec, StopSignal, Ticks};
use crate::wire::{ObservedGroup, ObservedInstance};

mod adopt;
mod group;
mod instance;
mod life;
mod member;
mod order;
mod probing;
mod view;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

pub use adopt::Memory;
use group::Group;
use instance::Instance;
use life::Took;
use member::Member;

/// What became known.
#[derive(Debug, Clone)]
pub enum Event {
    /// An assignment was applied: this is all that the node shall run.
    Assigned(Assignment),
    /// The control plane has told this agent process that what is assigned still stands.
    AssignmentStands,
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
    /// There is a guard again.
    GuardFound,
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
    /// Whether `groups` or `instances` differ from before.
    pub changed: bool,
}

/// Everything known of the services of this node.
#[derive(Debug, Clone, Default)]
pub struct Supervisor {
    lease: LeaseEnd,
    groups: BTreeMap<GroupName, Group>,
    instances: BTreeMap<HostName, Instance>,
    /// Whether the control plane has told this agent process that what is assigned stands.
    told: bool,
    /// Whether there is no guard to start anything.
    unguarded: bool,
    /// As last rendered.
    view: View,
}

/// What is seen from outside.
#[derive(Debug, Clone, Default, PartialEq)]
struct View {
    groups: Vec<ObservedGroup>,
    instances: Vec<ObservedInstance>,
}

/// Whose resource it is.
#[derive(Debug, Clone, Copy)]
enum Whose<'a> {
    Group(&'a GroupName),
    /// An instance.
    Host(&'a HostName),
}

impl Whose<'_> {
    fn key(self, member: &Member) -> ServiceKey {
        match self {
            Self::Group(group) => ServiceKey::Resource { group: group.clone(), resource: member.spec.name.clone() },
            Self::Host(host) => ServiceKey::Instance { host: host.clone() },
        }
    }
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
        self.instances.values_mut().for_each(|instance| instance.keep_bounds(now, &mut actions));
        self.take_in(event, now, &mut actions);
        self.step(now, &mut actions);
        let groups = self.groups.values().map(|g| view::observe(g, self.may_run(now))).collect();
        let view = View { groups, instances: self.instances.values().map(view::instance).collect() };
        let changed = view != self.view;
        self.view = view;
        Turn { actions, wake_at: self.wake_at(now), changed }
    }

    /// What is seen, in the order of the groups' names.
    pub fn groups(&self) -> &[ObservedGroup] {
        &self.view.groups
    }

    /// What is seen of instances, in the order of their hosts' names.
    pub fn instances(&self) -> &[ObservedInstance] {
        &self.view.instances
    }

    /// Whether it has been told that what is assigned stands.
    pub const fn is_told(&self) -> bool {
        self.told
    }

    fn may_run(&self, now: Ticks) -> bool {
        now < self.lease.stop_at
    }

    fn take_in(&mut self, event: Event, now: Ticks, actions: &mut Vec<Action>) {
        match event {
            Event::Assigned(assigned) => {
                self.assign(assigned, now);
                self.told = true;
            }
            Event::AssignmentStands => self.told = true,
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
                (self.lease, self.unguarded) = (LeaseEnd::default(), true);
                self.groups.values_mut().flat_map(|g| &mut g.members).for_each(Member::guard_lost);
                self.instances.values_mut().for_each(|instance| instance.member.guard_lost());
            }
            Event::GuardFound => self.unguarded = false,
            Event::Tick => {}
        }
    }

    fn assign(&mut self, assigned: Assignment, now: Ticks) {
        self.groups.values_mut().for_each(|group| group.assigned = None);
        self.instances.values_mut().for_each(|instance| instance.assigned = None);
        for wanted in assigned.instances {
            let instance = self.instances.entry(wanted.host.clone()).or_insert_with(|| Instance::new(&wanted));
            instance.assign(&wanted, now);
        }
        for wanted in assigned.groups {
            let group = self.groups.entry(wanted.group.clone()).or_insert_with(|| Group::new(&wanted));
            group.assign(wanted, now);
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
        match key {
            ServiceKey::Resource { group, resource } => {
                self.groups.get_mut(group)?.members.iter_mut().find(|m| m.spec.name == *resource)
            }
            ServiceKey::Instance { host } => self.instances.get_mut(host).map(|instance| &mut instance.member),
        }
    }

    fn step(&mut self, now: Ticks, actions: &mut Vec<Action>) {
        let lease = self.lease;
        // A host that changes what it is here ends as the one before it begins as the other.
        let busy = self.instances.values().filter(|i| i.is_leaving()).map(|i| i.host.to_string()).collect();
        for group in self.groups.values_mut() {
            group.step(now, lease, &busy, actions);
        }
        let busy: BTreeSet<String> = self.groups.values().flat_map(Group::leaving).map(ToString::to_string).collect();
        for instance in self.instances.values_mut() {
            let waits_for = if self.unguarded {
                Some("a guard")
            } else if !self.told {
                Some("the control plane to say that it still shall run here")
            } else if busy.contains(instance.host.as_str()) {
                Some("the end of the clustered host here")
            } else {
                None
            };
            instance.step(now, waits_for, actions);
        }
        self.groups.retain(|_, group| group.assigned.is_some() || group.is_alive());
        self.instances.retain(|_, instance| !instance.is_gone());
    }

    /// The next moment that means anything; moments that have passed were dealt with in the last step.
    fn wake_at(&self, now: Ticks) -> Option<Ticks> {
        let due = self.groups.values().flat_map(|g| g.members.iter().filter_map(|m| m.wake_at(self.may_run(now))));
        let ends = [self.lease.stop_at, self.lease.kill_at];
        let of_instances = self.instances.values().filter_map(Instance::wake_at);
        due.chain(of_instances).chain(ends).filter(|at| *at > now).min()
    }
}
