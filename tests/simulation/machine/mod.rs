//! What is a simulated node? A disk, a clock, a power switch, and the processes on it: the shipped agent's core over a
//! guard and services that keep to what the real ones do.
//!
//! | file | question |
//! | --- | --- |
//! | `faults` | what can befall it? |
//! | `calls` | what does the control plane hear from it? |
//! | `ground` | what does an agent process find under it? |
//! | `link` | how does it drive its guard? |
//! | `guard` | what does the guard do? |
//! | `guarded` | what does the guard know, and what of it is due? |
//! | `service` | what does a service do from fork to its end? |
//! | `habits` | how do services behave? |
//! | `disk` | what is on the disk, and what survives what? |
//! | `life` | may a process act now? |

use std::sync::{Arc, Mutex};
use std::time::Duration;

use locum::agent::core::CoreHandle;
use locum::agent::guard::client::ServiceKey;
use locum::agent::ledger::Ledger;
use locum::clock::IdSource;
use locum::domain::{Epoch, NodeName};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::disk::Disk;
use self::ground::Ground;
use self::guard::Guard;
pub use self::habits::Habits;
use self::life::Life;
use crate::chance::{Chance, Stream};
use crate::clock::SimClock;

mod calls;
mod disk;
mod faults;
mod ground;
mod guard;
mod guarded;
mod habits;
mod life;
mod link;
mod service;
mod tests;

/// Whoever asks for an agent to be started waits this long for it to answer.
const START_PATIENCE: Duration = Duration::from_secs(2);

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
    habits: Mutex<Habits>,
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
        Arc::new(Self { name, clock, ids, habits: Mutex::new(habits), witness, chance, disk, node })
    }

    /// What is started from now on behaves otherwise.
    pub fn set_habits(&self, habits: Habits) {
        *self.habits.lock().unwrap() = habits;
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

    fn draw<T>(&self, draw: impl FnOnce(&mut Chance, &Habits) -> T) -> T {
        draw(&mut self.chance.lock().unwrap(), &self.habits.lock().unwrap())
    }

    fn tell(&self, what: &str) {
        self.witness.said(self.name.as_str(), what.to_owned());
    }
}
