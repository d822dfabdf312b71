//! What is a simulated node? A disk, a clock, a power switch, and the processes on it: the shipped agent's core over a
//! guard and services that keep to what the real ones do.
//!
//! | file | question |
//! | --- | --- |
//! | `ground` | what does an agent process find under it? |
//! | `link` | how does it drive its guard? |
//! | `guard` | what does the guard do? |
//! | `service` | what does a service do from fork to its end? |
//! | `habits` | how do services behave? |
//! | `disk` | what is on the disk, and what survives what? |
//! | `life` | may a process act now? |

use std::sync::{Arc, Mutex};
use std::time::Duration;

use locum::agent::core::{CoreError, CoreHandle};
use locum::agent::guard::client::ServiceKey;
use locum::agent::ledger::Ledger;
use locum::clock::IdSource;
use locum::domain::{Epoch, NodeName};
use locum::wire::{AgentError, AssignmentRequest, LeaseAnswer, LeaseRequest, Observation, ObservationQuery};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::disk::Disk;
use self::ground::Ground;
use self::guard::Guard;
pub use self::habits::Habits;
use self::habits::Nature;
use self::life::Life;
use crate::chance::{Chance, Stream};
use crate::clock::SimClock;

mod disk;
mod ground;
mod guard;
mod habits;
mod life;
mod link;
mod service;
mod tests;

/// Whoever asks for an agent to be started waits this long for it to answer.
const START_PATIENCE: Duration = Duration::from_secs(2);

/// A machine without power does not even refuse a connection: the shipped client gives up opening one after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// And a call that was under way when the power went, after this.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);

/// Who sees what happens on the machines. Told at the moment at which it does.
pub trait Witness: Send + Sync {
    /// A service's program runs.
    fn service_started(&self, node: &NodeName, key: &ServiceKey, epoch: Epoch);
    /// Nothing of it is alive any more.
    fn service_ended(&self, node: &NodeName, key: &ServiceKey, epoch: Epoch, how: &str);
    /// An agent process knows that its disk holds this durably.
    fn ledger_written(&self, node: &NodeName, ledger: &Ledger);
    /// A line of the story.
    fn said(&self, who: &str, what: String);
}

/// One simulated node.
pub struct Machine {
    name: NodeName,
    clock: Arc<SimClock>,
    ids: Arc<dyn IdSource>,
    habits: Habits,
    witness: Arc<dyn Witness>,
    chance: Mutex<Chance>,
    disk: Mutex<Disk>,
    node: Mutex<Node>,
}

/// What goes with the power.
struct Node {
    on: bool,
    boot: u32,
    last_pid: u32,
    disk_delay: Duration,
    agent: Option<Running>,
    guard: Option<Arc<Guard>>,
}

/// The agent process that runs.
struct Running {
    life: Arc<Life>,
    stopping: CancellationToken,
    /// Once it answers.
    core: Option<CoreHandle>,
}

impl Machine {
    /// A machine with its power on, an empty disk, and nothing that runs.
    #[allow(clippy::too_many_arguments)] // all that is outside of a machine, handed in once
    pub fn new(
        name: NodeName,
        clock: Arc<SimClock>,
        ids: Arc<dyn IdSource>,
        seed: u64,
        habits: Habits,
        witness: Arc<dyn Witness>,
    ) -> Arc<Self> {
        let node = Node { on: true, boot: 1, last_pid: 100, disk_delay: Duration::ZERO, agent: None, guard: None };
        let chance = Mutex::new(Chance::new(seed, Stream::Machines));
        let (disk, node) = (Mutex::default(), Mutex::new(node));
        Arc::new(Self { name, clock, ids, habits, witness, chance, disk, node })
    }

    /// Starts an agent process over the disk, and waits a while for it to answer. Nothing, if one runs or the power is off.
    pub async fn start_agent(self: &Arc<Self>) {
        let (life, stopping) = (Life::begin(), CancellationToken::new());
        {
            let mut node = self.node.lock().unwrap();
            if !node.on || node.agent.is_some() {
                return;
            }
            node.agent = Some(Running { life: life.clone(), stopping: stopping.clone(), core: None });
        }
        self.tell("the agent starts");
        let (up, is_up) = oneshot::channel();
        tokio::spawn(life.clone().run(self.clone().be_an_agent(life, stopping, up)));
        let _ = tokio::time::timeout(START_PATIENCE, is_up).await;
    }

