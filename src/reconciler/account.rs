//! What is known of each node under this reign? The grantor, the newest observation of each node, and what it is to get.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::node_account::{NodeAccount, NodeWakers, changes_anything, starts_what_may_run_elsewhere};
use super::seen;
use crate::domain::{
    Assignment, ClusterName, Decision, NewEvent, NodeName, NodeState, Revision, Settings, Term, Ticks,
};
use crate::lease::{Grant, GrantTimers, Grantor, Heard};
use crate::planner::Snapshot;
use crate::store::Reign;
use crate::wire::{AppliedDecision, Observation, Order, Refusal, RefusalCode, Stamp};

/// The account of one cluster, shared by its loop and the tasks of its nodes. Locked for moments, never over a wait.
pub(super) struct Account {
    cluster: ClusterName,
    reign: Reign,
    inner: Mutex<Inner>,
    /// Wakes the cluster's loop: something that a plan may depend on has changed.
    pub(super) changed: Notify,
}

struct Inner {
    grantor: Grantor,
    /// The agents that the store has noted, by node.
    noted: BTreeMap<NodeName, Uuid>,
    /// When this reign began, for people's clocks.
    began: Timestamp,
    /// Until then an agent that the store knows nothing of may hold a lease, and run anything: the database was restored to
    /// before a node was given another machine. Whoever answers says nothing of that one.
    strangers_until: Option<Ticks>,
    nodes: BTreeMap<NodeName, NodeAccount>,
    events: Vec<NewEvent>,
    /// The newest decision that this reign knows to be stored.
    decision: Decision,
    /// A term or decision above the stored ones was heard of: this reign must give way to one above.
    outranked: Option<(Term, Decision)>,
}

/// Now, on the clock that leases are counted by and on the one that people read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) ticks: Ticks,
    pub(super) wall: Timestamp,
}

/// What an answer calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing more: it is the agent that was expected.
    Believe,
    /// It is not to be believed: a late word, or another agent's.
    Doubt,
    /// Note this agent durably, then `know_agent`.
    Record(Uuid),
}

/// An answer's common part.
pub(super) struct Heading {
    pub(super) agent: Uuid,
    pub(super) stamp: Stamp,
    pub(super) revision: Revision,
    pub(super) applied: Option<AppliedDecision>,
    /// When the question was sent.
    pub(super) asked_at: Ticks,
}

