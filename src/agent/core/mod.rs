//! What does the agent answer, and what does it do? One task that owns the holder, the supervisor and the ledger.
//!
//! Ordering: what must survive a crash is on disk before it is acted on or answered; a lease counts only once the guard
//! has taken it, so that what runs is never beyond what the guard will end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use self::hands::Hands;
use super::drivers::{DRIVERS, Place, logs};
use super::guard::client::{Connected, GuardClient, GuardEvent, LeaseEnd, ServiceKey};
use super::ledger::{Ledger, StateDir};
use super::supervisor::{Action, Event, Supervisor, Turn};
use crate::clock::{Clock, IdSource};
use crate::domain::{ClusterName, GroupName, NodeName, ResourceName, Revision, Ticks};
use crate::lease::{Bond, Extension, Holder, Offer, Refused, Verdict};
use crate::wire::{
    AgentIdentity, AppliedDecision, AssignmentRequest, Grant, LeaseAnswer, LeaseRequest, Observation, ObservationQuery,
    ObservedGroup, Order, Refusal,
};

mod convert;
mod hands;

use convert::{lease_grant, lease_order, lease_stamp, wire_stamp};

/// The longest time that a question for news is held.
const MAX_OBSERVE_WAIT: Duration = Duration::from_secs(60);

/// Why an order was not obeyed.
#[derive(Debug)]
pub enum CoreError {
    /// By the rules of the protocol; nothing was changed.
    Refused(Box<Refusal>),
    /// The disk failed, or the agent is stopping.
    Failed(String),
}

/// What is worth showing without asking the core.
#[derive(Debug, Clone)]
pub struct Overview {
    pub node: NodeName,
    pub cluster: Option<ClusterName>,
    pub groups: Vec<ObservedGroup>,
    pub lease_ends: Ticks,
    pub revision: Revision,
}

type Answer<T> = oneshot::Sender<Result<T, CoreError>>;

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

/// The way to the core's task. Cheap to clone.
#[derive(Clone)]
pub struct CoreHandle {
    inbox: UnboundedSender<Inbox>,
    overview: watch::Receiver<Overview>,
    state_dir: PathBuf,
    clock: Arc<dyn Clock>,
    stopping: CancellationToken,
}

impl CoreHandle {
    /// Takes in an assignment and the grant on it; answers once it is on disk.
    pub async fn assign(&self, request: AssignmentRequest) -> Result<Observation, CoreError> {
        self.ask(|answer| Inbox::Assign(Box::new(request), answer)).await
    }

    /// Takes in a grant.
    pub async fn renew(&self, request: LeaseRequest) -> Result<LeaseAnswer, CoreError> {
        self.ask(|answer| Inbox::Renew(Box::new(request), answer)).await
    }

    /// What the node runs, once that differs from what the asker knows, or when the wait is over.
    pub async fn observe(&self, query: ObservationQuery) -> Result<Observation, CoreError> {
        let mut overview = self.overview.clone();
        let first = self.ask(|answer| Inbox::Observe(Box::new(query.clone()), answer)).await?;
        let wait = Duration::from_millis(query.wait_ms.unwrap_or(0)).min(MAX_OBSERVE_WAIT);
        if query.after != Some(first.revision) || wait.is_zero() {
            return Ok(first);
        }
        tokio::select! {
            _ = overview.wait_for(|now| now.revision != first.revision) => {}
            () = self.clock.sleep(wait) => {}
            () = self.stopping.cancelled() => {}
        }
        self.ask(|answer| Inbox::Observe(Box::new(query), answer)).await
    }

    /// Where a resource's output is kept.
    pub fn log_path(&self, group: &GroupName, resource: &ResourceName) -> PathBuf {
        logs::path(&self.state_dir, &ServiceKey { group: group.clone(), resource: resource.clone() })
    }

    pub fn overview(&self) -> Overview {
        self.overview.borrow().clone()
    }

    /// What is left of the lease.
    pub fn lease_left(&self) -> Duration {
        self.overview.borrow().lease_ends.since(self.clock.ticks())
    }

    async fn ask<T>(&self, message: impl FnOnce(Answer<T>) -> Inbox) -> Result<T, CoreError> {
        let stopping = || CoreError::Failed("the agent is stopping".to_owned());
        let (answer, answered) = oneshot::channel();
        self.inbox.send(message(answer)).map_err(|_| stopping())?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }
}

