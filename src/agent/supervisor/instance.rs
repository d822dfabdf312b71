//! What should happen to one instance of a host that is not clustered? It runs whatever becomes of the lease.

use serde::{Deserialize, Serialize};

use super::life::StopWhy;
use super::member::Member;
use super::{Action, Whose};
use crate::domain::{Epoch, HostName, InstanceAssignment, ResourceSpec, Ticks};

/// An instance as it runs or shall run here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub host: HostName,
    /// `None`: it was taken away and is on its way out.
    pub assigned: Option<ResourceSpec>,
    pub member: Member,
}

impl Instance {
    pub fn new(wanted: &InstanceAssignment) -> Self {
        let spec = on_its_own(&wanted.resource);
        Self { host: wanted.host.clone(), assigned: None, member: Member::new(spec) }
    }

    /// A change gives an instance that had failed for good another chance.
    pub fn assign(&mut self, wanted: &InstanceAssignment, now: Ticks) {
        let spec = on_its_own(&wanted.resource);
        if self.member.spec != spec {
            self.member.absolve();
            self.member.go_on_as(&spec, now);
        }
        self.assigned = Some(spec);
    }

    fn is_wanted(&self) -> bool {
        self.assigned.as_ref() == Some(&self.member.spec)
    }

    /// Whether it was taken away, and something of it may still be alive.
    pub fn is_leaving(&self) -> bool {
        self.assigned.is_none() && self.member.is_alive()
    }

    pub fn is_gone(&self) -> bool {
        self.assigned.is_none() && !self.member.is_alive()
    }

    /// Ends what takes too long; begins nothing.
    pub fn keep_bounds(&mut self, now: Ticks, actions: &mut Vec<Action>) {
        self.member.keep_time(Whose::Host(&self.host), now, actions);
    }

    /// Does all that is due at `now`. `waits_for`: what keeps it from being started, though it shall run.
    pub fn step(&mut self, now: Ticks, waits_for: Option<&str>, actions: &mut Vec<Action>) {
        self.keep_bounds(now, actions);
        let whose = Whose::Host(&self.host);
        if self.assigned.as_ref() != Some(&self.member.spec) {
            if self.member.is_alive() {
                return self.member.stop(whose, StopWhy::Unwanted, now, actions);
            }
            let Some(wanted) = &self.assigned else { return };
            self.member = Member::new(wanted.clone());
        }
        match waits_for {
            Some(what) => self.member.waits_for(what),
            None if self.member.may_start(now) => self.member.start(whose, Epoch(0), NEVER, actions),
            None => {}
        }
        self.member.ask_due(whose, Epoch(0), now, actions);
    }

    pub fn wake_at(&self) -> Option<Ticks> {
        if self.member.is_alive() || self.is_wanted() { self.member.wake_at(true) } else { None }
    }
}

/// When its lease ends: it has none, so no refusal to start it is excused by that.
const NEVER: Ticks = Ticks(u64::MAX);

/// It has no group that could fail over for it, or in which it could depend on others.
fn on_its_own(spec: &ResourceSpec) -> ResourceSpec {
    ResourceSpec { critical: false, depends_on: None, ..spec.clone() }
}
