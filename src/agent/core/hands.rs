//! How are the supervisor's actions done? By one worker for each connection to a guard, in order; what came of them
//! goes back to the core as events that name the connection, so that nothing of an earlier one is believed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Inbox;
use crate::agent::drivers::Place;
use crate::agent::guard::client::{Connected, Guard, GuardError, LeaseEnd};
use crate::agent::machine::Machine;
use crate::agent::supervisor::{Action, Event};
use crate::clock::Clock;

/// A guard that could not be ended or started is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// Something to do by way of the guard.
pub(super) enum Job {
    SetLease(LeaseEnd),
    Act(Action, Arc<Place>),
}

/// One connection to a guard.
pub(super) struct Hands {
    pub(super) connection: u64,
    machine: Arc<dyn Machine>,
    guard: Arc<dyn Guard>,
    jobs: UnboundedSender<Job>,
}

impl Hands {
    pub(super) fn new(
        connection: u64,
        machine: Arc<dyn Machine>,
        connected: Connected,
        inbox: UnboundedSender<Inbox>,
    ) -> Self {
        let Connected { guard, mut events, .. } = connected;
        let (jobs, queue) = unbounded_channel();
        let worker = Worker { connection, machine: machine.clone(), guard: guard.clone(), inbox: inbox.clone() };
        tokio::spawn(worker.work(queue));
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if inbox.send(Inbox::Guard { connection, event }).is_err() {
                    return;
                }
            }
            let _ = inbox.send(Inbox::GuardTaken { connection });
        });
        Self { connection, machine, guard, jobs }
    }

    pub(super) fn set_lease(&self, end: LeaseEnd) {
        // The worker lives as long as these hands.
        let _ = self.jobs.send(Job::SetLease(end));
    }

    pub(super) fn act(&self, action: Action, place: &Arc<Place>, inbox: &UnboundedSender<Inbox>) {
        match action {
            Action::Probe { probe, spec, epoch } => {
                // Beside the queue: an answer may take long.
                let (connection, machine, place) = (self.connection, self.machine.clone(), place.clone());
                let inbox = inbox.clone();
                tokio::spawn(async move {
                    let answer = machine.probe(&probe, epoch, &spec, &place).await;
                    let event = Event::Probed { key: probe.key, pid: probe.pid, which: probe.which, answer };
                    let _ = inbox.send(Inbox::Happened { connection, event });
                });
            }
            Action::Kill { ref key, past_lease: true } => {
                // The guard may be frozen: by our own hand too, and not behind what it has not answered.
                let (guard, key) = (self.guard.clone(), key.clone());
                tokio::spawn(async move {
                    if let Err(error) = guard.kill_directly(&key).await {
                        tracing::error!(service = %key, %error, "past its lease");
                    }
                });
                let _ = self.jobs.send(Job::Act(action, place.clone()));
            }
            _ => {
                let _ = self.jobs.send(Job::Act(action, place.clone()));
            }
        }
    }

    /// Ends a guard that does not answer, and everything that it guards. Its `Lost` follows.
    pub(super) fn destroy(&self, clock: Arc<dyn Clock>) {
        let guard = self.guard.clone();
        tokio::spawn(async move {
            while let Err(error) = guard.destroy().await {
                tracing::error!(%error, "the guard could not be ended; nothing is started before that");
                clock.sleep(RETRY).await;
            }
        });
    }
}

/// Connects to a guard until one is there.
pub(super) fn connect(machine: Arc<dyn Machine>, clock: Arc<dyn Clock>, inbox: UnboundedSender<Inbox>) {
    tokio::spawn(async move {
        loop {
            match machine.connect().await {
                Ok(connected) => {
                    let _ = inbox.send(Inbox::Connected(Box::new(connected)));
                    return;
                }
                Err(error) => tracing::error!(%error, "no guard could be started; nothing runs without one"),
            }
            clock.sleep(RETRY).await;
        }
    });
}

/// Does the jobs of one connection, in order.
struct Worker {
    connection: u64,
    machine: Arc<dyn Machine>,
    guard: Arc<dyn Guard>,
    inbox: UnboundedSender<Inbox>,
}

impl Worker {
    async fn work(self, mut queue: UnboundedReceiver<Job>) {
        let Self { connection, guard, inbox, .. } = &self;
        let connection = *connection;
        while let Some(job) = queue.recv().await {
            let done = match job {
                Job::SetLease(end) => {
                    let done = guard.set_lease_end(end).await;
                    if done.is_ok() {
                        let _ = inbox.send(Inbox::LeaseSet { connection, end });
                    }
                    // A guard that takes no lease end is as good as none.
                    done.map_err(|error| GuardError::Gone(error.to_string()))
                }
                Job::Act(action, place) => self.act(action, &place).await,
            };
            match done {
                Ok(()) => {}
                // It said no to a service that has ended meanwhile: its `Exited` is on the way.
                Err(GuardError::Refused(why)) => tracing::debug!(%why, "the guard refused"),
                Err(GuardError::Gone(why)) => {
                    let _ = inbox.send(Inbox::GuardGone { connection, why });
                }
            }
        }
    }

    async fn act(&self, action: Action, place: &Place) -> Result<(), GuardError> {
        match action {
            Action::Start { key, epoch, spec } => {
                let event = match self.machine.start_order(key.clone(), epoch, &spec, place) {
                    Ok(order) => match self.guard.start(order).await {
                        Ok(guarded) => Event::Started(guarded),
                        Err(GuardError::Refused(reason)) => Event::StartRefused { key, reason },
                        Err(gone) => return Err(gone),
                    },
                    Err(reason) => Event::StartRefused { key, reason },
                };
                let _ = self.inbox.send(Inbox::Happened { connection: self.connection, event });
                Ok(())
            }
            Action::Signal { key, signal } => self.guard.signal(&key, signal).await,
            Action::Kill { key, .. } => self.guard.kill(&key).await,
            Action::Forget { key } => self.guard.forget(&key).await,
            Action::Probe { .. } => Ok(()), // asked beside the queue
        }
    }
}
