//! What does a simulated guard know of its services, and what of it is due?

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use locum::agent::guard::client::{Exit, Guarded, LeaseEnd, ServiceKey};
use locum::agent::guard::protocol::{Hello, Identity, Message};
use locum::domain::Ticks;

use super::guard::Peer;
use super::service::{Process, Stage};

/// A service that it started.
pub struct Service {
    pub guarded: Guarded,
    pub process: Arc<Process>,
    /// The start that waits for its answer.
    pub starting: Option<u64>,
    /// Why the program never ran.
    pub failed: Option<(u64, String)>,
    pub stop_sent: bool,
    pub killed: bool,
}

/// The whole of it.
#[derive(Default)]
pub struct State {
    pub agent: Option<Peer>,
    pub arriving: Vec<Peer>,
    pub services: BTreeMap<ServiceKey, Service>,
    pub lease_end: LeaseEnd,
    pub first_agent_by: Option<Ticks>,
}

impl Service {
    fn is_over(&self) -> bool {
        self.guarded.exited.is_some()
    }

    pub fn kill(&mut self) {
        (self.killed, self.stop_sent) = (true, true);
        self.process.kill();
    }
}

impl State {
    fn running(&self) -> impl Iterator<Item = &Service> {
        self.services.values().filter(|s| !s.is_over())
    }

    pub fn find(&mut self, key: &ServiceKey) -> Result<&mut Service, String> {
        let service = self.services.get_mut(key).filter(|s| !s.is_over());
        service.ok_or_else(|| format!("{key} does not run under this guard"))
    }

    pub fn tell(&mut self, message: Message) {
        if let Some(agent) = &self.agent {
            let _ = agent.says.send(message);
        }
    }

    pub fn next_deadline(&self) -> Option<Ticks> {
        let LeaseEnd { stop_at, kill_at } = self.lease_end;
        let of_services = self.running().filter(|s| !s.killed && s.guarded.key.is_leased());
        let moments = of_services.flat_map(|s| [(!s.stop_sent).then_some(stop_at), Some(kill_at)]);
        moments.chain([self.first_agent_by]).flatten().min()
    }

    pub fn expire(&mut self, now: Ticks) {
        let LeaseEnd { stop_at, kill_at } = self.lease_end;
        for service in self.services.values_mut().filter(|s| !s.is_over() && s.guarded.key.is_leased()) {
            if now >= kill_at && !service.killed {
                service.kill();
            } else if now >= stop_at && !service.stop_sent {
                service.stop_sent = true;
                service.process.signal(service.process.order.stop_signal);
            }
        }
    }

    pub fn has_nothing_to_do(&self, now: Ticks) -> bool {
        let awaits_first = self.first_agent_by.is_some_and(|by| now < by);
        self.running().next().is_none() && self.agent.is_none() && !awaits_first
    }

    pub fn hear_children(&mut self) {
        let mut started = Vec::new();
        for service in self.services.values_mut() {
            let stage = service.process.stage();
            if stage == Stage::Forked {
                continue;
            }
            let Some(seq) = service.starting.take() else { continue };
            match stage {
                Stage::Failed(why) => service.failed = Some((seq, why)),
                _ => started.push(Message::Done { seq, service: Some(service.guarded.clone()) }),
            }
        }
        started.into_iter().for_each(|message| self.tell(message));
    }

    /// Reports services of which nothing is left.
    pub fn settle(&mut self, now: Ticks) {
        let mut messages = Vec::new();
        self.services.retain(|key, service| {
            let Some((code, signal)) = service.process.ended().filter(|_| !service.is_over()) else { return true };
            if let Some((seq, why)) = service.failed.take() {
                messages.push(Message::Refused { seq, why });
                return false;
            }
            let exit = Exit { code, signal, at: now };
            service.guarded.exited = Some(exit);
            messages.push(Message::Exited { key: key.clone(), pid: service.guarded.pid, exit });
            true
        });
        messages.into_iter().for_each(|message| self.tell(message));
    }

    pub fn accept(&mut self, pid: u32) {
        for newest in mem::take(&mut self.arriving) {
            let guard = Identity { pid, started: 0, boot: String::new(), cgroup: None };
            let services = self.services.values().filter(|s| s.failed.is_none()).map(|s| s.guarded.clone());
            let hello = Hello::new(guard, services, self.lease_end);
            let _ = newest.says.send(Message::Hello(hello));
            self.tell(Message::Replaced {});
            self.agent = Some(newest);
            self.first_agent_by = None;
        }
    }
}
