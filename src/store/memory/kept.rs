//! What is kept, and in which order is it read?

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Result;
use crate::domain::statistics::{History, is_wish};
use crate::domain::{
    Change, ChangeAction, ClusterName, Decision, Event, FailoverRecord, Generation, GroupName, Operation, Outcome,
};
use crate::planner::replay::KeptPlan;
use crate::planner::snapshot::PastFailover;
use crate::store::cluster::{Fresh, missing, new_id};
use crate::store::rules::{self, Past};
use crate::store::state::{Journal, Named, NewChange, NewKept, State};
use crate::store::{ClusterHead, Error, EventFilter, FailoverFilter, KeptAnswer, OperationFilter};

/// All clusters that live, and the history of all that ever did, by cluster id.
#[derive(Clone, Default)]
pub struct Kept {
    /// Without operations, failovers and journal: those are below.
    pub(super) living: BTreeMap<ClusterName, State>,
    changes: BTreeMap<(Uuid, Generation), Change>,
    pub(super) events: BTreeMap<(Uuid, u64), Event>,
    pub(super) operations: BTreeMap<Uuid, Of<Operation>>,
    pub(super) failovers: BTreeMap<Uuid, Of<FailoverRecord>>,
    /// By cluster and decision.
    pub(super) plans: BTreeMap<(Uuid, Decision), NewKept>,
    /// Failovers after which an operator reset their group's budget.
    pub(super) forgiven: BTreeSet<Uuid>,
    /// By idempotency key.
    answers: BTreeMap<String, KeptAnswer>,
}

/// A record of a cluster.
#[derive(Clone)]
pub(super) struct Of<T> {
    pub cluster: Uuid,
    pub record: T,
}

impl Kept {
    pub fn heads(&self) -> Vec<ClusterHead> {
        self.living.values().map(|state| state.cluster.head()).collect()
    }

    /// A living cluster, with what is under way in it and what a verb names.
    pub fn find(&self, name: &ClusterName, named: &Named) -> Option<State> {
        let mut state = self.living.get(name)?.clone();
        let id = state.cluster.id;
        let taken = &mut state.taken;
        let running = Operation::is_running;
        state.operations = select(&self.operations, id, running, &named.operations, taken);
        let open = |record: &FailoverRecord| record.outcome == Outcome::InProgress;
        state.failovers = select(&self.failovers, id, open, &named.failovers, taken);
        Some(state)
    }

    pub fn get(&self, name: &ClusterName, named: &Named) -> Result<State> {
        self.find(name, named).ok_or_else(|| missing("cluster", name.as_str()))
    }

    /// Writes what a rule made of a cluster, whole.
    pub fn save(&mut self, mut state: State) -> Result<()> {
        let (id, name) = (state.cluster.id, state.cluster.name.clone());
        let Journal { change, events, kept, forgiven, answer } = std::mem::take(&mut state.journal);
        let before = self.living.get(&name);
        let change = change.map(|change| written(before, &state, change)).transpose()?;
        // Before anything else: it may refuse.
        answer.map_or(Ok(()), |answer| self.keep_answer(&answer))?;
        self.changes.extend(change.map(|change| ((id, change.generation), change)));
        self.events.extend(events.into_iter().map(|event| ((id, event.sequence), event)));
        self.plans.extend(kept.map(|kept| ((id, kept.decision), kept)));
        let lapsed = |of: &&Of<FailoverRecord>| of.cluster == id && forgiven.contains(&of.record.group);
        self.forgiven.extend(self.failovers.values().filter(lapsed).map(|of| of.record.id));
        self.operations.extend(of(id, std::mem::take(&mut state.operations)));
        self.failovers.extend(of(id, std::mem::take(&mut state.failovers)));
        state.taken.clear();
        if state.deleted {
            self.living.remove(&name);
        } else {
            self.living.insert(name, state);
        }
        Ok(())
    }

    /// Keeps an answer, unless one is kept under its key. Those that are too old go.
    pub fn keep_answer(&mut self, answer: &KeptAnswer) -> Result<()> {
        self.answers.retain(|_, kept| kept.at > answer.forgets());
        if self.answers.contains_key(&answer.key) {
            return Err(Error::Repeated);
        }
        self.answers.insert(answer.key.clone(), answer.clone());
        Ok(())
    }

