//! What does one control plane make of the database? Every request fares as it may, and is told of when it is done.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use locum::board::Boards;
use locum::domain::statistics::History;
use locum::domain::{
    Actor, Change, ClusterName, Decision, Event, FailoverRecord, Generation, GroupName, NewEvent, NodeName, Operation,
    Term, TopologySpec,
};
use locum::planner::replay::KeptPlan;
use locum::planner::{Effects, Snapshot};
use locum::store::memory::MemoryStore;
use locum::store::{
    Accepted, Acknowledgement, AnswerOf, Basis, Cancellation, ClusterHead, Error, EventFilter, Expect, FailoverFilter,
    KeptAnswer, NewOperation, OperationFilter, Pruned, Reign, Replacement, Store, Stored,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::database::Database;
use crate::gate::{Gate, Point};
use crate::history::Fact;
use crate::story::Recorder;

type Result<T> = std::result::Result<T, Error>;

/// The database as one control plane has it open.
pub struct Connection {
    pub database: Arc<Database>,
    pub gate: Arc<Gate>,
    pub boards: Arc<Boards>,
    /// A commit was done, and the view that came of it not yet looked at.
    pub fresh: Mutex<Option<Decision>>,
}

impl Connection {
    fn recorder(&self) -> &Recorder {
        &self.database.recorder
    }

    fn store(&self) -> &MemoryStore {
        &self.database.store
    }

    /// Does what is asked, as the fate of it is. `done` is told at the moment at which it is done.
    async fn ask<T>(&self, verb: Verb, work: impl Future<Output = Result<T>>, done: impl FnOnce(&T)) -> Result<T> {
        self.gate.pass().await;
        let fate = self.database.fate();
        sleep(fate.before).await;
        if let Some(point) = verb.before() {
            self.gate.reach(point).await;
        }
        self.gate.pass().await;
        if fate.fails_before {
            self.recorder().count("database", "failed before it did anything");
            return Err(Error::Database("the connection was refused".to_owned()));
        }
        let answer = work.await;
        if let Ok(value) = &answer {
            done(value);
        }
        if let Some(point) = verb.after() {
            self.gate.reach(point).await;
        }
        sleep(fate.after).await;
        self.gate.pass().await;
        if fate.fails_after {
            self.recorder().count("database", "failed after it did what was asked");
            return Err(Error::Database("the connection broke".to_owned()));
        }
        answer
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.ask(Verb::Read, work, |_| {}).await
    }

    fn committed(&self, effects: &Effects) {
        let said = told(effects);
        self.recorder().say("control plane", format!("commits decision {}{said}", effects.decision));
        self.recorder().note(Fact::Committed(Arc::new(effects.clone())));
        if let (Some(kept), Some(record)) = (&effects.kept, effects.failovers.first()) {
            let replay = kept.replay(&record.group).expect("what is kept can be read");
            assert!(replay.same, "decision {} is not decided again as it was", effects.decision);
        }
        for record in &effects.failovers {
            self.recorder().count("cause", record.cause.as_str());
            self.recorder().count("outcome", record.outcome.as_str());
            if let Some(proof) = record.release_proof {
                self.recorder().count("proof", proof.as_str());
            }
        }
        for operation in &effects.operations {
            let what = format!("{} {}", operation.kind.as_str(), operation.state.as_str());
            self.recorder().count("operation", &what);
        }
        *self.fresh.lock().unwrap() = Some(effects.decision);
    }

    /// A turn of the loop begins: what the turn before has published is what it committed.
    fn look_at_board(&self, cluster: &ClusterName) {
        let Some(decision) = self.fresh.lock().unwrap().take() else { return };
        let Some(view) = self.boards.view(cluster) else { return };
        if view.snapshot.decision == decision {
            self.recorder().note(Fact::Planned(view.snapshot.clone()));
        }
    }
}

/// What a request is for, as far as a crash in the middle of it matters.
#[derive(Clone, Copy)]
enum Verb {
    Read,
    Commit,
    Reign,
    Record,
    Wish,
}

impl Verb {
    fn before(self) -> Option<Point> {
        matches!(self, Self::Commit).then_some(Point::BeforeCommit)
    }

    fn after(self) -> Option<Point> {
        match self {
            Self::Read => None,
            Self::Commit => Some(Point::AfterCommit),
            Self::Reign => Some(Point::AfterReign),
            Self::Record => Some(Point::AfterRecord),
            Self::Wish => Some(Point::AfterWish),
        }
    }
}

/// A commit in an operator's words.
fn told(effects: &Effects) -> String {
    let node = |node: &Option<NodeName>| node.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let mut said = String::new();
    for (group, placement) in &effects.placements {
        let phase = serde_json::to_value(&placement.phase).unwrap();
        let phase = phase["phase"].as_str().unwrap();
        said += &format!("; {group} {phase} by {} (epoch {})", node(&placement.last_owner), placement.epoch);
    }
    for record in &effects.failovers {
        let proof = record.release_proof.map_or("no proof", |proof| proof.as_str());
        let (cause, outcome) = (record.cause.as_str(), record.outcome.as_str());
        let route = format!("{} to {}", node(&record.from), node(&record.to));
        said += &format!("; failover of {} from {route}: {cause}, {proof}, {outcome}", record.group);
    }
    for (group, mark) in &effects.marks {
        said += &format!("; {group} {}", if mark.is_some() { "is marked as failed" } else { "may begin again" });
    }
    for node in effects.assignments.keys() {
        said += &format!("; assigns {node}");
    }
    said
}

#[async_trait]
impl Store for Connection {
    async fn clusters(&self) -> Result<Vec<ClusterHead>> {
        self.read(self.store().clusters()).await
    }

    async fn put_topology(
        &self,
        spec: &TopologySpec,
        expect: Expect,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Accepted> {
        self.ask(Verb::Wish, self.store().put_topology(spec, expect, actor, at), |accepted: &Accepted| {
            if accepted.changed {
                self.recorder().note(Fact::Accepted(accepted.generation));
            }
        })
        .await
    }

    async fn create_cluster(
        &self,
        spec: &TopologySpec,
        actor: &Actor,
        at: Timestamp,
        answer: Option<AnswerOf>,
    ) -> Result<Accepted> {
        self.ask(Verb::Wish, self.store().create_cluster(spec, actor, at, answer), |accepted: &Accepted| {
            self.recorder().note(Fact::Accepted(accepted.generation));
        })
        .await
    }

    async fn replace_topology(&self, new: &Replacement) -> Result<Accepted> {
        self.ask(Verb::Wish, self.store().replace_topology(new), |accepted: &Accepted| {
            if accepted.changed {
                self.recorder().note(Fact::Accepted(accepted.generation));
            }
        })
        .await
    }

    async fn kept_answer(&self, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>> {
        self.read(self.store().kept_answer(key, since)).await
    }

    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()> {
        self.ask(Verb::Wish, self.store().keep_answer(answer), |()| {}).await
    }

    async fn topology(&self, cluster: &ClusterName) -> Result<Arc<Stored>> {
        self.read(self.store().topology(cluster)).await
    }

    async fn delete_cluster(&self, cluster: &ClusterName, expect: Expect, actor: &Actor, at: Timestamp) -> Result<()> {
        self.ask(Verb::Wish, self.store().delete_cluster(cluster, expect, actor, at), |()| {}).await
    }

    async fn changes(&self, cluster: &ClusterName, before: Option<Generation>, limit: u32) -> Result<Vec<Change>> {
        self.read(self.store().changes(cluster, before, limit)).await
    }

    async fn begin_reign(
        &self,
        cluster: &ClusterName,
        id: Uuid,
        at_least: (Term, Decision),
        longest: Duration,
        at: Timestamp,
    ) -> Result<Reign> {
        let work = self.store().begin_reign(cluster, id, at_least, longest, at);
        self.ask(Verb::Reign, work, |reign: &Reign| {
            let (term, longest) = (reign.term, reign.longest_lease);
            self.recorder()
                .say("control plane", format!("begins a reign of term {term}; leases up to {longest:?} may be out"));
            self.recorder().note(Fact::Reigned(reign.clone()));
        })
        .await
    }

    async fn load(&self, cluster: &ClusterName, now: Timestamp) -> Result<Snapshot> {
        self.look_at_board(cluster);
        self.read(self.store().load(cluster, now)).await
    }

    async fn commit(&self, cluster: &ClusterName, basis: &Basis, effects: &Effects) -> Result<()> {
        let answer =
            self.ask(Verb::Commit, self.store().commit(cluster, basis, effects), |()| self.committed(effects)).await;
        match &answer {
            Err(Error::Outrun) => self.recorder().count("commit", "outrun"),
            Err(Error::Database(_)) | Ok(()) => {}
            Err(other) => panic!("a commit is refused: {other}"),
        }
        answer
    }

    async fn outlive_restore(&self, cluster: &ClusterName, reign: Uuid) -> Result<()> {
        self.ask(Verb::Record, self.store().outlive_restore(cluster, reign), |()| {}).await
    }

    async fn record_agent(&self, cluster: &ClusterName, node: &NodeName, agent: Uuid) -> Result<()> {
        self.ask(Verb::Record, self.store().record_agent(cluster, node, agent), |()| {}).await
    }

    async fn append_events(&self, cluster: &ClusterName, events: &[NewEvent]) -> Result<()> {
        self.ask(Verb::Read, self.store().append_events(cluster, events), |()| {
            for event in events {
                self.recorder().say("control plane", format!("notes: {}", event.message));
            }
        })
        .await
    }

    async fn begin_operation(&self, cluster: &ClusterName, new: &NewOperation) -> Result<Operation> {
        self.ask(Verb::Wish, self.store().begin_operation(cluster, new), |_| {}).await
    }

    async fn operation(&self, id: Uuid) -> Result<Operation> {
        self.read(self.store().operation(id)).await
    }

    async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>> {
        self.read(self.store().operations(filter)).await
    }

    async fn cancel_operation(&self, cluster: &ClusterName, new: &Cancellation) -> Result<Operation> {
        self.ask(Verb::Wish, self.store().cancel_operation(cluster, new), |cancelled: &Operation| {
            self.recorder().count("operation", &format!("{} cancelled", cancelled.kind.as_str()));
        })
        .await
    }

    async fn history(&self, cluster: &ClusterName, group: Option<&GroupName>) -> Result<History> {
        self.read(self.store().history(cluster, group)).await
    }

    async fn failovers(&self, cluster: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
        self.read(self.store().failovers(cluster, filter)).await
    }

    async fn failover(&self, cluster: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
        self.read(self.store().failover(cluster, id)).await
    }

    async fn kept_plans(&self, cluster: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>> {
        self.read(self.store().kept_plans(cluster, failover)).await
    }

    async fn events(&self, cluster: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>> {
        self.read(self.store().events(cluster, filter)).await
    }

    async fn acknowledge(&self, cluster: &ClusterName, new: &Acknowledgement) -> Result<FailoverRecord> {
        self.ask(Verb::Wish, self.store().acknowledge(cluster, new), |_: &FailoverRecord| {}).await
    }

    async fn prune(&self, cluster: Option<&ClusterName>, now: Timestamp, limit: u32) -> Result<Pruned> {
        self.ask(Verb::Wish, self.store().prune(cluster, now, limit), |_: &Pruned| {}).await
    }

    async fn newest_event(&self, cluster: &ClusterName) -> Result<u64> {
        self.read(self.store().newest_event(cluster)).await
    }

    async fn ready(&self) -> Result<()> {
        self.read(self.store().ready()).await
    }
}
