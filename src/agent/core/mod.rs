//! What does the agent answer, and what does it do? One task that owns the holder, the supervisor and the ledger.
//!
//! Ordering: what must survive a crash is on disk before it is acted on or answered; a lease counts only once the guard
//! has taken it, so that what runs is never beyond what the guard will end.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use self::convert::wire_stamp;
use self::handle::Answer;
use self::hands::Hands;
use super::drivers::{DRIVERS, Place};
use super::guard::client::{Connected, GuardEvent, LeaseEnd};
use super::ledger::Ledger;
use super::machine::Machine;
use super::supervisor::{Action, Event, Supervisor, Turn};
use crate::clock::{Clock, IdSource};
use crate::domain::{ClusterName, Revision, Ticks};
use crate::lease::Holder;
use crate::wire::{
    AgentIdentity, AppliedDecision, AssignmentRequest, LeaseAnswer, LeaseRequest, Observation, ObservationQuery,
};

mod convert;
mod handle;
mod hands;
mod orders;

pub use handle::{CoreError, CoreHandle, Overview};

/// What the core's task is told.
enum Inbox {
    Assign(Box<AssignmentRequest>, Answer<Observation>),
    Renew(Box<LeaseRequest>, Answer<LeaseAnswer>),
    Observe(Box<ObservationQuery>, Answer<Observation>),
    Connected(Box<Connected>),
    LeaseSet { connection: u64, end: LeaseEnd },
    Happened { connection: u64, event: Event },
    Guard { connection: u64, event: GuardEvent },
    GuardGone { connection: u64, why: String },
    GuardTaken { connection: u64 },
}

/// What the core's task does next.
enum Step {
    Message(Inbox),
    /// The moment has come for which the supervisor waits.
    Due,
    /// Nobody can tell it anything any more.
    Unheard,
}

/// The core before its task runs.
pub struct Core {
    clock: Arc<dyn Clock>,
    machine: Arc<dyn Machine>,
    ledger: Ledger,
    holder: Holder,
    supervisor: Supervisor,
    place: Arc<Place>,
    connections: u64,
    hands: Option<Hands>,
    /// The lease end that the guard has taken, and whether it is being told another.
    taken: LeaseEnd,
    telling: bool,
    wake_at: Option<Ticks>,
    revision: Revision,
    overview: watch::Sender<Overview>,
    news: Arc<Notify>,
    inbox: UnboundedReceiver<Inbox>,
    to_self: UnboundedSender<Inbox>,
    stopping: CancellationToken,
}

impl Core {
    /// Finds out what an earlier agent process left running, and goes on with it.
    pub async fn start(
        machine: Arc<dyn Machine>,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        ids: &dyn IdSource,
        stopping: CancellationToken,
    ) -> anyhow::Result<(Self, CoreHandle)> {
        let mut connected = machine.connect().await?;
        let services = std::mem::take(&mut connected.services);
        let taken = connected.lease_end;
        let (supervisor, actions) = Supervisor::adopt(machine.memory(), services, taken, clock.ticks());
        let Ledger { node, bond, applied, epochs, .. } = ledger.clone();
        let mut holder = Holder::new(node.clone(), ids.next_id(), bond, applied, epochs);
        if taken.kill_at > Ticks(0) {
            // Earlier than the lease's true end by the margin, which may have been edited since: never later.
            holder.inherit_deadline(taken.kill_at);
        }
        let (to_self, inbox) = unbounded_channel();
        let (groups, instances) = (Vec::new(), Vec::new());
        let shown = Overview { node, cluster: None, groups, instances, lease_ends: Ticks(0), revision: Revision(0) };
        let (overview, watcher) = watch::channel(shown);
        let news = Arc::new(Notify::new());
        let handle = CoreHandle {
            inbox: to_self.clone(),
            overview: watcher,
            news: news.clone(),
            state_dir: machine.state_dir().to_owned(),
            clock: clock.clone(),
            stopping: stopping.clone(),
        };
        let mut core = Self {
            place: Arc::new(place(&*machine, &ledger)),
            hands: Some(Hands::new(1, machine.clone(), connected, to_self.clone())),
            connections: 1,
            machine,
            telling: false,
            wake_at: None,
            revision: Revision(1),
            clock,
            ledger,
            holder,
            supervisor,
            taken,
            overview,
            news,
            inbox,
            to_self,
            stopping,
        };
        core.act(actions);
        let turn = core.supervisor.resume(core.ledger.assignment.clone(), core.clock.ticks());
        core.follow(turn);
        // Also when nothing was found to do: a question for news compares with what is shown.
        core.show();
        Ok((core, handle))
    }

    /// Runs until the agent stops. Services are left to the guard, to be adopted by the next agent process.
    pub async fn run(mut self) {
        let stopping = self.stopping.clone();
        // Only what is awaited between two steps is ever dropped: a message taken from the inbox is dealt with.
        while let Some(step) = stopping.run_until_cancelled(self.next_step()).await {
            match step {
                Step::Message(message) => self.take_in(message).await,
                Step::Due => self.happened(Event::Tick),
                Step::Unheard => break,
            }
        }
        self.note();
    }

    async fn next_step(&mut self) -> Step {
        let (clock, wake_at) = (self.clock.clone(), self.wake_at);
        tokio::select! {
            biased;
            // Messages don't keep from being done what is due. Nor are they kept waiting: the next moment is a later one.
            () = sleep_until(&*clock, wake_at) => Step::Due,
            message = self.inbox.recv() => message.map_or(Step::Unheard, Step::Message),
        }
    }

