//! What becomes of what a supervisor asks for? The guard under it does it at once, and the service dies when the model
//! says so.

use locum::agent::guard::client::{Exit, Guarded};
use locum::agent::supervisor::{Action, Event, Turn};
use locum::domain::Bounded;

use super::agent::Agent;
use super::words::TICK;

/// What the supervisor told the guard to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    Start { epoch: u64 },
    Signal,
    Kill,
}

/// The service that is alive.
#[derive(Debug, Clone)]
pub struct Service {
    pub guarded: Guarded,
    /// The stop moment came while it ran: a guard asks it to stop then, and this one does not listen.
    asked: bool,
    /// The supervisor signalled or killed it: it is gone within the time of a kill.
    told: bool,
}

impl Agent {
    /// Time has passed, by its own clock unless that skips it; the service may have come to its end meanwhile.
    pub fn pass(&mut self, skips: bool, ended: bool) -> Result<(), String> {
        if !skips {
            self.clock = self.clock.plus(TICK);
        }
        if ended {
            self.exited()?;
        }
        self.ask();
        self.happened(Event::Tick)
    }

    /// From the stop moment on the guard asks the service to stop.
    pub fn ask(&mut self) {
        let asks = self.clock >= self.taken.stop_at;
        self.service.iter_mut().for_each(|service| service.asked |= asks);
    }

    pub fn exited(&mut self) -> Result<(), String> {
        let Some(Service { guarded, .. }) = self.service.take() else { return Err("nothing is alive to die".into()) };
        let exit = Exit { code: Some(0), signal: None, at: self.clock };
        let event = Event::Exited { key: guarded.key, pid: guarded.pid, exit };
        let mut turn = self.supervisor.handle(event, self.clock);
        // If the lease has ended at this moment too, the kill comes before the word that there is nothing left to kill.
        turn.actions.retain(|action| !matches!(action, Action::Kill { .. }));
        self.follow(turn)
    }

    pub fn happened(&mut self, event: Event) -> Result<(), String> {
        let turn = self.supervisor.handle(event, self.clock);
        self.follow(turn)
    }

    pub fn follow(&mut self, turn: Turn) -> Result<(), String> {
        if turn.wake_at.is_some_and(|at| at <= self.clock) {
            return Err("it wants to look again at a moment that has passed".into());
        }
        self.act(turn.actions)
    }

    pub fn act(&mut self, actions: Vec<Action>) -> Result<(), String> {
        for action in actions {
            match action {
                Action::Start { key, epoch, .. } => {
                    if self.service.is_some() {
                        return Err("it starts what runs already".into());
                    }
                    if self.clock >= self.taken.stop_at {
                        return Err("it starts at the stop moment or after, and the guard refuses".into());
                    }
                    self.did.push(Did::Start { epoch: epoch.0 });
                    self.pids += 1;
                    let (pid, bounded) = (self.pids, Bounded::Cgroup);
                    let guarded = Guarded { key, epoch, pid, bounded, started_at: self.clock, exited: None };
                    self.service = Some(Service { guarded: guarded.clone(), asked: false, told: false });
                    self.happened(Event::Started(guarded))?;
                }
                Action::Signal { .. } => self.end(Did::Signal)?,
                Action::Kill { .. } => self.end(Did::Kill)?,
                Action::Forget { .. } if self.service.is_none() => {}
                Action::Forget { .. } | Action::Probe { .. } => {
                    return Err(format!("there is no reason to {action:?}"));
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, did: Did) -> Result<(), String> {
        self.did.push(did);
        self.service.as_mut().ok_or("there is nothing to end")?.told = true;
        Ok(())
    }

    /// Whether it was told to end.
    pub fn is_ending(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.told)
    }

    /// Whether the guard asked the service to stop, as its lease came to an end.
    pub fn was_asked(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.asked)
    }

    pub fn is_alive(&self) -> bool {
        self.service.is_some()
    }
}
