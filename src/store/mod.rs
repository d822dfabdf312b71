//! What is kept? Desired state, its changes, placements, failovers, operations, events, and each cluster's reign.
//!
//! Every verb is one whole transaction: it is either done and durable when it returns, or has left no trace.
//! What is *seen* of nodes is not kept: it is learnt anew from them by every reign.
//!
//! What a verb changes and what it refuses is decided by `rules`, once for all backends. A backend keeps to this, which the
//! suite in `tests/it/store` checks on each of them:
//!
//! - A verb reads the cluster, applies the rule and writes what differs in one transaction that no other writer is between.
//! - Names, ids and times sort as their texts do, byte by byte, whatever the database's language.
//! - Times keep their nanoseconds, leases their microseconds, numbers up to 2^63 - 1.
//! - History outlives its cluster. Of all clusters that had a name, history is that of the living one, else of the newest.
//! - An id that the backend makes is a UUIDv7, above those of all earlier clusters of the name. Nothing else differs between
//!   two backends that were told the same.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::statistics::History;
use crate::domain::{
    Actor, Change, ChangeAction, ClusterName, Decision, Event, FailoverRecord, Generation, GroupName, NewEvent,
    NodeName, Operation, Term, TopologySpec,
};
use crate::planner::replay::KeptPlan;
use crate::planner::{Effects, Snapshot};

mod cluster;
mod differs;
mod error;
mod expect;
mod filter;
pub mod memory;
mod operation;
mod pruned;
mod rules;
pub mod sql;
mod state;
mod stored;
mod touched;

pub use error::Error;
pub use expect::Expect;
pub use filter::{EventFilter, FailoverFilter};
pub use operation::{Cancellation, NewOperation, OperationFilter};

pub use pruned::Pruned;
pub use stored::{Generations, Stored};

/// A desired state that takes the place of another one, exactly: absent maintenance is none, an absent `wanted` that of a
/// new node or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    pub spec: Arc<TopologySpec>,
    /// Its own; no two have the same.
    pub id: Uuid,
    /// The generation that it was made from.
    pub on: Generation,
    /// The replacement that was to make that generation, if it may not have done so yet: something else may make it instead.
    pub after: Option<Uuid>,
    pub action: ChangeAction,
    /// What was done to what, after the actor's name: `put node bts1`.
    pub message: String,
    /// The object that it is about, for the event: `nodes/bts1`.
    pub object: String,
    pub actor: Actor,
    pub at: Timestamp,
    /// What is answered, to be kept with it.
    pub answer: Option<KeptAnswer>,
}

/// What is answered to who creates a cluster, to be kept with it: it names the generation that this makes.
pub type AnswerOf = Box<dyn FnOnce(Generation) -> Result<KeptAnswer, Error> + Send>;

/// What was answered to a call with an idempotency key. It is kept in the transaction of what the call did, so that a
/// repetition is never done twice, whoever was killed in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub key: String,
    /// A hash of what was asked.
    pub request: String,
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// None where the call changed nothing, or began what tells more by now.
    pub body: Option<String>,
    pub at: Timestamp,
}

impl KeptAnswer {
    /// How long an answer is kept.
    pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

    /// The moment up to which older ones are forgotten when this one is kept.
    pub fn forgets(&self) -> Timestamp {
        Self::since(self.at)
    }

    /// What was answered up to this moment is forgotten at `now`.
    pub fn since(now: Timestamp) -> Timestamp {
        now.checked_sub(Self::KEPT).unwrap_or(Timestamp::MIN)
    }
}

/// A cluster in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterHead {
    pub name: ClusterName,
    pub id: Uuid,
    pub generation: Generation,
    pub created_at: Timestamp,
}

/// What a write of desired state did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Whether it created the cluster.
    pub created: bool,
    /// Whether anything differed: an equal document makes no new generation.
    pub changed: bool,
    pub generation: Generation,
}

/// A reign that began: no other reign of this cluster can commit any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reign {
    pub cluster_id: Uuid,
    pub id: Uuid,
    pub term: Term,
    /// The longest lease that an earlier reign may have left outstanding; zero if the cluster was never granted any.
    pub longest_lease: Duration,
    /// The agents that may hold those leases, by node.
    pub agents: Vec<(NodeName, Uuid)>,
    /// Whether somebody has heard of more than was stored, in this reign or in one that did not last long enough since: the
    /// database was restored or is new, and agents that it knows nothing of may hold leases as well.
    pub restored: bool,
}

/// What a commit rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    pub generation: Generation,
    pub decision: Decision,
    pub reign: Uuid,
}

/// Somebody's word that a failover was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub failover: Uuid,
    /// What there is to say of it.
    pub comment: Option<String>,
    pub actor: Actor,
    pub at: Timestamp,
    /// What is answered, to be kept with it. The verb makes its body: the record as it is then, as JSON.
    pub answer: Option<KeptAnswer>,
}

