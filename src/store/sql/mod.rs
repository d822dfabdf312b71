//! How is it kept in a database with SQL? Every verb is one transaction on SQLite.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool, SqliteRow};
use uuid::Uuid;

use self::column::Result;
use super::rules::{self, Asked, NewReign};
use super::state::{Named, State};
use super::{
    Accepted, Basis, ClusterHead, Error, EventFilter, Expect, FailoverFilter, KeptAnswer, NewOperation, Reign,
    Replacement, Store, Stored,
};
use crate::domain::{
    Actor, Change, ClusterName, Decision, Event, FailoverRecord, Generation, NewEvent, NodeName, Operation, Term,
    TopologySpec,
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
mod objects;
mod open;
mod operation;
mod placement;
mod state;

pub use open::OpenError;

type Conn = SqliteConnection;
type Row = SqliteRow;
type Transaction = sqlx::Transaction<'static, Sqlite>;

/// A database that this process alone writes.
pub struct SqlStore {
    writer: SqlitePool,
    readers: SqlitePool,
    path: PathBuf,
    // Last, so that it is dropped after the pools.
    _lock: File,
}

/// Opens the database of a URL like `sqlite:locum.db`, and creates and migrates it where needed. Refuses a file that
/// another server has open, that is not Locum's, or that a newer program made.
pub async fn open(url: &str) -> std::result::Result<SqlStore, OpenError> {
    let open::Opened { writer, readers, path, lock } = open::open(url).await?;
    Ok(SqlStore { writer, readers, path, _lock: lock })
}

impl SqlStore {
    /// Takes the write lock at once, so that a transaction never fails half-way for want of it.
    async fn write(&self) -> Result<Transaction> {
        Ok(self.writer.begin_with("begin immediate").await?)
    }

    /// One view of the database for all reads of a verb.
    async fn read(&self) -> Result<Transaction> {
        Ok(self.readers.begin().await?)
    }

    /// Changes a cluster by a rule, and makes that durable. Nothing is kept of what the rule refuses.
    async fn change<T>(
        &self,
        name: &ClusterName,
        named: &Named,
        rule: impl FnOnce(&mut State) -> Result<T> + Send,
    ) -> Result<T> {
        let mut tx = self.write().await?;
        let before = state::get(&mut tx, name, named).await?;
        let mut after = before.clone();
        let done = rule(&mut after)?;
        state::save(&mut tx, &before, &after).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Makes a cluster what a rule says, whether there is one of that name or not, and makes that durable.
    async fn put(
        &self,
        name: &ClusterName,
        at: Timestamp,
        rule: impl FnOnce(Option<State>, Uuid) -> Result<(State, Accepted)> + Send,
    ) -> Result<Accepted> {
        let mut tx = self.write().await?;
        let found = state::find(&mut tx, name, &Named::default()).await?;
        let fresh = match &found {
            Some(state) => state.cluster.id,
            None => state::fresh_id(&mut tx, name, at).await?,
        };
        let before = found.clone();
        let (after, accepted) = rule(found, fresh)?;
        if accepted.changed {
            let before = before.unwrap_or_else(|| State::new(after.cluster.clone()));
            state::save(&mut tx, &before, &after).await?;
            tx.commit().await?;
        }
        Ok(accepted)
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
        let asked = Asked { actor, at };
        self.put(&spec.cluster, at, |found, fresh| rules::put(found, fresh, spec, expect, &asked)).await
    }

    async fn create_cluster(
        &self,
        spec: &TopologySpec,
        actor: &Actor,
        at: Timestamp,
        answer: Option<&KeptAnswer>,
    ) -> Result<Accepted> {
        let asked = Asked { actor, at };
        self.put(&spec.cluster, at, |found, fresh| rules::create(found, fresh, spec, answer, &asked)).await
    }

    async fn replace_topology(&self, new: &Replacement) -> Result<Accepted> {
        self.change(&new.spec.cluster, &Named::default(), |state| rules::replace(state, new)).await
    }

    async fn topology(&self, cluster: &ClusterName) -> Result<Stored> {
        let state = state::get(&mut *self.read().await?, cluster, &Named::default()).await?;
        Ok(state.stored())
    }

    async fn delete_cluster(&self, cluster: &ClusterName, actor: &Actor, at: Timestamp) -> Result<()> {
        self.change(cluster, &Named::default(), |state| rules::delete(state, &Asked { actor, at })).await
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
        self.change(cluster, &Named::default(), |state| rules::reign(state, &new)).await
    }

    async fn load(&self, cluster: &ClusterName, now: Timestamp) -> Result<Snapshot> {
        state::load(&mut *self.read().await?, cluster, now).await
    }

    async fn commit(&self, cluster: &ClusterName, basis: &Basis, effects: &Effects) -> Result<()> {
        self.change(cluster, &Named::from(effects), |state| rules::commit(state, basis, effects)).await
    }

    async fn record_agent(&self, cluster: &ClusterName, node: &NodeName, agent: Uuid) -> Result<()> {
        let mut tx = self.write().await?;
        let cluster = cluster::get(&mut tx, cluster).await?;
        objects::record_agent(&mut tx, &cluster, node, agent).await?;
        Ok(tx.commit().await?)
    }

    async fn outlive_restore(&self, cluster: &ClusterName, reign: Uuid) -> Result<()> {
        let change = |state: &mut _| {
            rules::outlive_restore(state, reign);
            Ok(())
        };
        self.change(cluster, &Named::default(), change).await
    }

    async fn append_events(&self, cluster: &ClusterName, events: &[NewEvent]) -> Result<()> {
        let mut tx = self.write().await?;
        cluster::note(&mut tx, cluster, events).await?;
        Ok(tx.commit().await?)
    }

    async fn begin_operation(&self, cluster: &ClusterName, new: &NewOperation) -> Result<Operation> {
        let named = Named { operations: vec![new.id], ..Named::default() };
        self.change(cluster, &named, |state| rules::begin(state, new)).await
    }

    async fn operation(&self, id: Uuid) -> Result<Operation> {
        operation::get(&mut *self.read().await?, id).await
    }

    async fn operations(
        &self,
        cluster: Option<&ClusterName>,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Operation>> {
        operation::list(&mut *self.read().await?, cluster, before, limit).await
    }

    async fn kept_answer(&self, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>> {
        kept_answer::find(&mut *self.read().await?, key, since).await
    }

    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()> {
        let mut tx = self.write().await?;
        kept_answer::write(&mut tx, answer).await?;
        Ok(tx.commit().await?)
    }

    async fn failovers(&self, cluster: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
        history::failovers(&mut *self.read().await?, cluster, filter).await
    }

    async fn failover(&self, cluster: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
        history::failover(&mut *self.read().await?, cluster, id).await
    }

    async fn acknowledge(
        &self,
        cluster: &ClusterName,
        id: Uuid,
        comment: Option<&str>,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<FailoverRecord> {
        let named = Named { failovers: vec![id], ..Named::default() };
        self.change(cluster, &named, |state| rules::acknowledge(state, id, comment, &Asked { actor, at })).await
    }

    async fn kept_plans(&self, cluster: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>> {
        kept_plan::of_failover(&mut *self.read().await?, cluster, failover).await
    }

    async fn events(&self, cluster: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>> {
        history::events(&mut *self.read().await?, cluster, filter).await
    }

    async fn newest_event(&self, cluster: &ClusterName) -> Result<u64> {
        history::newest_event(&mut *self.read().await?, cluster).await
    }

    async fn ready(&self) -> Result<()> {
        if !tokio::fs::try_exists(&self.path).await.unwrap_or(false) {
            let path = self.path.display();
            return Err(Error::Database(format!("its file {path} is gone; restart the server to begin a new one")));
        }
        Ok(self.write().await?.rollback().await?)
    }
}