    async fn be_an_agent(self: Arc<Self>, life: Arc<Life>, stopping: CancellationToken, up: oneshot::Sender<()>) {
        match (Ground { machine: self.clone(), life: life.clone() }).start(stopping).await {
            Ok((core, handle)) => {
                if let Some(agent) = &mut self.node.lock().unwrap().agent {
                    agent.core = Some(handle);
                }
                let _ = up.send(());
                core.run().await;
                self.tell("the agent has stopped");
            }
            Err(error) => self.tell(&format!("the agent does not start: {error:#}")),
        }
        self.end_agent();
    }

    /// kill -9. Whatever it was doing, it has done the last of it.
    pub fn kill_agent(&self) {
        if self.end_agent() {
            self.tell("the agent is killed");
        }
    }

    /// SIGTERM.
    pub fn stop_agent(&self) {
        if let Some(agent) = &self.node.lock().unwrap().agent {
            agent.stopping.cancel();
        }
    }

    /// SIGSTOP, of the agent process only.
    pub fn freeze_agent(&self) {
        self.with_agent("the agent is frozen", Life::freeze);
    }

    /// SIGCONT.
    pub fn thaw_agent(&self) {
        self.with_agent("the agent goes on", Life::thaw);
    }

    /// kill -9 of the guard; its services die with it.
    pub fn kill_guard(&self) {
        self.with_guard("the guard is killed", Guard::kill);
    }

    pub fn freeze_guard(&self) {
        self.with_guard("the guard is frozen", |guard| guard.life.freeze());
    }

    pub fn thaw_guard(&self) {
        self.with_guard("the guard goes on", |guard| guard.life.thaw());
    }

    /// Everything on it is gone at once, with what was not synced.
    pub fn cut_power(&self) {
        if !self.is_on() {
            return;
        }
        self.tell("the power is cut");
        self.end_agent();
        let guard = {
            let mut node = self.node.lock().unwrap();
            node.on = false;
            node.guard.take()
        };
        if let Some(guard) = guard {
            guard.end();
            guard.processes().iter().for_each(|process| process.vanish());
        }
        self.disk.lock().unwrap().lose_power(&mut self.chance.lock().unwrap());
    }

    /// The machine boots: its clock begins anew, at another pace. Then its agent starts.
    pub async fn restore_power(self: &Arc<Self>) {
        if self.is_on() {
            return;
        }
        let (uptime, rate) =
            self.draw(|chance, habits| (chance.millis(500..=20_000), chance.between(habits.rate.clone())));
        self.clock.reboot(uptime, rate);
        {
            let mut node = self.node.lock().unwrap();
            (node.on, node.boot) = (true, node.boot + 1);
        }
        self.tell("the power is back");
        self.start_agent().await;
    }

    /// The disk is replaced by an empty one. Only with the power off.
    pub fn wipe_disk(&self) {
        assert!(!self.is_on(), "the disk of {} is in use", self.name);
        self.tell("the disk is replaced");
        *self.disk.lock().unwrap() = Disk::default();
    }

    /// From now on writes answer an error, some of them after having written; or no more.
    pub fn fail_disk(&self, failing: bool) {
        self.tell(if failing { "the disk fails" } else { "the disk works" });
        self.disk.lock().unwrap().failing = failing;
    }

    /// Every write and every sync takes that much longer.
    pub fn slow_disk(&self, delay: Duration) {
        self.tell(&format!("the disk is slower by {delay:?}"));
        self.node.lock().unwrap().disk_delay = delay;
    }

    pub fn is_on(&self) -> bool {
        self.node.lock().unwrap().on
    }

    /// Whether an agent process is there, frozen or not.
    pub fn has_agent(&self) -> bool {
        self.node.lock().unwrap().agent.is_some()
    }

