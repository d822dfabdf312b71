//! What does a simulated guard do? What the shipped one does, step by step: it parents services, obeys one agent, and
//! keeps their deadline without it.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use locum::agent::guard::client::{Exit, Guarded, LeaseEnd, ServiceKey, StartOrder};
use locum::agent::guard::protocol::{Call, Hello, Identity, Message, Request, VERSION};
use locum::clock::Clock as _;
use locum::domain::{Bounded, Ticks};
use tokio::sync::Notify;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::Machine;
use super::life::Life;
use super::service::{Process, Stage, Surroundings};

/// As long as the shipped guard waits for the agent that started it.
const FIRST_AGENT_WITHIN: Duration = Duration::from_secs(10);

/// What wakes those who look at processes.
#[derive(Debug, Default)]
pub struct Bells {
    guard: Notify,
    others: Notify,
}

impl Bells {
    /// Something has happened that the guard, or whoever waits for a process, may want to look at.
    pub fn ring(&self) {
        self.guard.notify_one();
        self.others.notify_waiters();
    }
}

/// An agent's connection, as the guard has it. It breaks when the agent ends or lets go of it.
pub struct Peer {
    pub agent: Arc<Life>,
    pub requests: UnboundedReceiver<Request<Call>>,
    pub says: UnboundedSender<Message>,
}

struct Service {
    guarded: Guarded,
    process: Arc<Process>,
    /// The start that waits for its answer.
    starting: Option<u64>,
    /// Why the program never ran.
    failed: Option<(u64, String)>,
    stop_sent: bool,
    killed: bool,
}

/// One guard process. Its services are tied to it: they are killed with it.
pub struct Guard {
    pub pid: u32,
    pub life: Arc<Life>,
    pub bells: Arc<Bells>,
    machine: Weak<Machine>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    agent: Option<Peer>,
    arriving: Vec<Peer>,
    services: BTreeMap<ServiceKey, Service>,
    lease_end: LeaseEnd,
    first_agent_by: Option<Ticks>,
}

impl Guard {
    /// A new guard, started by an agent that is about to connect.
    pub fn launch(machine: &Arc<Machine>) -> Arc<Self> {
        let first_agent_by = Some(machine.clock.ticks().plus(FIRST_AGENT_WITHIN));
        let guard = Arc::new(Self {
            pid: machine.next_pid(),
            life: Life::begin(),
            bells: Arc::default(),
            machine: Arc::downgrade(machine),
            state: Mutex::new(State { first_agent_by, ..State::default() }),
        });
        machine.tell("a guard starts");
        tokio::spawn(guard.life.clone().run(guard.clone().serve()));
        guard
    }

    /// An agent connects; it is answered with a hello once the guard gets to it.
    pub fn arrive(&self, peer: Peer) {
        self.state.lock().unwrap().arriving.push(peer);
        self.bells.ring();
    }

    /// kill -9. Its services go with it, in the time that a kill takes.
    pub fn kill(&self) {
        self.end();
        self.processes().iter().for_each(|process| process.kill());
    }

    /// The process is gone, and its sockets are closed.
    pub fn end(&self) {
        self.life.end();
        let mut state = self.state.lock().unwrap();
        (state.agent, state.first_agent_by) = (None, None);
        state.arriving.clear();
    }