/// The core before its task runs.
pub struct Core {
    clock: Arc<dyn Clock>,
    state: Arc<StateDir>,
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
    inbox: UnboundedReceiver<Inbox>,
    to_self: UnboundedSender<Inbox>,
    stopping: CancellationToken,
}

impl Core {
    /// Finds out what an earlier agent process left running, and goes on with it.
    pub async fn start(
        state: StateDir,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        ids: &dyn IdSource,
        stopping: CancellationToken,
    ) -> anyhow::Result<(Self, CoreHandle)> {
        let mut connected = GuardClient::connect(state.path()).await?;
        let services = std::mem::take(&mut connected.services);
        let taken = connected.lease_end;
        let (supervisor, actions) = Supervisor::adopt(state.memory(), services, taken, clock.ticks());
        let Ledger { node, bond, applied, epochs, .. } = ledger.clone();
        let mut holder = Holder::new(node.clone(), ids.next_id(), bond, applied, epochs);
        if taken.kill_at > Ticks(0) {
            holder.inherit_deadline(taken.kill_at.plus(ledger.assignment.timers.margin.get()));
        }
        let (to_self, inbox) = unbounded_channel();
        let shown = Overview { node, cluster: None, groups: Vec::new(), lease_ends: Ticks(0), revision: Revision(0) };
        let (overview, watcher) = watch::channel(shown);
        let state_dir = state.path().to_owned();
        let handle = CoreHandle {
            inbox: to_self.clone(),
            overview: watcher,
            state_dir,
            clock: clock.clone(),
            stopping: stopping.clone(),
        };
        let mut core = Self {
            place: Arc::new(place(&state, &ledger)),
            hands: Some(Hands::new(1, connected, to_self.clone())),
            connections: 1,
            state: Arc::new(state),
            telling: false,
            wake_at: None,
            revision: Revision(1),
            clock,
            ledger,
            holder,
            supervisor,
            taken,
            overview,
            inbox,
            to_self,
            stopping,
        };
        core.act(actions);
        let assigned = core.ledger.assignment.groups.clone();
        let turn = core.supervisor.resume(assigned, core.clock.ticks());
        core.follow(turn);
        Ok((core, handle))
    }