    /// The answer under a key, if it is younger than `since`.
    pub fn answer(&self, key: &str, since: Timestamp) -> Option<KeptAnswer> {
        self.answers.get(key).filter(|kept| kept.at > since).cloned()
    }

    /// The id of the newest cluster that ever had a name.
    pub fn newest(&self, name: &ClusterName) -> Option<Uuid> {
        self.changes.iter().filter(|(_, change)| change.cluster == *name).map(|((id, _), _)| *id).max()
    }

    /// With what a new cluster of this name begins.
    pub fn fresh(&self, name: &ClusterName, at: Timestamp, random: &[u8; 10]) -> Fresh {
        let changes = self.changes.iter().filter(|(_, change)| change.cluster == *name);
        let events = self.events.iter().filter(|(_, event)| event.cluster == *name);
        Fresh {
            id: new_id(at, random, self.newest(name)),
            generation: changes.map(|((_, generation), _)| *generation).max().unwrap_or_default(),
            last_event: events.map(|((_, number), _)| *number).max().unwrap_or_default(),
        }
    }

    /// The id of a cluster, or of the last one of that name if it was deleted.
    fn id(&self, name: &ClusterName) -> Result<Uuid> {
        let living = self.living.get(name).map(|state| state.cluster.id);
        living.or_else(|| self.newest(name)).ok_or_else(|| missing("cluster", name.as_str()))
    }

    /// Failovers since `earliest` that were not forgiven, oldest first.
    pub fn past(&self, cluster: Uuid, earliest: Timestamp) -> Vec<Past> {
        let since = |of: &&Of<FailoverRecord>| of.cluster == cluster && of.record.detected_at >= earliest;
        let counts = |of: &&Of<FailoverRecord>| since(of) && !self.forgiven.contains(&of.record.id);
        let mut records: Vec<_> = self.failovers.values().filter(counts).map(|of| &of.record).collect();
        records.sort_by_key(|record| (record.detected_at, record.id));
        let past = records.into_iter().map(|record| Past {
            group: record.group.clone(),
            outcome: record.outcome,
            failover: PastFailover { cause: record.cause, from: record.from.clone(), at: record.detected_at },
        });
        past.collect()
    }

    pub fn changes(&self, name: &ClusterName, before: Option<Generation>, limit: u32) -> Result<Vec<Change>> {
        let id = self.id(name)?;
        let until = before.unwrap_or(Generation(u64::MAX));
        let changes = self.changes.range((id, Generation(0))..(id, until)).rev().map(|(_, change)| change.clone());
        Ok(changes.take(limit as usize).collect())
    }