impl Account {
    pub(super) fn new(cluster: ClusterName, reign: Reign, began: Moment, settings: &Settings) -> Self {
        let grantor = Grantor::new(reign.id, reign.term, began.ticks, reign.longest_lease, GrantTimers::from(settings));
        let inner = Inner {
            strangers_until: reign.restored.then(|| grantor.inherited_until()),
            grantor,
            noted: reign.agents.iter().cloned().collect(),
            began: began.wall,
            nodes: BTreeMap::new(),
            events: Vec::new(),
            decision: Decision(0),
            outranked: None,
        };
        Self { cluster, reign, inner: Mutex::new(inner), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves whole values behind: every change below is a single assignment after its checks.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reign(&self) -> &Reign {
        &self.reign
    }

    /// The newest decision that this reign knows to be stored, and the longest lease that may be out.
    pub(super) fn legacy(&self) -> (Decision, Duration) {
        let inner = self.lock();
        (inner.decision, inner.grantor.longest_lease())
    }

    pub(super) fn order(&self, node: &NodeName) -> Order {
        Order {
            cluster_id: self.reign.cluster_id,
            cluster: self.cluster.clone(),
            node: node.clone(),
            reign: self.reign.id,
            term: self.reign.term,
        }
    }

    /// Keeps account of exactly these nodes, under these timers.
    pub(super) fn track(&self, snapshot: &Snapshot) {
        let mut inner = self.lock();
        inner.grantor.set_timers(GrantTimers::from(&snapshot.settings));
        let gone: Vec<_> = inner.nodes.keys().filter(|name| !snapshot.nodes.contains_key(*name)).cloned().collect();
        for name in gone {
            inner.grantor.forget(&name);
            inner.nodes.remove(&name);
            // The store forgot the node with its agent: if it comes back its agent is noted again.
            inner.noted.remove(&name);
        }
        for name in snapshot.nodes.keys() {
            if !inner.nodes.contains_key(name) {
                let known = inner.noted.get(name).copied();
                inner.grantor.track(name, known);
                inner.nodes.insert(name.clone(), NodeAccount::default());
            }
        }
        let began = inner.began;
        for (name, account) in &mut inner.nodes {
            if let Some(view) = snapshot.nodes.get(name) {
                account.note_instances(view, began);
            }
        }
    }

    pub(super) fn wakers(&self, node: &NodeName) -> Option<Arc<NodeWakers>> {
        self.lock().nodes.get(node).map(|account| account.wakers.clone())
    }

    /// The grant to send right now; it counts as given.
    pub(super) fn grant(&self, node: &NodeName, now: Ticks) -> Grant {
        self.lock().grantor.grant(node, now)
    }

    /// What the node is to get, unless it has applied that already, with the grant that goes with it.
    pub(super) fn to_push(&self, node: &NodeName, now: Ticks) -> Option<(Decision, Assignment, Grant)> {
        let mut inner = self.lock();
        let account = inner.nodes.get(node)?;
        let (decision, assignment) = account.wanted.clone()?;
        let applied = account.spoken.and_then(|(_, applied)| applied);
        if applied == Some(AppliedDecision { term: self.reign.term, decision }) || account.newest.is_none() {
            return None;
        }
        let grant = inner.grantor.grant(node, now);
        (grant.decision == Some(decision)).then_some((decision, assignment, grant))
    }

    /// The revision after which the node is asked for news; `None` asks at once.
    pub(super) fn observed_revision(&self, node: &NodeName) -> Option<Revision> {
        let inner = self.lock();
        let account = inner.nodes.get(node)?;
        let observation = account.observation.as_ref()?;
        (Some(observation.stamp().incarnation) == account.newest.map(|s| s.incarnation)).then(|| observation.revision())
    }

    /// Whether the node answers at all, so that asking it for more makes sense.
    pub(super) fn in_contact(&self, node: &NodeName) -> bool {
        let inner = self.lock();
        inner.nodes.get(node).is_some_and(|account| account.newest.is_some())
    }

    /// An answer came: its stamp counts, and whoever is behind is woken.
    pub(super) fn heard(&self, node: &NodeName, heading: &Heading, now: Moment) -> Next {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let Some(account) = inner.nodes.get_mut(node) else { return Next::Doubt };
        if account.is_late(heading) {
            return Next::Doubt;
        }
        if let Some(message) = account.keeps_out(node, heading.agent, inner.noted.get(node)) {
            account.refuse(&mut inner.events, node, message, now.wall);
            self.changed.notify_one();
            return Next::Doubt;
        }
        let heard = inner.grantor.heard(node, heading.agent, seen::lease_stamp(heading.stamp), now.ticks);
        if let Heard::Stranger { .. } = heard {
            let message = format!(
                "another agent ({}) answers for {node} than the one that may still hold its lease; it is not believed before \
                 that lease has passed",
                heading.agent
            );
            account.refuse(&mut inner.events, node, message, now.wall);
            self.changed.notify_one();
            return Next::Doubt;
        }
        let mended = account.problem.take().is_some();
        if account.meet(heading, now) || mended {
            self.changed.notify_one();
        }
        account.silence = None;
        match heard {
            Heard::Expected if inner.noted.get(node) == Some(&heading.agent) => Next::Believe,
            Heard::Expected | Heard::Unknown => Next::Record(heading.agent),
            Heard::Stranger { .. } => Next::Doubt,
        }
    }

    /// The store has noted the agent.
    pub(super) fn know_agent(&self, node: &NodeName, agent: Uuid) {
        let mut inner = self.lock();
        inner.grantor.know_agent(node, agent);
        inner.noted.insert(node.clone(), agent);
        self.changed.notify_one();
    }

    /// A whole report came. Older ones than the newest are dropped: two connections may overtake each other.
    pub(super) fn observed(&self, node: &NodeName, observation: Observation, now: Timestamp) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let Some(account) = inner.nodes.get_mut(node) else { return };
        if account.newest.map(|stamp| stamp.incarnation) != Some(observation.stamp.incarnation) {
            return;
        }
        let earlier = account.observation.as_ref();
        if earlier.is_some_and(|e| {
            e.stamp().incarnation == observation.stamp.incarnation && e.stamp().ticks > observation.stamp.ticks
        }) {
            return;
        }
        let received = seen::Received::new(observation, now);
        inner.events.extend(seen::events(node, earlier, &received, now));
        let news = earlier.is_none_or(|e| !e.says_the_same(&received));
        account.observation = Some(received);
        if news {
            self.changed.notify_one();
        }
    }

    /// No answer, or none that makes sense. Time decides what that means.
    pub(super) fn silent(&self, node: &NodeName, problem: String) {
        if let Some(account) = self.lock().nodes.get_mut(node) {
            account.silence = Some(problem);
        }
    }

    /// The agent refuses. A higher term or decision than ours ends this reign.
    pub(super) fn refused(&self, node: &NodeName, refusal: &Refusal, now: Timestamp) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let (term, decision) = (refusal.term.unwrap_or_default(), refusal.decision.unwrap_or_default());
        // What this node is to get. The cluster's decision may be far above: nothing was decided of this node since.
        let wanted = inner.nodes.get(node).and_then(|account| account.wanted.as_ref());
        let wanted = wanted.map_or(inner.decision, |(decision, _)| *decision);
        let outranks = match refusal.code {
            RefusalCode::StaleTerm | RefusalCode::OtherReign => term >= self.reign.term,
            // Lower ones are answers to requests that a later one of our own overtook.
            RefusalCode::StaleDecision => decision > wanted,
            RefusalCode::ContentDiffers => decision >= wanted,
            _ => false,
        };
        if outranks {
            let highest = inner.outranked.unwrap_or_default();
            inner.outranked = Some((highest.0.max(term), highest.1.max(decision)));
        }
        let Some(account) = inner.nodes.get_mut(node) else { return };
        // A stale stamp or decision is the ordinary answer to a request that was overtaken: the next one is right.
        if !matches!(refusal.code, RefusalCode::StaleStamp | RefusalCode::StaleDecision) {
            account.refuse(&mut inner.events, node, refusal.detail.clone(), now);
        }
        self.changed.notify_one();
    }

