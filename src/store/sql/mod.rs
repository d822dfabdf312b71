//! How is it kept in a database with SQL? On SQLite a verb is in one transaction as a whole, which others may share.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool, SqliteRow};
use uuid::Uuid;

use self::column::Result;
use self::shown::Shown;
use self::unsaved::Unsaved;
use self::writer::Writer;
use super::cluster::Cluster;
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

mod change;
mod cluster;
mod column;
mod failover;
mod history;
mod kept_answer;
mod kept_plan;
mod known;
mod objects;
mod open;
mod operation;
mod placement;
mod prune;
mod rows;
mod shown;
mod state;
mod unsaved;
mod writer;

pub use open::OpenError;

type Conn = SqliteConnection;
type Row = SqliteRow;
type Transaction = sqlx::Transaction<'static, Sqlite>;

/// A database that this process alone writes.
pub struct SqlStore {
    writer: Writer,
    shown: Arc<Shown>,
    readers: SqlitePool,
    path: PathBuf,
    // Last, so that it is dropped after the readers; the writer holds it as long as it writes.
    _lock: Arc<File>,
}

/// Opens the database of a URL like `sqlite:locum.db`, and creates and migrates it where needed. Refuses a file that
/// another server has open, that is not Locum's, or that a newer program made.
pub async fn open(url: &str) -> std::result::Result<SqlStore, OpenError> {
    let open::Opened { writer, readers, path, lock } = open::open(url).await?;
    let (shown, lock) = (Arc::<Shown>::default(), Arc::new(lock));
    let writer = Writer::start(writer, Arc::clone(&shown), Arc::clone(&lock));
    Ok(SqlStore { writer, shown, readers, path, _lock: lock })
}

impl SqlStore {
    /// One view of the database for all reads of a verb.
    async fn read(&self) -> Result<Transaction> {
        Ok(self.readers.begin().await?)
    }