/// The database, as everybody else sees it.
#[allow(clippy::too_many_arguments)] // a reign is begun by one caller; a type for its arguments would be used once
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // -- clusters and their desired state

    /// Every cluster, by name.
    async fn clusters(&self) -> Result<Vec<ClusterHead>, Error>;

    /// Creates or replaces a cluster's topology. What is absent is removed (retired while anything may hold it); an
    /// absent `wanted` keeps its value. `spec` has passed every rule. An equal document is accepted and changes nothing.
    /// Writes a row of `changes` and raises the longest lease where the settings do.
    async fn put_topology(
        &self,
        spec: &TopologySpec,
        expect: Expect,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Accepted, Error>;

    /// Creates a cluster, else `Exists`, and keeps what is answered with it. Else like `put_topology`.
    async fn create_cluster(
        &self,
        spec: &TopologySpec,
        actor: &Actor,
        at: Timestamp,
        answer: Option<AnswerOf>,
    ) -> Result<Accepted, Error>;

    /// Replaces the desired state of a cluster that is still at the generation that it was made from, and was made by what it rests on,
    /// else `Conflict`.
    /// `new.spec` has passed every rule. Else like `put_topology`. It takes its place among other writers when it is first
    /// polled: one that rests on what an earlier one makes may come before that is durable.
    async fn replace_topology(&self, new: &Replacement) -> Result<Accepted, Error>;

    /// The desired state as a document, with the generations of the whole and of each object.
    async fn topology(&self, cluster: &ClusterName) -> Result<Arc<Stored>, Error>;

    /// Removes a cluster that is as `expect` says; refused while any group has an owner or a node may run an instance.
    async fn delete_cluster(
        &self,
        cluster: &ClusterName,
        expect: Expect,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), Error>;

    /// The changes of a cluster, newest first, those before generation `before`.
    async fn changes(
        &self,
        cluster: &ClusterName,
        before: Option<Generation>,
        limit: u32,
    ) -> Result<Vec<Change>, Error>;

    // -- the reconciler's

    /// Begins a reign: its term is above every stored one and at least `at_least.0`, and the cluster's decision at least
    /// `at_least.1`; what nodes were assigned below that is from now on assigned by a decision above both. `longest` raises the stored longest lease (a restored database may know a shorter one).
    async fn begin_reign(
        &self,
        cluster: &ClusterName,
        id: Uuid,
        at_least: (Term, Decision),
        longest: Duration,
        at: Timestamp,
    ) -> Result<Reign, Error>;

    /// Everything stored that the planner needs. What is seen is filled in by the caller: `seen` of every node comes as
    /// `NodeSeen::unheard(now)`.
    async fn load(&self, cluster: &ClusterName, now: Timestamp) -> Result<Snapshot, Error>;

    /// Writes a plan's effects if `basis` still holds, else `Outrun`. Everything or nothing.
    async fn commit(&self, cluster: &ClusterName, basis: &Basis, effects: &Effects) -> Result<(), Error>;

    /// Notes which agent is about to be granted leases for a node, before the first grant.
    async fn record_agent(&self, cluster: &ClusterName, node: &NodeName, agent: Uuid) -> Result<(), Error>;

    /// Notes that `reign`, over a restored database, has waited for every lease that an earlier one may have granted. Changes
    /// nothing if it is no longer the reign.
    async fn outlive_restore(&self, cluster: &ClusterName, reign: Uuid) -> Result<(), Error>;

    /// Appends what was seen (node states, restarts), numbered in order.
    async fn append_events(&self, cluster: &ClusterName, events: &[NewEvent]) -> Result<(), Error>;

    // -- operations

    /// Accepts an operator's action: the change of desired state that goes with it, and the operation, which the plan
    /// ends. Refuses unknown targets.
    async fn begin_operation(&self, cluster: &ClusterName, new: &NewOperation) -> Result<Operation, Error>;

    async fn operation(&self, id: Uuid) -> Result<Operation, Error>;

    /// Operations, newest first.
    async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, Error>;

    /// Takes an operation back, with the change of desired state that went with it. `NotNow` once anything was stopped for
    /// it, or when it has ended. One that is cancelled already stays as it is.
    async fn cancel_operation(&self, cluster: &ClusterName, new: &Cancellation) -> Result<Operation, Error>;

    // -- answers

    /// The answer under an idempotency key, if it was given after `since`.
    async fn kept_answer(&self, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>, Error>;

    /// Keeps the answer of a call that changed nothing else; `Repeated` if there is one under its key.
    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<(), Error>;

    // -- history

    /// What is kept of what its groups did, or one of them, read at one moment: what statistics are made of.
    async fn history(&self, cluster: &ClusterName, group: Option<&GroupName>) -> Result<History, Error>;

    async fn failovers(&self, cluster: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>, Error>;

    async fn failover(&self, cluster: &ClusterName, id: Uuid) -> Result<FailoverRecord, Error>;

    /// Notes who has seen a failover, and what he says of it. Refuses one that is not over.
    async fn acknowledge(&self, cluster: &ClusterName, new: &Acknowledgement) -> Result<FailoverRecord, Error>;

    /// The plans that made a failover what it is, oldest first: none of one that an earlier version made.
    async fn kept_plans(&self, cluster: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>, Error>;

    /// Events, oldest first.
    async fn events(&self, cluster: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>, Error>;

    /// Removes what is older than the retention, the oldest first and at most `limit` of each kind: failovers that have ended,
    /// with the plans that were kept for them alone; operations that have ended; events. What a budget counts stays, and so do
    /// the newest event and the newest of each kind that says where a group stands. Without a cluster: of one that was
    /// deleted, whichever has anything old; its policy is gone, so the default counts.
    async fn prune(&self, cluster: Option<&ClusterName>, now: Timestamp, limit: u32) -> Result<Pruned, Error>;

    /// The number of the newest event; 0 if there is none.
    async fn newest_event(&self, cluster: &ClusterName) -> Result<u64, Error>;

    /// Whether the database answers and can be written. Every write that took its place before is over then.
    async fn ready(&self) -> Result<(), Error>;
}