    /// The term and decision that a new reign must be above, once one was heard of.
    pub(super) fn outranked(&self) -> Option<(Term, Decision)> {
        self.lock().outranked
    }

    /// Lets time pass, counts confirmed nodes as down, and fills in what is seen. Gives each node's lapses, for `decide`.
    pub(super) fn look(&self, snapshot: &mut Snapshot, now: Ticks) -> BTreeMap<NodeName, u64> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let _ = inner.grantor.tick(now);
        inner.decision = inner.decision.max(snapshot.decision);
        let mut lapses = BTreeMap::new();
        for (name, view) in &mut snapshot.nodes {
            let Some(account) = inner.nodes.get_mut(name) else { continue };
            let vouched_for = account.is_vouched_for(view, inner.began);
            if vouched_for {
                inner.grantor.confirm_down(name);
            }
            let Some(standing) = inner.grantor.standing(name) else { continue };
            account.forget_if_lapsed(&standing);
            lapses.insert(name.clone(), standing.lapses);
            account.pass(&mut inner.events, name, &standing, snapshot.now);
            view.seen = account.seen(&standing, self.reign.term, (now, snapshot.now));
            view.seen.vouched_for = vouched_for;
        }
        seen::raise_epochs(
            snapshot,
            inner.nodes.iter().filter_map(|(name, a)| a.observation.as_ref().map(|o| (name, o))),
        );
        lapses
    }

    /// What was committed is from now on what grants name and what nodes are sent, unless a node lapsed meanwhile.
    pub(super) fn decide(&self, snapshot: &Snapshot, lapses: &BTreeMap<NodeName, u64>, now: Ticks) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let all_answered = snapshot.nodes.values().all(|view| view.seen.answered || view.seen.state == NodeState::Down);
        let all_known = all_answered && inner.strangers_until.is_none_or(|until| until <= now);
        for (name, view) in &snapshot.nodes {
            let (Some(account), Some(lapses)) = (inner.nodes.get_mut(name), lapses.get(name)) else { continue };
            let too_early = !all_known && changes_anything(view);
            // In a reign that knows everybody too: who runs it is told first to let go, and says so.
            let grantor = &inner.grantor;
            let may_hold = |other: &NodeName| grantor.standing(other).is_none_or(|standing| standing.stopped_at > now);
            if too_early || starts_what_may_run_elsewhere(snapshot, (name, view), may_hold) {
                continue;
            }
            inner.grantor.assign(name, view.assigned_at, *lapses);
            if account.wanted.as_ref().is_none_or(|(decision, _)| *decision != view.assigned_at) {
                account.wanted = Some((view.assigned_at, view.assignment.clone()));
            }
            let applied = account.spoken.and_then(|(_, applied)| applied);
            if applied != Some(AppliedDecision { term: self.reign.term, decision: view.assigned_at }) {
                account.wakers.push.notify_one();
            }
        }
    }

    /// When time alone may change a node's state, or what may be told to nodes.
    pub(super) fn next_change(&self, now: Ticks) -> Option<Ticks> {
        let inner = self.lock();
        let strangers = inner.strangers_until.filter(|until| *until > now);
        inner.grantor.next_change().into_iter().chain(strangers).min()
    }

    /// Whether the last lease of an agent that a restored database does not know has just been waited for: true once.
    pub(super) fn has_outlived_strangers(&self, now: Ticks) -> bool {
        let mut inner = self.lock();
        let over = inner.strangers_until.is_some_and(|until| until <= now);
        if over {
            inner.strangers_until = None;
        }
        over
    }

    pub(super) fn take_events(&self) -> Vec<NewEvent> {
        std::mem::take(&mut self.lock().events)
    }

    /// Events that could not be written come back, before those that came since.
    pub(super) fn give_back_events(&self, mut events: Vec<NewEvent>) {
        let mut inner = self.lock();
        events.append(&mut inner.events);
        inner.events = events;
    }
}

#[cfg(test)]
mod tests;