    /// Runs until the agent stops. Services are left to the guard, to be adopted by the next agent process.
    pub async fn run(mut self) {
        loop {
            let wake_at = self.wake_at;
            let clock = self.clock.clone();
            let due = async {
                match wake_at {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stopping.cancelled() => break,
                message = self.inbox.recv() => match message {
                    Some(message) => self.take_in(message).await,
                    None => break,
                },
                () = due => self.happened(Event::Tick),
            }
        }
        self.note();
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
            Inbox::GuardGone { connection, why } if self.is_current(connection) => {
                tracing::warn!(%why, "the guard does not answer: ending it and what it guards");
                if let Some(hands) = &self.hands {
                    hands.destroy(self.clock.clone());
                }
            }
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

    fn guard_lost(&mut self) {
        tracing::warn!("the guard is gone and its services with it: starting another");
        self.hands = None;
        (self.taken, self.telling) = (LeaseEnd::default(), false);
        self.happened(Event::GuardLost);
        hands::connect(self.state.path().to_owned(), self.clock.clone(), self.to_self.clone());
    }

    fn connected(&mut self, connected: Connected) {
        self.connections += 1;
        self.taken = connected.lease_end;
        self.hands = Some(Hands::new(self.connections, connected, self.to_self.clone()));
        self.tell_lease();
    }

    // -- orders

    async fn assign(&mut self, request: AssignmentRequest) -> Result<Observation, CoreError> {
        let bond = self.holder.admit(&lease_order(&request.order)).map_err(|r| self.refusal(&r, &request.order))?;
        let assignment = request.assignment.0;
        let offer = Offer {
            term: request.order.term,
            decision: request.decision,
            echo: request.grant.echo.map(lease_stamp),
            same_content: assignment == self.ledger.assignment,
            epochs: assignment.groups.iter().map(|group| (group.group.clone(), group.epoch)).collect(),
        };
        match self.holder.weigh(&offer) {
            Ok(Verdict::Apply { applied, epochs }) => {
                let mut ledger = Ledger { applied: Some(applied), assignment, epochs, ..self.ledger.clone() };
                ledger.bond = bond.or(ledger.bond);
                self.write(ledger).await?;
                self.happened(Event::Assigned(self.ledger.assignment.groups.clone()));
                self.revise();
            }
            Ok(Verdict::Same) => self.bind(bond).await?,
            Err(refused) => {
                self.bind(bond).await?;
                return Err(self.refusal(&refused, &request.order));
            }
        }
        self.extend(&request.order, &request.grant);
        Ok(self.observation())
    }

    async fn renew(&mut self, request: &LeaseRequest) -> Result<LeaseAnswer, CoreError> {
        self.admit(&request.order).await?;
        self.extend(&request.order, &request.grant);
        let Observation { identity, stamp, applied, revision, lease_left_ms, .. } = self.observation();
        Ok(LeaseAnswer { identity, stamp, applied, revision, lease_left_ms })
    }

    async fn admit(&mut self, order: &Order) -> Result<(), CoreError> {
        let bond = self.holder.admit(&lease_order(order)).map_err(|refused| self.refusal(&refused, order))?;
        self.bind(bond).await
    }

    async fn bind(&mut self, bond: Option<Bond>) -> Result<(), CoreError> {
        match bond {
            Some(bond) => self.write(Ledger { bond: Some(bond), ..self.ledger.clone() }).await,
            None => Ok(()),
        }
    }

    /// Ordering: on disk first, then in force.
    async fn write(&mut self, ledger: Ledger) -> Result<(), CoreError> {
        let (state, written) = (self.state.clone(), ledger.clone());
        let done = tokio::task::spawn_blocking(move || state.write(&written)).await;
        let failed = |why: String| {
            tracing::error!(%why, "an order is not obeyed, since it could not be written down");
            CoreError::Failed(why)
        };
        done.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(format!("{error:#}")))?;
        if let Some(bond) = ledger.bond.clone() {
            self.holder.bind(bond);
        }
        if let Some(applied) = ledger.applied {
            self.holder.applied(applied, ledger.epochs.clone());
        }
        self.ledger = ledger;
        self.place = Arc::new(place(&self.state, &self.ledger));
        Ok(())
    }

    fn extend(&mut self, order: &Order, grant: &Grant) {
        if let Extension::Until(_) = self.holder.extend(order.term, &lease_grant(grant)) {
            self.show();
        }
        self.tell_lease();
    }

    /// Tells the guard when the lease ends; one telling at a time, the newest next.
    fn tell_lease(&mut self) {
        let timers = self.ledger.assignment.timers;
        let deadline = self.holder.deadline();
        if deadline == Ticks(0) {
            return;
        }
        let end = LeaseEnd {
            stop_at: deadline.minus(timers.stop_budget.get()),
            kill_at: deadline.minus(timers.margin.get()),
        };
        if end == self.taken || self.telling {
            return;
        }
        let Some(hands) = &self.hands else { return };
        hands.set_lease(end);
        self.telling = true;
        if end.stop_at < self.taken.stop_at {
            // Other timers make it end earlier: that holds before the guard knows it.
            self.happened(Event::LeaseMoved(end));
        }
    }

    // -- what happens here

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
        if let Err(error) = self.state.note(self.supervisor.memory()) {
            tracing::warn!(%error, "what runs could not be noted: after a restart it would be stopped, not adopted");
        }
    }

    fn revise(&mut self) {
        self.revision = self.revision.next();
        self.show();
    }

    fn show(&self) {
        self.overview.send_replace(Overview {
            node: self.ledger.node.clone(),
            cluster: self.ledger.bond.as_ref().map(|bond| bond.cluster.clone()),
            groups: self.supervisor.groups().to_vec(),
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
            epochs: self.holder.epochs().iter().map(|(group, epoch)| (group.clone(), *epoch)).collect(),
            stamp: wire_stamp(self.holder.stamp(now)),
        }
    }

    fn refusal(&self, refused: &Refused, order: &Order) -> CoreError {
        CoreError::Refused(Box::new(convert::refusal(refused, order, &self.ledger, self.state.path())))
    }
}

fn place(state: &StateDir, ledger: &Ledger) -> Place {
    // Before the first bond nothing is started, so nobody is told this name.
    let unbound = || ClusterName::try_from("none".to_owned()).expect("a name of letters");
    let cluster = ledger.bond.as_ref().map_or_else(unbound, |bond| bond.cluster.clone());
    Place { cluster, node: ledger.node.clone(), state_dir: state.path().to_owned() }
}