    pub fn events(&self, name: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>> {
        let id = self.id(name)?;
        let after = self.events.range((id, filter.after.saturating_add(1))..=(id, u64::MAX)).map(|(_, event)| event);
        Ok(after.filter(|event| filter.takes(event)).take(filter.limit as usize).cloned().collect())
    }

    pub fn newest_event(&self, name: &ClusterName) -> Result<u64> {
        let id = self.id(name)?;
        Ok(self.events.range((id, 0)..=(id, u64::MAX)).next_back().map_or(0, |((_, number), _)| *number))
    }

    pub fn operation(&self, id: Uuid) -> Result<Operation> {
        let found = self.operations.get(&id).map(|of| of.record.clone());
        found.ok_or_else(|| missing("operation", &id.to_string()))
    }

    pub fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>> {
        let cluster = filter.cluster.as_ref().map(|name| self.id(name)).transpose()?;
        let ours = |of: &Of<Operation>| cluster.is_none_or(|cluster| of.cluster == cluster);
        let asked = |of: &&Of<Operation>| ours(of) && filter.takes(&of.record);
        Ok(newest_first(&self.operations, filter.before, asked, filter.limit))
    }

    /// What is kept of what groups did.
    pub fn history(&self, name: &ClusterName, group: Option<&GroupName>) -> Result<History> {
        let id = self.id(name)?;
        let last = self.changes.range((id, Generation(0))..=(id, Generation(u64::MAX))).next_back();
        let end = last.map(|(_, change)| change).filter(|change| change.action == ChangeAction::DeleteCluster);
        let mut history = self.living.get(name).map(rules::history).unwrap_or_default();
        history.ended = end.map(|change| change.at);
        let of_group = |name: &str| group.is_none_or(|group| group.as_str() == name);
        let events = self.events.range((id, 0)..=(id, u64::MAX)).map(|(_, event)| event);
        let events = events.filter(|event| event.kind.is_of_group() && of_group(&event.subject));
        history.events = events.cloned().collect();
        let failovers = self.failovers.values().filter(|of| of.cluster == id && of_group(of.record.group.as_str()));
        let bare = |of: &Of<FailoverRecord>| FailoverRecord { steps: Vec::new(), ..of.record.clone() };
        history.failovers = failovers.map(bare).collect();
        history.failovers.sort_by_key(|record| (record.detected_at, record.id));
        let wishes = self.operations.values().filter(|of| of.cluster == id && is_wish(of.record.kind));
        let wishes = wishes.map(|of| &of.record).filter(|operation| of_group(&operation.target));
        history.operations = wishes.cloned().collect();
        history.operations.sort_by_key(|operation| (operation.created_at, operation.id));
        Ok(history)
    }

    pub fn failovers(&self, name: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
        let cluster = self.id(name)?;
        let asked = |of: &&Of<FailoverRecord>| of.cluster == cluster && filter.takes(&of.record);
        if !filter.oldest_first {
            return Ok(newest_first(&self.failovers, filter.after, asked, filter.limit));
        }
        let later = self.failovers.iter().filter(|(id, _)| filter.after.is_none_or(|after| **id > after));
        let asked = later.map(|(_, of)| of).filter(asked).take(filter.limit as usize);
        Ok(asked.map(|of| of.record.clone()).collect())
    }

    pub fn kept_plans(&self, name: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>> {
        self.failover(name, failover)?;
        let id = self.id(name)?;
        let all = self.plans.range((id, Decision(0))..=(id, Decision(u64::MAX))).map(|(_, kept)| kept);
        let concerned = all.filter(|kept| kept.failovers.contains(&failover));
        Ok(concerned.map(|kept| (kept.decision, kept.plan.clone())).collect())
    }

    pub fn failover(&self, name: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
        let cluster = self.id(name)?;
        let found = self.failovers.get(&id).filter(|of| of.cluster == cluster).map(|of| of.record.clone());
        found.ok_or_else(|| missing("failover", &id.to_string()))
    }
}

/// A cluster's records that are under way or named. Named ones of other clusters are only noted as taken.
fn select<T: Clone>(
    all: &BTreeMap<Uuid, Of<T>>,
    cluster: Uuid,
    under_way: impl Fn(&T) -> bool,
    named: &[Uuid],
    taken: &mut BTreeSet<Uuid>,
) -> BTreeMap<Uuid, T> {
    taken.extend(named.iter().filter(|id| all.get(id).is_some_and(|of| of.cluster != cluster)));
    let ours = all.iter().filter(|(id, of)| of.cluster == cluster && (under_way(&of.record) || named.contains(id)));
    ours.map(|(id, of)| (*id, of.record.clone())).collect()
}

fn of<T>(cluster: Uuid, records: BTreeMap<Uuid, T>) -> impl Iterator<Item = (Uuid, Of<T>)> {
    records.into_iter().map(move |(id, record)| (id, Of { cluster, record }))
}

fn newest_first<T: Clone>(
    all: &BTreeMap<Uuid, Of<T>>,
    before: Option<Uuid>,
    asked: impl Fn(&&Of<T>) -> bool,
    limit: u32,
) -> Vec<T> {
    let older = all.iter().rev().filter(|(id, _)| before.is_none_or(|before| **id < before)).map(|(_, of)| of);
    older.filter(asked).take(limit as usize).map(|of| of.record.clone()).collect()
}

/// A change as readers get it, which is as it was written and read back.
fn written(before: Option<&State>, state: &State, change: NewChange) -> Result<Change> {
    let NewChange { at, actor, action, message } = change;
    let (before, after) = (before.map(State::topology), (!state.deleted).then(|| state.topology()));
    let (before, after) = (document(before.as_ref())?, document(after.as_ref())?);
    let (cluster, generation) = (state.cluster.name.clone(), state.cluster.generation);
    Ok(Change { cluster, generation, at, actor, action, message, before, after })
}

fn document<T: Serialize>(spec: Option<&T>) -> Result<Option<Value>> {
    let value = spec.map(serde_json::to_value).transpose();
    value.map_err(|e| Error::Database(format!("a document can't be written: {e}")))
}