    async fn take_in(&mut self, message: Inbox) {
        match message {
            // Whoever asked may have gone: nothing is owed to them then.
            Inbox::Assign(request, answer) => drop(answer.send(self.assign(*request).await)),
            Inbox::Renew(request, answer) => drop(answer.send(self.renew(&request).await)),
            Inbox::Observe(query, answer) => {
                let admitted = self.admit(&query.order()).await;
                drop(answer.send(admitted.map(|()| self.observation())));
            }
            Inbox::Connected(connected) => self.connected(*connected),
            Inbox::LeaseSet { connection, end } if self.is_current(connection) => {
                self.telling = false;
                self.taken = end;
                self.happened(Event::LeaseMoved(end));
                self.tell_lease();
            }
            Inbox::Happened { connection, event } if self.is_current(connection) => self.happened(event),
            Inbox::Guard { connection, event } if self.is_current(connection) => match event {
                GuardEvent::Exited { key, pid, exit } => self.happened(Event::Exited { key, pid, exit }),
                GuardEvent::Lost => self.guard_lost(),
            },
            Inbox::GuardGone { connection, why } if self.is_current(connection) => self.end_guard(&why),
            Inbox::GuardTaken { connection } if self.is_current(connection) => {
                tracing::error!("another process has taken this agent's guard: stopping, the services are its own now");
                self.stopping.cancel();
            }
            // Of a connection that is over: what it said then means nothing now.
            _ => {}
        }
    }

    fn is_current(&self, connection: u64) -> bool {
        self.hands.as_ref().is_some_and(|hands| hands.connection == connection)
    }

    fn end_guard(&self, why: &str) {
        tracing::warn!(%why, "the guard does not answer: ending it and what it guards");
        if let Some(hands) = &self.hands {
            hands.destroy(self.clock.clone());
        }
    }

    fn guard_lost(&mut self) {
        tracing::warn!("the guard is gone and its services with it: starting another");
        self.hands = None;
        (self.taken, self.telling) = (LeaseEnd::default(), false);
        self.happened(Event::GuardLost);
        hands::connect(self.machine.clone(), self.clock.clone(), self.to_self.clone());
    }

    fn connected(&mut self, connected: Connected) {
        self.connections += 1;
        self.taken = connected.lease_end;
        self.hands = Some(Hands::new(self.connections, self.machine.clone(), connected, self.to_self.clone()));
        self.happened(Event::GuardFound);
        self.tell_lease();
    }

    fn happened(&mut self, event: Event) {
        let started = matches!(event, Event::Started(_));
        let turn = self.supervisor.handle(event, self.clock.ticks());
        let changed = turn.changed;
        self.follow(turn);
        if changed || started {
            self.note();
        }
    }

    fn follow(&mut self, turn: Turn) {
        self.wake_at = turn.wake_at;
        self.act(turn.actions);
        if turn.changed {
            self.revise();
        }
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            tracing::debug!(?action, "acting");
            // Without a guard nothing runs and nothing is begun: the supervisor hears of the next one.
            if let Some(hands) = &self.hands {
                hands.act(action, &self.place, &self.to_self);
            }
        }
    }

    fn note(&self) {
        if let Err(error) = self.machine.note(self.supervisor.memory()) {
            tracing::warn!(%error, "what runs could not be noted: after a restart it would be stopped, not adopted");
        }
    }

    fn revise(&mut self) {
        self.revision = self.revision.next();
        self.show();
        self.news.notify_waiters();
    }

    fn show(&self) {
        self.overview.send_replace(Overview {
            node: self.ledger.node.clone(),
            cluster: self.ledger.bond.as_ref().map(|bond| bond.cluster.clone()),
            groups: self.supervisor.groups().to_vec(),
            instances: self.supervisor.instances().to_vec(),
            lease_ends: self.holder.deadline(),
            revision: self.revision,
        });
    }

    fn observation(&mut self) -> Observation {
        let now = self.clock.ticks();
        let left = self.holder.deadline().since(now);
        Observation {
            identity: AgentIdentity { agent_id: self.ledger.agent_id, node: self.ledger.node.clone() },
            applied: self
                .holder
                .applied_decision()
                .map(|applied| AppliedDecision { term: applied.term, decision: applied.decision }),
            revision: self.revision,
            lease_left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            drivers: DRIVERS.to_vec(),
            groups: self.supervisor.groups().to_vec(),
            instances: self.supervisor.instances().to_vec(),
            epochs: self.holder.epochs().iter().map(|(group, epoch)| (group.clone(), *epoch)).collect(),
            stamp: wire_stamp(self.holder.stamp(now)),
        }
    }
}

/// Waits for a moment, or without one for ever.
async fn sleep_until(clock: &dyn Clock, at: Option<Ticks>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn place(machine: &dyn Machine, ledger: &Ledger) -> Place {
    // Before the first bond nothing is started, so nobody is told this name.
    let unbound = || ClusterName::try_from("none".to_owned()).expect("a name of letters");
    let cluster = ledger.bond.as_ref().map_or_else(unbound, |bond| bond.cluster.clone());
    Place { cluster, node: ledger.node.clone(), state_dir: machine.state_dir().to_owned() }
}