    /// The services that do their work at this moment, in the order of their keys.
    pub fn running(&self) -> Vec<(ServiceKey, Epoch)> {
        let processes = self.guard().map(|guard| guard.processes()).unwrap_or_default();
        let running = processes.iter().filter(|process| process.runs());
        running.map(|process| (process.order.key.clone(), process.order.epoch)).collect()
    }

    pub fn runs_anything(&self) -> bool {
        !self.running().is_empty()
    }

    pub async fn assign(&self, request: AssignmentRequest) -> Result<Observation, AgentError> {
        self.call(async |core| core.assign(request).await).await
    }

    pub async fn renew(&self, request: LeaseRequest) -> Result<LeaseAnswer, AgentError> {
        self.call(async |core| core.renew(request).await).await
    }

    pub async fn observe(&self, query: ObservationQuery) -> Result<Observation, AgentError> {
        self.call(async |core| core.observe(query).await).await
    }

    /// As the shipped client hears the shipped endpoint. A frozen agent does not answer before it goes on.
    async fn call<T>(&self, ask: impl AsyncFnOnce(CoreHandle) -> Result<T, CoreError>) -> Result<T, AgentError> {
        let unreachable = |why: &str| Err(AgentError::Unreachable(why.to_owned()));
        if !self.is_on() {
            tokio::time::sleep(CONNECT_TIMEOUT).await;
            return unreachable("the connection timed out");
        }
        let agent = {
            let node = self.node.lock().unwrap();
            node.agent.as_ref().and_then(|agent| Some((agent.life.clone(), agent.core.clone()?)))
        };
        let Some((life, core)) = agent else { return unreachable("the connection was refused") };
        match life.run(ask(core)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(CoreError::Refused(refusal))) => Err(AgentError::Refused(refusal)),
            // The endpoint says 500, which is no word of the protocol.
            Some(Err(CoreError::Failed(_))) => Err(AgentError::Garbled("status 500".to_owned())),
            None if self.is_on() => unreachable("the connection was reset"),
            None => {
                tokio::time::sleep(CALL_TIMEOUT).await;
                unreachable("the call timed out")
            }
        }
    }

    /// Whether there was one.
    fn end_agent(&self) -> bool {
        let (agent, guard) = {
            let mut node = self.node.lock().unwrap();
            (node.agent.take(), node.guard.clone())
        };
        let Some(agent) = agent else { return false };
        agent.life.end();
        if let Some(guard) = guard {
            guard.bells.ring(); // it sees the connection close
        }
        true
    }

    fn with_agent(&self, what: &str, act: impl FnOnce(&Life)) {
        let life = self.node.lock().unwrap().agent.as_ref().map(|agent| agent.life.clone());
        if let Some(life) = life {
            self.tell(what);
            act(&life);
        }
    }

    fn with_guard(&self, what: &str, act: impl FnOnce(&Guard)) {
        if let Some(guard) = self.guard().filter(|guard| guard.life.is_alive()) {
            self.tell(what);
            act(&guard);
        }
    }

    fn guard(&self) -> Option<Arc<Guard>> {
        self.node.lock().unwrap().guard.clone()
    }

    fn set_guard(&self, guard: Arc<Guard>) {
        self.node.lock().unwrap().guard = Some(guard);
    }

    fn boot(&self) -> u32 {
        self.node.lock().unwrap().boot
    }

    fn next_pid(&self) -> u32 {
        let mut node = self.node.lock().unwrap();
        node.last_pid += 1;
        node.last_pid
    }

    fn disk_time(&self) -> Duration {
        let delay = self.node.lock().unwrap().disk_delay;
        delay + self.draw(|chance, habits| chance.millis(habits.disk.clone()))
    }

    fn draw_nature(&self) -> Nature {
        self.draw(Nature::draw)
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Chance, &Habits) -> T) -> T {
        draw(&mut self.chance.lock().unwrap(), &self.habits)
    }

    fn tell(&self, what: &str) {
        self.witness.said(self.name.as_str(), what.to_owned());
    }
}
