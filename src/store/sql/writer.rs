//! How do many writers share one disk? What comes while a transaction is made durable goes into the next one, together.
//!
//! One task owns the connection that writes. It knows every cluster that it has written, so that a verb reads nothing; and
//! since it alone writes, nobody is between the verbs of a transaction. Each of them is answered once all is durable.

use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::query_scalar;
use sqlx::sqlite::SqlitePool;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::column::Result;
use super::known::Known;
use super::shown::Shown;
use super::{Conn, Transaction};
use crate::domain::ClusterName;
use crate::store::Error;
use crate::store::state::{Named, State};

/// As many verbs share a transaction at most: a failure of the database fails them all.
const TOGETHER: usize = 64;

/// What is done in a transaction.
type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// Where verbs wait for their transaction.
pub struct Writer {
    jobs: mpsc::UnboundedSender<Box<dyn Job>>,
    pool: SqlitePool,
    over: CancellationToken,
    closing: CancellationToken,
}

impl Writer {
    /// Begins to write. `lock` is held until the last transaction is over.
    pub fn start(pool: SqlitePool, shown: Arc<Shown>, lock: Arc<File>) -> Self {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (over, closing) = (CancellationToken::new(), CancellationToken::new());
        let task = Task { pool: pool.clone(), known: Known::default(), version: None, shown };
        let done = over.clone().drop_guard();
        let end = closing.clone();
        tokio::spawn(async move {
            task.run(waiting, end).await;
            drop((lock, done));
        });
        Self { jobs, pool, over, closing }
    }

    /// Changes a cluster by a rule. Calls take effect in the order in which they are made, not in which they are waited for.
    /// Nothing is kept of what the rule refuses.
    pub fn change<T: Send + 'static>(
        &self,
        name: ClusterName,
        named: Named,
        rule: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        self.enqueue(|reply| Box::new(Change { name, named, rule: Some(rule), done: None, reply }))
    }

    /// Writes in another way what no state knows of, or a whole cluster: `forgotten`, which is read anew.
    pub fn write<T: Send + 'static>(
        &self,
        forgotten: Option<ClusterName>,
        work: impl for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        self.enqueue(|reply| Box::new(Other { forgotten, work: Some(work), done: None, reply }))
    }

    fn enqueue<T: Send + 'static>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T>>) -> Box<dyn Job>,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        let (reply, answer) = oneshot::channel();
        // Without a task the answer never comes, which is said below.
        let _ = self.jobs.send(job(reply));
        async { answer.await.unwrap_or_else(|_| Err(Error::Database("it was closed".to_owned()))) }
    }

    /// Whether the database can be written.
    pub async fn ready(&self) -> Result<()> {
        self.write(None, |_| Box::pin(async { Ok(()) })).await
    }

    /// Ends once everything that waits is written.
    pub async fn close(&self) {
        self.closing.cancel();
        self.over.cancelled().await;
        self.pool.close().await;
    }
}

/// A verb that waits.
#[async_trait::async_trait]
trait Job: Send {
    /// Does it in the transaction. Of one that the database fails nothing is kept, of the others that share it neither.
    async fn work(&mut self, conn: &mut Conn, known: &mut Known) -> std::result::Result<(), Failure>;

    /// Tells the caller, once the transaction is over.
    fn tell(self: Box<Self>, over: std::result::Result<(), Failure>);
}

/// The database failed, in words.
#[derive(Clone)]
struct Failure(String);

struct Task {
    pool: SqlitePool,
    known: Known,
    /// Changes when somebody else has written, which nobody should.
    version: Option<i64>,
    shown: Arc<Shown>,
}

impl Task {
    async fn run(mut self, mut waiting: mpsc::UnboundedReceiver<Box<dyn Job>>, closing: CancellationToken) {
        loop {
            let first = tokio::select! {
                biased;
                first = waiting.recv() => first,
                () = closing.cancelled() => None,
            };
            let Some(first) = first else { return };
            let mut begun = Vec::new();
            let over = self.together(first, &mut waiting, &mut begun).await;
            match &over {
                Ok(()) => self.shown.show(self.known.clusters()),
                // What the database has now is read anew.
                Err(_) => self.forget(),
            }
            begun.into_iter().for_each(|job| job.tell(over.clone()));
        }
    }

