//! Does a nudge reach a loop, whatever that loop is doing?

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use locum::domain::statistics::History;
use locum::domain::{
    Actor, Change, ClusterName, Decision, Event, FailoverRecord, Generation, GroupName, NewEvent, NodeName, Operation,
    Term, TopologySpec,
};
use locum::planner::replay::KeptPlan;
use locum::planner::{Effects, Snapshot};
use locum::reconciler::{self, Nudge};
use locum::store::{
    Accepted, Acknowledgement, AnswerOf, Basis, Cancellation, ClusterHead, Error, EventFilter, Expect, FailoverFilter,
    KeptAnswer, NewOperation, OperationFilter, Pruned, Reign, Replacement, Store, Stored,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::loops_over;

/// A database that has no cluster, and takes its time to say so.
#[derive(Default)]
struct Empty {
    asked: AtomicU32,
    was_asked: Notify,
    may_answer: Notify,
}

#[async_trait]
impl Store for Empty {
    async fn clusters(&self) -> Result<Vec<ClusterHead>, Error> {
        Ok(Vec::new())
    }

    async fn begin_reign(
        &self,
        cluster: &ClusterName,
        _: Uuid,
        _: (Term, Decision),
        _: Duration,
        _: Timestamp,
    ) -> Result<Reign, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.was_asked.notify_one();
        self.may_answer.notified().await;
        Err(Error::NotFound { kind: "cluster", name: cluster.to_string() })
    }

    async fn put_topology(&self, _: &TopologySpec, _: Expect, _: &Actor, _: Timestamp) -> Result<Accepted, Error> {
        unreachable!()
    }
    async fn create_cluster(
        &self,
        _: &TopologySpec,
        _: &Actor,
        _: Timestamp,
        _: Option<AnswerOf>,
    ) -> Result<Accepted, Error> {
        unreachable!()
    }
    async fn replace_topology(&self, _: &Replacement) -> Result<Accepted, Error> {
        unreachable!()
    }
    async fn topology(&self, _: &ClusterName) -> Result<Arc<Stored>, Error> {
        unreachable!()
    }
    async fn kept_answer(&self, _: &str, _: Timestamp) -> Result<Option<KeptAnswer>, Error> {
        unreachable!()
    }

    async fn keep_answer(&self, _: &KeptAnswer) -> Result<(), Error> {
        unreachable!()
    }

    async fn kept_plans(&self, _: &ClusterName, _: Uuid) -> Result<Vec<(Decision, KeptPlan)>, Error> {
        unreachable!()
    }
    async fn delete_cluster(&self, _: &ClusterName, _: Expect, _: &Actor, _: Timestamp) -> Result<(), Error> {
        unreachable!()
    }
    async fn changes(&self, _: &ClusterName, _: Option<Generation>, _: u32) -> Result<Vec<Change>, Error> {
        unreachable!()
    }
    async fn load(&self, _: &ClusterName, _: Timestamp) -> Result<Snapshot, Error> {
        unreachable!()
    }
    async fn commit(&self, _: &ClusterName, _: &Basis, _: &Effects) -> Result<(), Error> {
        unreachable!()
    }
    async fn outlive_restore(&self, _: &ClusterName, _: Uuid) -> Result<(), Error> {
        unreachable!("no database was restored")
    }
    async fn record_agent(&self, _: &ClusterName, _: &NodeName, _: Uuid) -> Result<(), Error> {
        unreachable!()
    }
    async fn append_events(&self, _: &ClusterName, _: &[NewEvent]) -> Result<(), Error> {
        unreachable!()
    }
    async fn begin_operation(&self, _: &ClusterName, _: &NewOperation) -> Result<Operation, Error> {
        unreachable!()
    }
    async fn operation(&self, _: Uuid) -> Result<Operation, Error> {
        unreachable!()
    }
    async fn operations(&self, _: &OperationFilter) -> Result<Vec<Operation>, Error> {
        unreachable!()
    }
    async fn cancel_operation(&self, _: &ClusterName, _: &Cancellation) -> Result<Operation, Error> {
        unreachable!()
    }
    async fn history(&self, _: &ClusterName, _: Option<&GroupName>) -> Result<History, Error> {
        unreachable!()
    }
    async fn failovers(&self, _: &ClusterName, _: &FailoverFilter) -> Result<Vec<FailoverRecord>, Error> {
        unreachable!()
    }
    async fn failover(&self, _: &ClusterName, _: Uuid) -> Result<FailoverRecord, Error> {
        unreachable!()
    }
    async fn events(&self, _: &ClusterName, _: &EventFilter) -> Result<Vec<Event>, Error> {
        unreachable!()
    }
    async fn acknowledge(&self, _: &ClusterName, _: &Acknowledgement) -> Result<FailoverRecord, Error> {
        unreachable!()
    }
    async fn prune(&self, _: Option<&ClusterName>, _: Timestamp, _: u32) -> Result<Pruned, Error> {
        unreachable!()
    }
    async fn newest_event(&self, _: &ClusterName) -> Result<u64, Error> {
        unreachable!()
    }
    async fn ready(&self) -> Result<(), Error> {
        unreachable!()
    }
}

#[tokio::test]
async fn a_cluster_that_is_created_anew_while_its_loop_ends_is_looked_at() {
    let store = Arc::new(Empty::default());
    let (nudge, nudges) = Nudge::channel();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(reconciler::run(loops_over(store.clone()), nudges, shutdown.clone()));
    let cluster = "integration".parse().unwrap();

    nudge.cluster(&cluster);
    store.was_asked.notified().await;
    // The database has decided that there is no such cluster; meanwhile it is created.
    nudge.cluster(&cluster);
    tokio::time::sleep(Duration::from_millis(20)).await;
    store.may_answer.notify_one();
    let looked = tokio::time::timeout(Duration::from_secs(5), store.was_asked.notified()).await;
    assert!(looked.is_ok(), "the nudge was lost with the loop that ended");

    store.may_answer.notify_one();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(store.asked.load(Ordering::Relaxed), 2, "without another nudge there is nothing to look for");
    shutdown.cancel();
    running.await.unwrap();
}