    /// Changes a cluster by a rule.
    async fn change<T: Send + 'static>(
        &self,
        name: &ClusterName,
        named: Named,
        rule: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.change(name.clone(), named, rule).await
    }

    /// Makes a cluster what a rule says, whether there is one of that name or not.
    async fn put(
        &self,
        name: ClusterName,
        at: Timestamp,
        rule: impl FnOnce(Slot) -> Result<(State, Accepted)> + Send + 'static,
    ) -> Result<Accepted> {
        self.writer.write(Some(name.clone()), move |conn| Box::pin(put(conn, name, at, rule))).await
    }

    /// Ends every connection; what was accepted is in the file. The lock goes with the store itself.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn clusters(&self) -> Result<Vec<ClusterHead>> {
        cluster::all(&mut *self.read().await?).await
    }

    async fn put_topology(
        &self,
        spec: &TopologySpec,
        expect: Expect,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Accepted> {
        let (name, spec, actor) = (spec.cluster.clone(), spec.clone(), actor.clone());
        let rule = move |slot| rules::put(slot, &spec, expect, &Asked { actor: &actor, at });
        self.put(name, at, rule).await
    }

    async fn create_cluster(
        &self,
        spec: &TopologySpec,
        actor: &Actor,
        at: Timestamp,
        answer: Option<AnswerOf>,
    ) -> Result<Accepted> {
        let (name, spec, actor) = (spec.cluster.clone(), spec.clone(), actor.clone());
        let rule = move |slot| rules::create(slot, &spec, answer, &Asked { actor: &actor, at });
        self.put(name, at, rule).await
    }

    async fn replace_topology(&self, new: &Replacement) -> Result<Accepted> {
        let (cluster, new) = (&new.spec.cluster, new.clone());
        self.change(cluster, Named::default(), move |state| rules::replace(state, new)).await
    }

    async fn topology(&self, cluster: &ClusterName) -> Result<Arc<Stored>> {
        if let Some(committed) = self.shown.get(cluster) {
            return Ok(committed.stored());
        }
        let state = state::get(&mut *self.read().await?, cluster).await?;
        Ok(Arc::new(state.stored()))
    }

    async fn delete_cluster(&self, cluster: &ClusterName, expect: Expect, actor: &Actor, at: Timestamp) -> Result<()> {
        let actor = actor.clone();
        let delete = move |state: &mut State| rules::delete(state, expect, &Asked { actor: &actor, at });
        self.change(cluster, Named::default(), delete).await
    }

    async fn changes(&self, cluster: &ClusterName, before: Option<Generation>, limit: u32) -> Result<Vec<Change>> {
        change::list(&mut *self.read().await?, cluster, before, limit).await
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
        self.change(cluster, Named::default(), move |state| rules::reign(state, &new)).await
    }

    async fn load(&self, cluster: &ClusterName, now: Timestamp) -> Result<Snapshot> {
        let conn = &mut *self.read().await?;
        let state = match self.shown.get(cluster) {
            Some(committed) => State::clone(&committed.state),
            None => state::get(conn, cluster).await?,
        };
        state::snapshot(conn, state, now).await
    }

    async fn commit(&self, cluster: &ClusterName, basis: &Basis, effects: &Effects) -> Result<()> {
        let (named, basis, effects) = (Named::from(effects), basis.clone(), effects.clone());
        self.change(cluster, named, move |state| rules::commit(state, &basis, &effects)).await
    }

    async fn record_agent(&self, cluster: &ClusterName, node: &NodeName, agent: Uuid) -> Result<()> {
        let node = node.clone();
        self.change(cluster, Named::default(), move |state| rules::record_agent(state, &node, agent)).await
    }

    async fn outlive_restore(&self, cluster: &ClusterName, reign: Uuid) -> Result<()> {
        let change = move |state: &mut State| {
            rules::outlive_restore(state, reign);
            Ok(())
        };
        self.change(cluster, Named::default(), change).await
    }

    async fn append_events(&self, cluster: &ClusterName, events: &[NewEvent]) -> Result<()> {
        let events = events.to_vec();
        let append = move |state: &mut State| {
            events.into_iter().for_each(|event| state.append(event));
            Ok(())
        };
        self.change(cluster, Named::default(), append).await
    }

    async fn begin_operation(&self, cluster: &ClusterName, new: &NewOperation) -> Result<Operation> {
        let (named, new) = (Named { operations: vec![new.id], ..Named::default() }, new.clone());
        self.change(cluster, named, move |state| rules::begin(state, &new)).await
    }

    async fn operation(&self, id: Uuid) -> Result<Operation> {
        operation::get(&mut *self.read().await?, id).await
    }

    async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>> {
        operation::list(&mut *self.read().await?, filter).await
    }

    async fn cancel_operation(&self, cluster: &ClusterName, new: &Cancellation) -> Result<Operation> {
        let (named, new) = (Named { operations: vec![new.id], ..Named::default() }, new.clone());
        self.change(cluster, named, move |state| rules::cancel(state, &new)).await
    }

    async fn kept_answer(&self, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>> {
        kept_answer::find(&mut *self.read().await?, key, since).await
    }

    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()> {
        let answer = answer.clone();
        self.writer.write(None, |conn| Box::pin(async move { kept_answer::write(conn, &answer).await })).await
    }

    async fn history(&self, cluster: &ClusterName, group: Option<&GroupName>) -> Result<History> {
        history::of_groups(&mut *self.read().await?, cluster, group).await
    }

    async fn failovers(&self, cluster: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
        history::failovers(&mut *self.read().await?, cluster, filter).await
    }

    async fn failover(&self, cluster: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
        history::failover(&mut *self.read().await?, cluster, id).await
    }

    async fn acknowledge(&self, cluster: &ClusterName, new: &Acknowledgement) -> Result<FailoverRecord> {
        let (named, new) = (Named { failovers: vec![new.failover], ..Named::default() }, new.clone());
        self.change(cluster, named, move |state| rules::acknowledge(state, &new)).await
    }

    async fn kept_plans(&self, cluster: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>> {
        kept_plan::of_failover(&mut *self.read().await?, cluster, failover).await
    }

    async fn events(&self, cluster: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>> {
        history::events(&mut *self.read().await?, cluster, filter).await
    }

    async fn prune(&self, cluster: Option<&ClusterName>, now: Timestamp, limit: u32) -> Result<Pruned> {
        let name = cluster.cloned();
        self.writer.write(cluster.cloned(), move |conn| Box::pin(prune::prune(conn, name, now, limit))).await
    }

    async fn newest_event(&self, cluster: &ClusterName) -> Result<u64> {
        history::newest_event(&mut *self.read().await?, cluster).await
    }

    async fn ready(&self) -> Result<()> {
        if !tokio::fs::try_exists(&self.path).await.unwrap_or(false) {
            let path = self.path.display();
            return Err(Error::Database(format!("its file {path} is gone; restart the server to begin a new one")));
        }
        self.writer.ready().await
    }
}

async fn put(
    conn: &mut Conn,
    name: ClusterName,
    at: Timestamp,
    rule: impl FnOnce(Slot) -> Result<(State, Accepted)>,
) -> Result<Accepted> {
    let found = state::find(conn, &name).await?;
    let before = found.clone();
    let slot = match found {
        Some(state) => Slot::Taken(Box::new(state)),
        None => Slot::Free(state::fresh(conn, &name, at).await?),
    };
    let (after, accepted) = rule(slot)?;
    if accepted.changed {
        let nothing = || State::new(Cluster { generation: Generation(0), ..after.cluster.clone() });
        let before = Arc::new(before.unwrap_or_else(nothing));
        Unsaved::step(conn, before, after).await?.save(conn).await?;
    }
    Ok(accepted)
}