    /// One transaction of what waits.
    async fn together(
        &mut self,
        first: Box<dyn Job>,
        waiting: &mut mpsc::UnboundedReceiver<Box<dyn Job>>,
        begun: &mut Vec<Box<dyn Job>>,
    ) -> std::result::Result<(), Failure> {
        let failed = |error: sqlx::Error| Failure(error.to_string());
        let mut next = Some(first);
        let mut tx: Option<Transaction> = None;
        while let Some(mut job) = next {
            let done = async {
                if tx.is_none() {
                    tx = Some(self.begin().await.map_err(failed)?);
                }
                let Some(tx) = &mut tx else { return Ok(()) };
                job.work(tx, &mut self.known).await
            };
            let done = done.await;
            begun.push(job);
            done?;
            next = if begun.len() < TOGETHER { waiting.try_recv().ok() } else { None };
        }
        let Some(mut tx) = tx else { return Ok(()) };
        self.known.save(&mut tx).await.map_err(|error| Failure(error.to_string()))?;
        tx.commit().await.map_err(failed)
    }

    /// Takes the write lock at once, so that a transaction never fails half-way for want of it.
    async fn begin(&mut self) -> std::result::Result<Transaction, sqlx::Error> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        let version = query_scalar("pragma data_version").fetch_one(&mut *tx).await?;
        if self.version.replace(version).is_some_and(|before| before != version) {
            tracing::warn!("another program has written the database");
            self.forget();
        }
        Ok(tx)
    }

    fn forget(&mut self) {
        self.known.forget_all();
        self.shown.forget();
    }
}

/// A verb that changes a cluster by a rule.
struct Change<T, F> {
    name: ClusterName,
    named: Named,
    rule: Option<F>,
    done: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F: FnOnce(&mut State) -> Result<T>> Change<T, F> {
    async fn change(&mut self, conn: &mut Conn, known: &mut Known) -> Result<T> {
        let before = known.find(conn, &self.name, &self.named).await?;
        let mut after = State::clone(&before);
        let rule = self.rule.take().ok_or_else(|| Error::Database("a verb was done twice".to_owned()))?;
        let done = rule(&mut after)?;
        known.step(conn, before, after).await?;
        Ok(done)
    }
}

#[async_trait::async_trait]
impl<T: Send + 'static, F: FnOnce(&mut State) -> Result<T> + Send + 'static> Job for Change<T, F> {
    async fn work(&mut self, conn: &mut Conn, known: &mut Known) -> std::result::Result<(), Failure> {
        let done = self.change(conn, known).await;
        finish(&mut self.done, done)
    }

    fn tell(self: Box<Self>, over: std::result::Result<(), Failure>) {
        tell(self.reply, self.done, over);
    }
}

/// A verb that writes in another way.
struct Other<T, F> {
    forgotten: Option<ClusterName>,
    work: Option<F>,
    done: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

#[async_trait::async_trait]
impl<T, F> Job for Other<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T> + Send + 'static,
{
    async fn work(&mut self, conn: &mut Conn, known: &mut Known) -> std::result::Result<(), Failure> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let done = async {
            known.save(conn).await?;
            work(conn).await
        };
        let done = done.await;
        self.forgotten.iter().for_each(|name| known.forget(name));
        finish(&mut self.done, done)
    }

    fn tell(self: Box<Self>, over: std::result::Result<(), Failure>) {
        tell(self.reply, self.done, over);
    }
}

/// What a rule refuses has written nothing; what the database refuses may have been written in part.
fn finish<T>(kept: &mut Option<Result<T>>, done: Result<T>) -> std::result::Result<(), Failure> {
    match done {
        Err(Error::Database(said)) => Err(Failure(said)),
        done => {
            *kept = Some(done);
            Ok(())
        }
    }
}

fn tell<T>(reply: oneshot::Sender<Result<T>>, done: Option<Result<T>>, over: std::result::Result<(), Failure>) {
    let said = match (over, done) {
        (Ok(()), Some(done)) => done,
        (Ok(()), None) => Err(Error::Database("it did not answer".to_owned())),
        // Also of what was refused: maybe for something that has not come to be.
        (Err(Failure(said)), _) => Err(Error::Database(said)),
    };
    // A caller that has gone needs no answer.
    let _ = reply.send(said);
}
