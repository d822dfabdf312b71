//! How is it kept in a database with SQL? Every verb is one transaction on SQLite.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool, SqliteRow};
use uuid::Uuid;

use self::change::Asked;
use self::column::Result;
use self::reign::NewReign;
use super::{Accepted, Basis, ClusterHead, Error, Expect, FailoverFilter, NewOperation, Reign, Store};
use crate::domain::{
    Actor, Change, ClusterName, Decision, Event, FailoverRecord, Generation, NewEvent, NodeName, Operation, Term,
    TopologySpec,
};
use crate::planner::{Effects, Snapshot};

mod begin;
mod change;
mod cluster;
mod column;
mod commit;
mod failover;
mod history;
mod load;
mod open;
mod operation;
mod placement;
mod reign;
mod topology;

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

    /// Ends every connection; what was accepted is in the file. The lock goes with the store itself.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Runs a verb in a write transaction and makes what it did durable.
macro_rules! write {
    ($self:ident, |$tx:ident| $verb:expr) => {{
        let mut transaction = $self.write().await?;
        let $tx = &mut *transaction;
        let done = $verb.await?;
        transaction.commit().await?;
        Ok(done)
    }};
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
        write!(self, |tx| topology::put(tx, spec, expect, &Asked { actor, at }))
    }

    async fn topology(&self, cluster: &ClusterName) -> Result<(TopologySpec, Generation)> {
        let mut tx = self.read().await?;
        let found = cluster::get(&mut tx, cluster).await?;
        Ok((topology::read(&mut tx, &found).await?, found.generation))
    }

    async fn delete_cluster(&self, cluster: &ClusterName, actor: &Actor, at: Timestamp) -> Result<()> {
        write!(self, |tx| change::delete_cluster(tx, cluster, &Asked { actor, at }))
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
        write!(self, |tx| reign::begin(tx, cluster, &NewReign { id, at_least, longest, at }))
    }

    async fn load(&self, cluster: &ClusterName, now: Timestamp) -> Result<Snapshot> {
        load::load(&mut *self.read().await?, cluster, now).await
    }

    async fn commit(&self, cluster: &ClusterName, basis: &Basis, effects: &Effects) -> Result<()> {
        write!(self, |tx| commit::commit(tx, cluster, basis, effects))
    }

    async fn record_agent(&self, cluster: &ClusterName, node: &NodeName, agent: Uuid) -> Result<()> {
        write!(self, |tx| reign::record_agent(tx, cluster, node, agent))
    }

    async fn append_events(&self, cluster: &ClusterName, events: &[NewEvent]) -> Result<()> {
        write!(self, |tx| cluster::note(tx, cluster, events))
    }

    async fn begin_operation(&self, cluster: &ClusterName, new: &NewOperation) -> Result<Operation> {
        write!(self, |tx| begin::begin(tx, cluster, new))
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

    async fn failovers(&self, cluster: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
        history::failovers(&mut *self.read().await?, cluster, filter).await
    }

    async fn failover(&self, cluster: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
        history::failover(&mut *self.read().await?, cluster, id).await
    }

    async fn events(&self, cluster: &ClusterName, after: u64, limit: u32) -> Result<Vec<Event>> {
        history::events(&mut *self.read().await?, cluster, after, limit).await
    }

    async fn ready(&self) -> Result<()> {
        if !tokio::fs::try_exists(&self.path).await.unwrap_or(false) {
            let path = self.path.display();
            return Err(Error::Database(format!("its file {path} is gone; restart the server to begin a new one")));
        }
        Ok(self.write().await?.rollback().await?)
    }
}
