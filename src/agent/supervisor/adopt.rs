//! What did an earlier agent process leave running, and what did it know?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::group::Group;
use super::instance::Instance;
use super::life::{Life, Up};
use super::member::Member;
use super::{Action, Event, Supervisor, Turn, Whose};
use crate::agent::guard::client::{Guarded, LeaseEnd, ServiceKey};
use crate::domain::{Assignment, HumanDuration, ProcessSpec, ResourceSpec, RestartPolicy, RunSpec, StopSignal, Ticks};

/// What a supervisor knows, to be kept beside the services that outlive it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Memory {
    groups: Vec<Group>,
    #[serde(default)]
    instances: Vec<Instance>,
}

impl Supervisor {
    pub fn memory(&self) -> Memory {
        Memory {
            groups: self.groups.values().cloned().collect(),
            instances: self.instances.values().cloned().collect(),
        }
    }

    /// A supervisor that goes on where an earlier one ended. A service that it remembers as it still runs keeps its
    /// state and pid; any other is stopped.
    pub fn adopt(memory: Memory, services: Vec<Guarded>, lease: LeaseEnd, now: Ticks) -> (Self, Vec<Action>) {
        let groups: BTreeMap<_, _> = memory.groups.into_iter().map(|g| (g.name.clone(), g)).collect();
        let instances = memory.instances.into_iter().map(|i| (i.host.clone(), i)).collect();
        let mut supervisor = Self { lease, groups, instances, ..Self::default() };
        let mut actions = Vec::new();
        let mut left = services;
        for group in supervisor.groups.values_mut() {
            for member in &mut group.members {
                let key = Whose::Group(&group.name).key(member);
                member.find(&key, &mut left, |service| service.epoch == group.epoch, now);
            }
        }
        for Instance { host, member, .. } in supervisor.instances.values_mut() {
            let key = Whose::Host(host).key(member);
            member.find(&key, &mut left, |_| true, now);
        }
        for stray in left {
            if stray.exited.is_some() {
                actions.push(Action::Forget { key: stray.key });
            } else {
                supervisor.take_stray(&stray, now);
            }
        }
        (supervisor, actions)
    }

    /// Goes on with what is assigned.
    pub fn resume(&mut self, assigned: Assignment, now: Ticks) -> Turn {
        // Whether it still stands nobody has said to this process.
        self.assign(assigned, now);
        self.handle(Event::Tick, now)
    }

    /// Keeps account of a service of which only its key is known, so that it is stopped.
    fn take_stray(&mut self, stray: &Guarded, now: Ticks) {
        let member = Member { life: Life::Up(Up::new(stray, false, now)), ..Member::new(unknown_spec(stray)) };
        let (group, resource) = match &stray.key {
            ServiceKey::Resource { group, resource } => (group, resource),
            ServiceKey::Instance { host } => {
                let fresh = || Instance { host: host.clone(), assigned: None, member: member.clone() };
                self.instances.entry(host.clone()).or_insert_with(fresh).member = member.clone();
                return;
            }
        };
        let group = self.groups.entry(group.clone()).or_insert_with(|| Group {
            name: group.clone(),
            epoch: stray.epoch,
            assigned: None,
            members: Vec::new(),
            begun_at: None,
            online_at: None,
        });
        group.members.retain(|m| m.spec.name != *resource);
        group.members.push(member);
    }
}

impl Member {
    /// Takes its own service out of those that are left, if that is the one that it remembers.
    fn find(&mut self, key: &ServiceKey, left: &mut Vec<Guarded>, fits: impl Fn(&Guarded) -> bool, now: Ticks) {
        let service = left.iter().position(|s| s.key == *key).map(|at| left.remove(at));
        self.reunite(service.as_ref().filter(|s| fits(s)), now);
        // Another epoch's, or one started after the last note: it runs, and nobody knows what it is.
        left.extend(service.filter(|s| !self.is_of(s) && s.exited.is_none()));
    }

    fn is_of(&self, service: &Guarded) -> bool {
        matches!(&self.life, Life::Up(up) if up.pid == service.pid)
    }

    /// Brings what is remembered together with what the guard has.
    fn reunite(&mut self, service: Option<&Guarded>, now: Ticks) {
        let remembered = std::mem::replace(&mut self.life, Life::Dead);
        let (Life::Up(mut up), Some(service)) = (remembered, service) else {
            return;
        };
        if up.pid != service.pid {
            return;
        }
        up.resume(now);
        self.life = Life::Up(up);
        if let Some(exit) = service.exited {
            self.exited(service.pid, exit, now);
        }
    }
}

/// Equal to nothing that can be assigned: a command is never empty.
fn unknown_spec(stray: &Guarded) -> ResourceSpec {
    ResourceSpec {
        // One alphabet for every name.
        name: stray.key.name().parse().expect("the name of a host or resource"),
        possible_owners: None,
        class: None,
        critical: true,
        depends_on: None,
        restart: RestartPolicy::default(),
        pending_timeout: HumanDuration::from_secs(60 * 60),
        run: RunSpec::Process(ProcessSpec {
            command: Vec::new(),
            env: BTreeMap::new(),
            working_dir: None,
            stop_signal: StopSignal::Term,
            stop_timeout: HumanDuration::from_secs(10),
            readiness: None,
            looks_alive: None,
            is_alive: None,
        }),
    }
}
