//! How is it kept in memory? One value behind a lock, for simulations and tests.
//!
//! Nothing here waits, reads a clock or draws a number: the same verbs in the same order give the same results.

mod kept;
mod prune;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use self::kept::Kept;
use super::rules::{self, Asked, NewReign, Slot};
use super::state::{Named, State};
use super::{
    Accepted, Acknowledgement, AnswerOf, Basis, Cancellation, ClusterHead, Error, EventFilter, Expect, FailoverFilter,
    KeptAnswer, NewOperation, OperationFilter, Pruned, Reign, Replacement, Store, Stored,
};
use crate::domain::statistics::History;
use crate::domain::{
    Actor, Change, ClusterName, Decision, Event, FailoverRecord, Generation, GroupName, NewEvent, NodeName, Operation,
    Term, TopologySpec,
};
use crate::planner::replay::KeptPlan;
use crate::planner::{Effects, Snapshot};

type Result<T> = std::result::Result<T, Error>;

/// A store that lasts as long as its process. A clone of it is the same store.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    kept: Kept,
    random: Box<dyn FnMut() -> [u8; 10] + Send>,
}

/// A copy of all that a store kept at one moment.
#[derive(Clone)]
pub struct Backup(Kept);

impl MemoryStore {
    /// An empty store. `random` gives the random part of each new cluster's id; no two clusters should get the same.
    pub fn new(random: impl FnMut() -> [u8; 10] + Send + 'static) -> Self {
        let shared = Shared { kept: Kept::default(), random: Box::new(random) };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// A copy of all that is kept now.
    pub fn backup(&self) -> Backup {
        Backup(self.lock().kept.clone())
    }

    /// Makes all that is kept what it was when the backup was taken; what was accepted since is lost.
    pub fn restore(&self, backup: &Backup) {
        self.lock().kept = backup.0.clone();
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Whoever panicked had not begun to write: a verb is saved only once its rule is done.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a cluster by a rule. Nothing is kept of what the rule refuses.
    fn change<T>(&self, name: &ClusterName, named: &Named, rule: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let kept = &mut self.lock().kept;
        let mut state = kept.get(name, named)?;
        let done = rule(&mut state)?;
        kept.save(state)?;
        Ok(done)
    }

    /// Makes a cluster what a rule says, whether there is one of that name or not.
    fn put(
        &self,
        name: &ClusterName,
        at: Timestamp,
        rule: impl FnOnce(Slot) -> Result<(State, Accepted)>,
    ) -> Result<Accepted> {
        let Shared { kept, random } = &mut *self.lock();
        let found = kept.find(name, &Named::default());
        let slot = match found {
            Some(state) => Slot::Taken(Box::new(state)),
            None => Slot::Free(kept.fresh(name, at, &random())),
        };
        let (state, accepted) = rule(slot)?;
        kept.save(state)?;
        Ok(accepted)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn clusters(&self) -> Result<Vec<ClusterHead>> {
        Ok(self.lock().kept.heads())
    }

    async fn put_topology(
        &self,
        spec: &TopologySpec,
        expect: Expect,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Accepted> {
        let asked = Asked { actor, at };
        self.put(&spec.cluster, at, |slot| rules::put(slot, spec, expect, &asked))
    }

    async fn create_cluster(
        &self,
        spec: &TopologySpec,
        actor: &Actor,
        at: Timestamp,
        answer: Option<AnswerOf>,
    ) -> Result<Accepted> {
        let asked = Asked { actor, at };
        self.put(&spec.cluster, at, |slot| rules::create(slot, spec, answer, &asked))
    }

    async fn replace_topology(&self, new: &Replacement) -> Result<Accepted> {
        self.change(&new.spec.cluster, &Named::default(), |state| rules::replace(state, new.clone()))
    }

    async fn topology(&self, cluster: &ClusterName) -> Result<Arc<Stored>> {
        let state = self.lock().kept.get(cluster, &Named::default())?;
        Ok(Arc::new(state.stored()))
    }

    async fn delete_cluster(&self, cluster: &ClusterName, expect: Expect, actor: &Actor, at: Timestamp) -> Result<()> {
        self.change(cluster, &Named::default(), |state| rules::delete(state, expect, &Asked { actor, at }))
    }

    async fn changes(&self, cluster: &ClusterName, before: Option<Generation>, limit: u32) -> Result<Vec<Change>> {
        self.lock().kept.changes(cluster, before, limit)
    }

    async fn begin_reign(
        &self,
        cluster: &ClusterName,
        id: Uuid,
        at_least: (Term, Decision),
        longest: Duration,
        at: Timestamp,
    ) -> Result<Reign> {
        let new = NewReign { id, at_least, longest, at };
        self.change(cluster, &Named::default(), |state| rules::reign(state, &new))
    }

    async fn load(&self, cluster: &ClusterName, now: Timestamp) -> Result<Snapshot> {
        let kept = &self.lock().kept;
        let state = kept.get(cluster, &Named::default())?;
        let past = rules::earliest(&state, now).map(|earliest| kept.past(state.cluster.id, earliest));
        Ok(rules::snapshot(state, &past.unwrap_or_default(), now))
    }

    async fn commit(&self, cluster: &ClusterName, basis: &Basis, effects: &Effects) -> Result<()> {
        self.change(cluster, &Named::from(effects), |state| rules::commit(state, basis, effects))
    }

    async fn record_agent(&self, cluster: &ClusterName, node: &NodeName, agent: Uuid) -> Result<()> {
        self.change(cluster, &Named::default(), |state| rules::record_agent(state, node, agent))
    }

    async fn outlive_restore(&self, cluster: &ClusterName, reign: Uuid) -> Result<()> {
        self.change(cluster, &Named::default(), |state| {
            rules::outlive_restore(state, reign);
            Ok(())
        })
    }

    async fn append_events(&self, cluster: &ClusterName, events: &[NewEvent]) -> Result<()> {
        self.change(cluster, &Named::default(), |state| {
            events.iter().cloned().for_each(|event| state.append(event));
            Ok(())
        })
    }

    async fn begin_operation(&self, cluster: &ClusterName, new: &NewOperation) -> Result<Operation> {
        let named = Named { operations: vec![new.id], ..Named::default() };
        self.change(cluster, &named, |state| rules::begin(state, new))
    }

    async fn operation(&self, id: Uuid) -> Result<Operation> {
        self.lock().kept.operation(id)
    }

    async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>> {
        self.lock().kept.operations(filter)
    }

    async fn cancel_operation(&self, cluster: &ClusterName, new: &Cancellation) -> Result<Operation> {
        let named = Named { operations: vec![new.id], ..Named::default() };
        self.change(cluster, &named, |state| rules::cancel(state, new))
    }

    async fn kept_answer(&self, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>> {
        Ok(self.lock().kept.answer(key, since))
    }

    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()> {
        self.lock().kept.keep_answer(answer)
    }

    async fn history(&self, cluster: &ClusterName, group: Option<&GroupName>) -> Result<History> {
        self.lock().kept.history(cluster, group)
    }

    async fn failovers(&self, cluster: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
        self.lock().kept.failovers(cluster, filter)
    }

    async fn failover(&self, cluster: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
        self.lock().kept.failover(cluster, id)
    }

    async fn acknowledge(&self, cluster: &ClusterName, new: &Acknowledgement) -> Result<FailoverRecord> {
        let named = Named { failovers: vec![new.failover], ..Named::default() };
        self.change(cluster, &named, |state| rules::acknowledge(state, new))
    }

    async fn kept_plans(&self, cluster: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>> {
        self.lock().kept.kept_plans(cluster, failover)
    }

    async fn events(&self, cluster: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>> {
        self.lock().kept.events(cluster, filter)
    }

    async fn prune(&self, cluster: Option<&ClusterName>, now: Timestamp, limit: u32) -> Result<Pruned> {
        let kept = &mut self.lock().kept;
        match cluster {
            Some(name) => kept.prune(name, now, limit),
            None => Ok(kept.prune_gone(now, limit)),
        }
    }

    async fn newest_event(&self, cluster: &ClusterName) -> Result<u64> {
        self.lock().kept.newest_event(cluster)
    }

    async fn ready(&self) -> Result<()> {
        Ok(())
    }
}
