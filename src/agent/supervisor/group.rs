//! What should happen to one group now: which of its resources stop, change, start?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::life::StopWhy;
use super::member::Member;
use super::{Action, LeaseEnd, Whose, order};
use crate::domain::{Epoch, GroupAssignment, GroupName, ResourceName, Ticks};

/// A group as it runs or shall run here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Group {
    pub name: GroupName,
    /// Under which its members were started.
    pub epoch: Epoch,
    /// `None`: it was taken away and is on its way out.
    pub assigned: Option<GroupAssignment>,
    /// In the order in which they start; those that are no longer wanted last.
    pub members: Vec<Member>,
    pub begun_at: Option<Ticks>,
    pub online_at: Option<Ticks>,
}

impl Group {
    pub fn new(wanted: &GroupAssignment) -> Self {
        Self {
            name: wanted.group.clone(),
            epoch: wanted.epoch,
            assigned: None,
            members: Vec::new(),
            begun_at: None,
            online_at: None,
        }
    }

    /// Whether anything of it may be alive.
    pub fn is_alive(&self) -> bool {
        self.members.iter().any(Member::is_alive)
    }

    /// A changed group under the same epoch gives resources that had failed for good another chance.
    pub fn assign(&mut self, wanted: GroupAssignment, now: Ticks) {
        let specs: Vec<_> = self.members.iter().map(|m| &m.spec).collect();
        if wanted.epoch == self.epoch && !specs.iter().copied().eq(&wanted.resources) {
            self.members.iter_mut().for_each(Member::absolve);
            for spec in &wanted.resources {
                self.members.iter_mut().for_each(|member| member.go_on_as(spec, now));
            }
        }
        self.assigned = Some(wanted);
    }

    /// Whether the group as a whole is on its way out.
    pub fn is_leaving(&self) -> bool {
        self.assigned.as_ref().is_none_or(|wanted| wanted.epoch != self.epoch)
    }

    fn wants(&self, member: &Member) -> bool {
        !self.is_leaving() && self.assigned.as_ref().is_some_and(|wanted| wanted.resources.contains(&member.spec))
    }

    /// Ends what may not go on at `now`; begins nothing.
    pub fn keep_bounds(&mut self, now: Ticks, lease: LeaseEnd, actions: &mut Vec<Action>) {
        let whose = Whose::Group(&self.name);
        for member in &mut self.members {
            if now < lease.stop_at {
                member.finish_lease_stop(whose, now, actions);
            } else {
                member.keep_lease(whose, now, lease, actions);
            }
            member.keep_time(whose, now, actions);
        }
    }

    /// Does all that is due at `now`. What is named in `busy` still runs here as something else.
    pub fn step(&mut self, now: Ticks, lease: LeaseEnd, busy: &BTreeSet<String>, actions: &mut Vec<Action>) {
        self.keep_bounds(now, lease, actions);
        self.stop_next(now, lease, actions);
        self.rebuild();
        if now < lease.stop_at {
            self.start_next(now, lease, busy, actions);
            for member in &mut self.members {
                member.ask_due(Whose::Group(&self.name), self.epoch, now, actions);
            }
        }
        if self.online_at.is_none() && self.is_online() {
            self.online_at = Some(now);
        }
    }

    pub fn is_online(&self) -> bool {
        !self.is_leaving() && !self.members.is_empty() && self.members.iter().all(|m| m.is_online() && self.wants(m))
    }

    /// Names of members that were taken away and of which something may still be alive.
    pub fn leaving(&self) -> impl Iterator<Item = &ResourceName> {
        self.members.iter().filter(|m| m.is_alive() && !self.wants(m)).map(|m| &m.spec.name)
    }

    /// Asks to stop what is not wanted or has lost what it depends on, each once nothing alive needs it. From the lease's
    /// stop moment on the guard has asked all of them: then only what is not wanted is asked.
    fn stop_next(&mut self, now: Ticks, lease: LeaseEnd, actions: &mut Vec<Action>) {
        let wanted: Vec<bool> = self.members.iter().map(|m| self.wants(m)).collect();
        let doomed = if now < lease.stop_at {
            order::doomed(&self.members, &wanted)
        } else {
            wanted.iter().map(|wanted| !wanted).collect()
        };
        for at in order::next_to_stop(&self.members, &doomed) {
            let why = if wanted[at] { StopWhy::Dependency } else { StopWhy::Unwanted };
            self.members[at].stop(Whose::Group(&self.name), why, now, actions);
        }
    }

    /// Brings the list of members to what is assigned, as far as the dead allow it.
    fn rebuild(&mut self) {
        let Some(wanted) = &self.assigned else {
            return;
        };
        if wanted.epoch != self.epoch {
            if self.is_alive() {
                return;
            }
            *self = Self { assigned: self.assigned.clone(), ..Self::new(wanted) };
        }
        let Some(wanted) = &self.assigned else {
            return;
        };
        let mut old = std::mem::take(&mut self.members);
        let mut take = |name: &ResourceName| old.iter().position(|m| m.spec.name == *name).map(|at| old.remove(at));
        for spec in &wanted.resources {
            let member = take(&spec.name).filter(|m| m.spec == *spec || m.is_alive());
            self.members.push(member.unwrap_or_else(|| Member::new(spec.clone())));
        }
        self.members.extend(old.into_iter().filter(Member::is_alive));
    }

    /// Starts every resource that has what it waits for.
    fn start_next(&mut self, now: Ticks, lease: LeaseEnd, busy: &BTreeSet<String>, actions: &mut Vec<Action>) {
        if self.is_leaving() {
            return;
        }
        let wanted: Vec<bool> = self.members.iter().map(|m| self.wants(m)).collect();
        let ready = order::ready(&self.members, &order::doomed(&self.members, &wanted));
        for (member, ready) in self.members.iter_mut().zip(ready) {
            let dependency = member.spec.depends_on.as_ref().map(ToString::to_string);
            if busy.contains(member.spec.name.as_str()) {
                member.waits_for("the end of the host's own instance here");
            } else if ready && member.may_start(now) {
                self.begun_at.get_or_insert(now);
                member.start(Whose::Group(&self.name), self.epoch, lease.stop_at, actions);
            } else if let Some(dependency) = dependency.filter(|_| !ready) {
                member.waits_for(&dependency);
            }
        }
    }
}
