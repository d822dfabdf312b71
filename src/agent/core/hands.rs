//! How are the supervisor's actions done? By one worker for each connection to a guard, in order; what came of them
//! goes back to the core as events that name the connection, so that nothing of an earlier one is believed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Inbox;
use crate::agent::drivers::{self, Place, probe};
use crate::agent::guard::client::{Connected, GuardClient, GuardError, LeaseEnd};
use crate::agent::supervisor::{Action, Event};
use crate::clock::Clock;
use crate::domain::RunSpec;

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
    client: GuardClient,
    jobs: UnboundedSender<Job>,
}

impl Hands {
    pub(super) fn new(connection: u64, connected: Connected, inbox: UnboundedSender<Inbox>) -> Self {
        let Connected { client, mut events, .. } = connected;
        let (jobs, queue) = unbounded_channel();
        tokio::spawn(work(client.clone(), connection, queue, inbox.clone()));
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if inbox.send(Inbox::Guard { connection, event }).is_err() {
                    return;
                }
            }
            let _ = inbox.send(Inbox::GuardTaken { connection });
        });
        Self { connection, client, jobs }
    }

    pub(super) fn set_lease(&self, end: LeaseEnd) {
        // The worker lives as long as these hands.
        let _ = self.jobs.send(Job::SetLease(end));
    }

    pub(super) fn act(&self, action: Action, place: &Arc<Place>, inbox: &UnboundedSender<Inbox>) {
        match action {
            Action::Probe { .. } => ask(action, self.connection, place.clone(), inbox.clone()),
            Action::Kill { ref key, past_lease: true } => {
                // The guard may be frozen: by our own hand too, and not behind what it has not answered.
                let (client, key) = (self.client.clone(), key.clone());
                tokio::spawn(async move {
                    if let Err(error) = client.kill_directly(&key).await {
                        tracing::error!(group = %key.group, resource = %key.resource, %error, "past its lease");
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
        let client = self.client.clone();
        tokio::spawn(async move {
            while let Err(error) = client.destroy().await {
                tracing::error!(%error, "the guard could not be ended; nothing is started before that");
                clock.sleep(RETRY).await;
            }
        });
    }
}

/// Connects to a guard until one is there.
pub(super) fn connect(state_dir: std::path::PathBuf, clock: Arc<dyn Clock>, inbox: UnboundedSender<Inbox>) {
    tokio::spawn(async move {
        loop {
            match GuardClient::connect(&state_dir).await {
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

async fn work(client: GuardClient, connection: u64, mut queue: UnboundedReceiver<Job>, inbox: UnboundedSender<Inbox>) {
    while let Some(job) = queue.recv().await {
        let done = match job {
            Job::SetLease(end) => {
                let done = client.set_lease_end(end).await;
                if done.is_ok() {
                    let _ = inbox.send(Inbox::LeaseSet { connection, end });
                }
                // A guard that takes no lease end is as good as none.
                done.map_err(|error| GuardError::Gone(error.to_string()))
            }
            Job::Act(action, place) => act(&client, connection, action, &place, &inbox).await,
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

async fn act(
    client: &GuardClient,
    connection: u64,
    action: Action,
    place: &Place,
    inbox: &UnboundedSender<Inbox>,
) -> Result<(), GuardError> {
    match action {
        Action::Start { key, epoch, spec } => {
            let event = match drivers::start_order(key.clone(), epoch, &spec, place) {
                Ok(order) => match client.start(order).await {
                    Ok(guarded) => Event::Started(guarded),
                    Err(GuardError::Refused(reason)) => Event::StartRefused { key, reason },
                    Err(gone) => return Err(gone),
                },
                Err(reason) => Event::StartRefused { key, reason },
            };
            let _ = inbox.send(Inbox::Happened { connection, event });
            Ok(())
        }
        Action::Signal { key, signal } => client.signal(&key, signal).await,
        Action::Kill { key, .. } => client.kill(&key).await,
        Action::Forget { key } => client.forget(&key).await,
        Action::Probe { .. } => Ok(()), // asked beside the queue: an answer may take long
    }
}

fn ask(action: Action, connection: u64, place: Arc<Place>, inbox: UnboundedSender<Inbox>) {
    let Action::Probe { probe, spec, epoch } = action else { return };
    tokio::spawn(async move {
        let env = drivers::environment(&probe.key, epoch, &spec, &place);
        let RunSpec::Process(process) = &spec.run;
        let answer = probe::ask(&probe.ask, &env, process.working_dir.as_deref()).await;
        let event = Event::Probed { key: probe.key, pid: probe.pid, which: probe.which, answer };
        let _ = inbox.send(Inbox::Happened { connection, event });
    });
}
