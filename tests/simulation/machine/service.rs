//! What does one service's process do from fork to its end? It goes on whatever becomes of agent and guard.

use std::sync::{Arc, Mutex};

use locum::agent::guard::client::StartOrder;
use locum::clock::Clock as _;
use locum::domain::{NodeName, StopSignal, Ticks};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Witness;
use super::guard::Bells;
use super::habits::Nature;
use crate::clock::SimClock;

/// How a process ended: its code, or the signal.
pub type Ending = (Option<i32>, Option<i32>);

const BY_SIGKILL: Ending = (None, Some(9));
const BY_SIGTERM: Ending = (None, Some(15));

/// What a process is told of the world around it.
pub struct Surroundings {
    pub node: NodeName,
    pub clock: Arc<SimClock>,
    pub witness: Arc<dyn Witness>,
    pub bells: Arc<Bells>,
}

/// A process that a guard forked.
pub struct Process {
    pub order: StartOrder,
    /// It must not reach exec at or after this.
    stop_at: Ticks,
    nature: Nature,
    around: Surroundings,
    state: Mutex<State>,
    stir: Notify,
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    Forked,
    /// It ended before exec, with a sentence.
    Failed(String),
    Runs,
}

struct State {
    stage: Stage,
    /// When it execs; from then on, when it did.
    exec_at: Instant,
    /// When it ends as things are, and how.
    dies: Option<(Instant, Ending)>,
    ended: Option<Ending>,
}

impl Process {
    pub fn fork(order: StartOrder, stop_at: Ticks, nature: Nature, around: Surroundings) -> Arc<Self> {
        let exec_at = Instant::now() + nature.exec;
        let state = State { stage: Stage::Forked, exec_at, dies: None, ended: None };
        let process = Arc::new(Self { order, stop_at, nature, around, state: Mutex::new(state), stir: Notify::new() });
        tokio::spawn(process.clone().live());
        process
    }

    pub fn stage(&self) -> Stage {
        self.state.lock().unwrap().stage.clone()
    }

    pub fn ended(&self) -> Option<Ending> {
        self.state.lock().unwrap().ended
    }

    /// Whether the service does its work at this moment.
    pub fn runs(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.stage == Stage::Runs && state.ended.is_none()
    }

    pub fn signal(&self, signal: StopSignal) {
        if signal == StopSignal::Kill {
            return self.kill();
        }
        match (self.stage(), self.nature.stop) {
            // Nothing handles a signal before exec.
            (Stage::Forked, _) => self.die_by(Instant::now(), BY_SIGTERM),
            (Stage::Runs, Some(stop)) => self.die_by(Instant::now() + stop, (Some(0), None)),
            (Stage::Runs, None) | (Stage::Failed(_), _) => {}
        }
    }

    pub fn kill(&self) {
        self.die_by(Instant::now() + self.nature.kill, BY_SIGKILL);
    }

    /// The machine has lost its power.
    pub fn vanish(&self) {
        self.end(BY_SIGKILL, "the power was cut");
    }

    /// What a probe hears at this moment.
    pub fn answer(&self) -> Result<(), String> {
        let state = self.state.lock().unwrap();
        if state.stage != Stage::Runs || state.ended.is_some() {
            return Err("nothing answers".to_owned());
        }
        let age = state.exec_at.elapsed();
        if age < self.nature.ready {
            return Err("it is still starting".to_owned());
        }
        match self.nature.sick {
            Some((from, until)) if (from..until).contains(&age) => Err("it is sick".to_owned()),
            _ => Ok(()),
        }
    }

    fn die_by(&self, at: Instant, how: Ending) {
        let mut state = self.state.lock().unwrap();
        if state.dies.is_none_or(|(due, _)| at < due) {
            state.dies = Some((at, how));
            self.stir.notify_one();
        }
    }

    async fn live(self: Arc<Self>) {
        loop {
            let now = Instant::now();
            let (dies, exec_at) = {
                let state = self.state.lock().unwrap();
                if state.ended.is_some() {
                    return;
                }
                (state.dies, (state.stage == Stage::Forked).then_some(state.exec_at))
            };
            match dies {
                Some((at, how)) if at <= now => return self.end(how, &told(how)),
                _ => {}
            }
            if exec_at.is_some_and(|at| at <= now) {
                self.exec();
                continue;
            }
            let next = dies.map(|(at, _)| at).into_iter().chain(exec_at).min();
            tokio::select! {
                biased; // whatever stirred it is seen before more time passes
                () = self.stir.notified() => {}
                () = until(next) => {}
            }
        }
    }

    fn exec(&self) {
        let failure = if self.around.clock.ticks() >= self.stop_at {
            Some("the lease had passed before the program could be started")
        } else if self.nature.broken {
            Some("the program does not exist")
        } else {
            None
        };
        {
            let mut state = self.state.lock().unwrap();
            state.exec_at = Instant::now();
            match failure {
                Some(why) => {
                    state.stage = Stage::Failed(why.to_owned());
                    state.ended = Some((Some(127), None));
                }
                None => {
                    state.stage = Stage::Runs;
                    let crash = self.nature.crash.map(|after| (state.exec_at + after, (Some(1), None)));
                    state.dies = [state.dies, crash].into_iter().flatten().min_by_key(|(at, _)| *at);
                }
            }
        }
        if failure.is_none() {
            self.around.witness.service_started(&self.around.node, &self.order.key, self.order.epoch);
        }
        self.around.bells.ring();
    }

    fn end(&self, how: Ending, told: &str) {
        let ran = {
            let mut state = self.state.lock().unwrap();
            if state.ended.replace(how).is_some() {
                return;
            }
            // Killed before exec, it has said nothing on its way out: the guard takes that for a start.
            std::mem::replace(&mut state.stage, Stage::Runs) == Stage::Runs
        };
        if ran {
            self.around.witness.service_ended(&self.around.node, &self.order.key, self.order.epoch, told);
        }
        self.stir.notify_one();
        self.around.bells.ring();
    }
}

fn told(how: Ending) -> String {
    match how {
        (Some(code), _) => format!("with code {code}"),
        (None, signal) => format!("by signal {}", signal.unwrap_or_default()),
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
