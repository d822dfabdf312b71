//! What does a simulated guard do? What the shipped one does, step by step: it parents services, obeys one agent, and
//! keeps their deadline without it.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use locum::agent::guard::client::{Guarded, ServiceKey, StartOrder};
use locum::agent::guard::protocol::{Call, Message, Request};
use locum::clock::Clock as _;
use locum::domain::{Bounded, Ticks};
use tokio::sync::Notify;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::Machine;
use super::guarded::{Service, State};
use super::habits::Nature;
use super::life::Life;
use super::service::{Process, Surroundings};

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

/// One guard process. Its services are tied to it: they are killed with it.
pub struct Guard {
    pub pid: u32,
    pub life: Arc<Life>,
    pub bells: Arc<Bells>,
    machine: Weak<Machine>,
    state: Mutex<State>,
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
                    return Err(format!("{key} still runs: kill it before it is forgotten"));
                }
                state.services.remove(&key);
            }
        }
        Ok(true)
    }

    fn start(&self, machine: &Arc<Machine>, state: &mut State, seq: u64, order: StartOrder) -> Result<(), String> {
        let (key, now) = (order.key.clone(), machine.clock.ticks());
        let name = key.to_string();
        if state.find(&key).is_ok() {
            return Err(format!("{name} runs already: it is started again only once nothing of it is left"));
        }
        let stop_at = if key.is_leased() { state.lease_end.stop_at } else { Ticks(u64::MAX) };
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
        let process = Process::fork(order, stop_at, machine.draw(Nature::draw), around);
        let guarded = Guarded { key: key.clone(), epoch, pid, bounded: Bounded::Cgroup, started_at: now, exited: None };
        let service = Service { guarded, process, starting: Some(seq), failed: None, stop_sent: false, killed: false };
        state.services.insert(key, service);
        Ok(())
    }
}
