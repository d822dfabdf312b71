//! What is kept of a living cluster, as one value? A backend reads it, a verb's rule changes it, the backend writes what
//! differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::cluster::Cluster;
use super::{Generations, KeptAnswer, Stored};
use crate::domain::{
    Actor, Assignment, ChangeAction, Confirmation, Decision, Event, EventKind, FailedMark, FailoverRecord, Generation,
    GroupName, GroupSpec, HandlerName, HandlerSpec, HostName, HostSpec, Losses, NewEvent, NodeName, NodeSpec,
    Operation, Placement, TopologySpec,
};
use crate::planner::Effects;
use crate::planner::replay::KeptPlan;

/// A living cluster. History appears in it only as far as a verb may change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub cluster: Cluster,
    pub nodes: BTreeMap<NodeName, Object<NodeSpec, NodeKept>>,
    pub groups: BTreeMap<GroupName, Object<Arc<GroupSpec>, GroupKept>>,
    pub hosts: BTreeMap<HostName, Object<HostSpec, ()>>,
    pub handlers: BTreeMap<HandlerName, Object<HandlerSpec, ()>>,
    /// Outlive their groups, so that an epoch goes on where it was when a group of that name comes back.
    pub placements: Arc<BTreeMap<GroupName, Placement>>,
    /// Those under way, and those that the verb names.
    pub operations: BTreeMap<Uuid, Operation>,
    /// Those in progress, and those that the verb names.
    pub failovers: BTreeMap<Uuid, FailoverRecord>,
    /// Ids that the verb names and that records of another cluster have.
    pub taken: BTreeSet<Uuid>,
    pub journal: Journal,
    /// Nothing of it stays but its history.
    pub deleted: bool,
}

/// A desired object, and what plans and reigns keep with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<S, K> {
    /// As last accepted, with `wanted`.
    pub spec: S,
    /// Its place in the document.
    pub position: u64,
    /// The change that last touched it.
    pub generation: Generation,
    /// No longer in the topology; kept until nothing holds it.
    pub retired: bool,
    pub kept: K,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeKept {
    /// The agent that was granted leases for it.
    pub agent: Option<Uuid>,
    pub confirmed_down: Option<Confirmation>,
    pub assignment: Option<Assignment>,
    pub assigned_at: Decision,
    pub losses: Losses,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupKept {
    pub failed: Option<FailedMark>,
}

/// What a verb adds to history, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    pub change: Option<NewChange>,
    pub events: Vec<Event>,
    /// The plan that this commit rests on, with what it is needed for.
    pub kept: Option<NewKept>,
    /// Groups whose failovers up to this verb no longer count against the budget.
    pub forgiven: Vec<GroupName>,
    /// What its caller is answered.
    pub answer: Option<KeptAnswer>,
}

/// The plan of a commit, and the failovers that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKept {
    pub decision: Decision,
    pub plan: KeptPlan,
    pub failovers: BTreeSet<Uuid>,
}

/// The change that made the present generation; what it was and is stands in the states before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    pub at: Timestamp,
    pub actor: Actor,
    pub action: ChangeAction,
    pub message: String,
}

/// The records that a verb names: a backend reads them into the state besides those under way.
#[derive(Debug, Default)]
pub struct Named {
    pub operations: Vec<Uuid>,
    pub failovers: Vec<Uuid>,
}

impl Named {
    /// Those of them that a state does not have.
    pub fn not_in(&self, state: &State) -> Self {
        let operations = self.operations.iter().filter(|id| !state.operations.contains_key(id));
        let failovers = self.failovers.iter().filter(|id| !state.failovers.contains_key(id));
        Self { operations: operations.copied().collect(), failovers: failovers.copied().collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.failovers.is_empty()
    }
}

impl From<&Effects> for Named {
    fn from(effects: &Effects) -> Self {
        Self {
            operations: effects.operations.iter().map(|operation| operation.id).collect(),
            failovers: effects.failovers.iter().map(|record| record.id).collect(),
        }
    }
}

impl State {
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            nodes: BTreeMap::new(),
            groups: BTreeMap::new(),
            hosts: BTreeMap::new(),
            handlers: BTreeMap::new(),
            placements: Arc::default(),
            operations: BTreeMap::new(),
            failovers: BTreeMap::new(),
            taken: BTreeSet::new(),
            journal: Journal::default(),
            deleted: false,
        }
    }

    /// The desired state, with `wanted` of every node and group; without what is retired.
    pub fn topology(&self) -> TopologySpec {
        let cluster = &self.cluster;
        TopologySpec {
            cluster: cluster.name.clone(),
            settings: cluster.settings,
            nodes: in_order(&self.nodes),
            groups: in_order(&self.groups),
            hosts: in_order(&self.hosts),
            handlers: in_order(&self.handlers),
            policy: cluster.policy,
            common_dependencies: cluster.common_dependencies.clone(),
            waivers: cluster.waivers.clone(),
            maintenance: cluster.maintenance.clone(),
        }
    }

    /// Whether that is its desired state.
    pub fn wants(&self, spec: &TopologySpec) -> bool {
        // In full: a field that is forgotten here would be one whose changes are lost.
        let TopologySpec {
            cluster: name,
            settings,
            nodes,
            groups,
            hosts,
            handlers,
            policy,
            common_dependencies,
            waivers,
            maintenance,
        } = spec;
        let cluster = &self.cluster;
        let whole = (&cluster.name, &cluster.settings, &cluster.policy, &cluster.maintenance);
        whole == (name, settings, policy, maintenance)
            && (&cluster.common_dependencies, &cluster.waivers) == (common_dependencies, waivers)
            && present(&self.nodes).into_iter().eq(nodes)
            && present(&self.groups).into_iter().eq(groups)
            && present(&self.hosts).into_iter().eq(hosts)
            && present(&self.handlers).into_iter().eq(handlers)
    }

    /// The desired state, and when each part of it last changed.
    pub fn stored(&self) -> Stored {
        let objects = Generations {
            nodes: generations(&self.nodes),
            groups: generations(&self.groups),
            hosts: generations(&self.hosts),
            handlers: generations(&self.handlers),
        };
        Stored { spec: Arc::new(self.topology()), generation: self.cluster.generation, objects }
    }

    /// Appends an event under the next number.
    pub fn append(&mut self, new: NewEvent) {
        let event = self.cluster.number(new);
        self.journal.events.push(event);
    }

    pub fn note(&mut self, at: Timestamp, kind: EventKind, subject: impl std::fmt::Display, message: String) {
        self.append(NewEvent { at, kind, subject: subject.to_string(), message });
    }
}

fn generations<N: Ord + Clone, S, K>(objects: &BTreeMap<N, Object<S, K>>) -> BTreeMap<N, Generation> {
    let present = objects.iter().filter(|(_, object)| !object.retired);
    present.map(|(name, object)| (name.clone(), object.generation)).collect()
}

fn in_order<N, S: Clone, K>(objects: &BTreeMap<N, Object<S, K>>) -> Vec<S> {
    present(objects).into_iter().cloned().collect()
}

/// What is not retired, in the order of the document.
fn present<N, S, K>(objects: &BTreeMap<N, Object<S, K>>) -> Vec<&S> {
    let mut present: Vec<_> = objects.values().filter(|object| !object.retired).collect();
    present.sort_by_key(|object| object.position);
    present.into_iter().map(|object| &object.spec).collect()
}