    /// Every process that may be alive, in the order of their keys.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        let state = self.state.lock().unwrap();
        state.services.values().map(|s| s.process.clone()).filter(|p| p.ended().is_none()).collect()
    }

    /// Returns once nothing that it ever started is alive.
    pub async fn cleared(&self) {
        self.until(|guard| guard.processes().is_empty()).await;
    }

    /// The kernel's own way to a service, which needs no guard.
    pub fn process(&self, key: &ServiceKey) -> Option<Arc<Process>> {
        let state = self.state.lock().unwrap();
        state.services.get(key).map(|s| s.process.clone()).filter(|p| p.ended().is_none())
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let bell = self.bells.others.notified();
            if holds(self) {
                return;
            }
            bell.await;
        }
    }

    async fn serve(self: Arc<Self>) {
        while let Some(machine) = self.machine.upgrade() {
            let next = {
                let mut state = self.state.lock().unwrap();
                let now = machine.clock.ticks();
                state.hear_children();
                state.expire(now);
                state.settle(now);
                let broken =
                    |peer: &Peer| peer.requests.is_empty() && (peer.requests.is_closed() || !peer.agent.is_alive());
                if state.agent.as_ref().is_some_and(broken) {
                    state.agent = None;
                }
                if state.has_nothing_to_do(now) {
                    break;
                }
                state.next_deadline()
            };
            tokio::select! {
                biased; // both lead to the same look
                () = self.bells.guard.notified() => {}
                () = async { match next {
                    Some(at) => machine.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                } } => {}
            }
            let mut state = self.state.lock().unwrap();
            // What has passed has passed, even if an extension came while this process was frozen.
            state.expire(machine.clock.ticks());
            state.accept(self.pid);
            self.hear_agent(&machine, &mut state);
        }
        self.end();
        self.tell("the guard guards nothing and ends");
    }

    /// A line of the story.
    pub fn tell(&self, what: &str) {
        if let Some(machine) = self.machine.upgrade() {
            machine.tell(what);
        }
    }

    fn hear_agent(&self, machine: &Arc<Machine>, state: &mut State) {
        loop {
            let Some(agent) = &mut state.agent else { return };
            match agent.requests.try_recv() {
                Ok(Request { seq, call }) => match self.obey(machine, state, seq, call) {
                    Ok(true) => state.tell(Message::Done { seq, service: None }),
                    Ok(false) => {}
                    Err(why) => state.tell(Message::Refused { seq, why }),
                },
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// True: it is done. False: it is answered later.
    fn obey(&self, machine: &Arc<Machine>, state: &mut State, seq: u64, call: Call) -> Result<bool, String> {
        match call {
            Call::SetLeaseEnd { end } => {
                state.lease_end = end;
                state.expire(machine.clock.ticks());
            }
            Call::Start { order } => return self.start(machine, state, seq, *order).map(|()| false),
            Call::Signal { key, signal } => {
                let service = state.find(&key)?;
                service.stop_sent = true;
                service.process.signal(signal);
            }
            Call::Kill { key } => state.find(&key)?.kill(),
            Call::Forget { key } => {
                if state.find(&key).is_ok() {
                    return Err(format!("{}/{} still runs: kill it before it is forgotten", key.group, key.resource));
                }
                state.services.remove(&key);
            }
        }
        Ok(true)
    }

    fn start(&self, machine: &Arc<Machine>, state: &mut State, seq: u64, order: StartOrder) -> Result<(), String> {
        let (key, now) = (order.key.clone(), machine.clock.ticks());
        let name = format!("{}/{}", key.group, key.resource);
        if state.find(&key).is_ok() {
            return Err(format!("{name} runs already: it is started again only once nothing of it is left"));
        }
        let stop_at = state.lease_end.stop_at;
        if now >= stop_at {
            return Err(format!("{name} is not started: there is no lease, or its stop moment has passed"));
        }
        let (pid, epoch) = (machine.next_pid(), order.epoch);
        let around = Surroundings {
            node: machine.name.clone(),
            clock: machine.clock.clone(),
            witness: machine.witness.clone(),
            bells: self.bells.clone(),
        };
        let process = Process::fork(pid, order, stop_at, machine.draw_nature(), around);
        let guarded = Guarded { key: key.clone(), epoch, pid, bounded: Bounded::Cgroup, started_at: now, exited: None };
        let service = Service { guarded, process, starting: Some(seq), failed: None, stop_sent: false, killed: false };
        state.services.insert(key, service);
        Ok(())
    }
}

impl Service {
    fn is_over(&self) -> bool {
        self.guarded.exited.is_some()
    }

    fn kill(&mut self) {
        (self.killed, self.stop_sent) = (true, true);
        self.process.kill();
    }
}

impl State {
    fn running(&self) -> impl Iterator<Item = &Service> {
        self.services.values().filter(|s| !s.is_over())
    }

    fn find(&mut self, key: &ServiceKey) -> Result<&mut Service, String> {
        let service = self.services.get_mut(key).filter(|s| !s.is_over());
        service.ok_or_else(|| format!("{}/{} does not run under this guard", key.group, key.resource))
    }

    fn tell(&mut self, message: Message) {
        if let Some(agent) = &self.agent {
            let _ = agent.says.send(message);
        }
    }

    fn next_deadline(&self) -> Option<Ticks> {
        let LeaseEnd { stop_at, kill_at } = self.lease_end;
        let of_services = self.running().filter(|s| !s.killed);
        let moments = of_services.flat_map(|s| [(!s.stop_sent).then_some(stop_at), Some(kill_at)]);
        moments.chain([self.first_agent_by]).flatten().min()
    }

    fn expire(&mut self, now: Ticks) {
        let LeaseEnd { stop_at, kill_at } = self.lease_end;
        for service in self.services.values_mut().filter(|s| !s.is_over()) {
            if now >= kill_at && !service.killed {
                service.kill();
            } else if now >= stop_at && !service.stop_sent {
                service.stop_sent = true;
                service.process.signal(service.process.order.stop_signal);
            }
        }
    }

    fn has_nothing_to_do(&self, now: Ticks) -> bool {
        let awaits_first = self.first_agent_by.is_some_and(|by| now < by);
        self.running().next().is_none() && self.agent.is_none() && !awaits_first
    }

    fn hear_children(&mut self) {
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
    fn settle(&mut self, now: Ticks) {
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

    fn accept(&mut self, pid: u32) {
        for newest in mem::take(&mut self.arriving) {
            let guard = Identity { pid, started: 0, boot: String::new(), cgroup: None };
            let services = self.services.values().filter(|s| s.failed.is_none()).map(|s| s.guarded.clone()).collect();
            let hello = Hello { version: VERSION, guard, services, lease_end: self.lease_end };
            let _ = newest.says.send(Message::Hello(hello));
            self.tell(Message::Replaced {});
            self.agent = Some(newest);
            self.first_agent_by = None;
        }
    }
}
