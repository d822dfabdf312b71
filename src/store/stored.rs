//! What is wanted of a cluster, when did each part of it last change, and what is that after a write?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Generation, GroupName, HandlerName, HostName, NodeName, TopologySpec};

/// The desired state, and when each part of it last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// With `wanted` of every node and group.
    pub spec: Arc<TopologySpec>,
    /// Of the whole.
    pub generation: Generation,
    pub objects: Generations,
}

impl Stored {
    /// What is stored once `spec` has taken its place as `generation`.
    #[must_use]
    pub fn replaced_by(&self, spec: Arc<TopologySpec>, generation: Generation) -> Self {
        let Generations { nodes, groups, hosts, handlers } = &self.objects;
        let objects = Generations {
            nodes: touched(nodes, &self.spec.nodes, &spec.nodes, |node| &node.name, generation),
            groups: touched(groups, &self.spec.groups, &spec.groups, |group| &group.name, generation),
            hosts: touched(hosts, &self.spec.hosts, &spec.hosts, |host| &host.name, generation),
            handlers: touched(handlers, &self.spec.handlers, &spec.handlers, |handler| &handler.name, generation),
        };
        Self { spec, generation, objects }
    }
}

/// The generations of these objects, in which what is new or differs is of `generation`.
fn touched<N: Ord + Clone, S: PartialEq>(
    known: &BTreeMap<N, Generation>,
    before: &[S],
    after: &[S],
    name: impl Fn(&S) -> &N,
    generation: Generation,
) -> BTreeMap<N, Generation> {
    let pairs = || before.iter().zip(after);
    if before.len() == after.len() && pairs().all(|(was, is)| name(was) == name(is)) {
        // As most often: none comes, goes or moves, and few differ.
        let mut generations = known.clone();
        let differ = pairs().filter(|(was, is)| was != is).map(|(_, is)| (name(is).clone(), generation));
        generations.extend(differ);
        return generations;
    }
    let before: BTreeMap<&N, &S> = before.iter().map(|object| (name(object), object)).collect();
    let of = |object: &S| {
        let same = before.get(name(object)).is_some_and(|was| *was == object);
        known.get(name(object)).copied().filter(|_| same).unwrap_or(generation)
    };
    after.iter().map(|object| (name(object).clone(), of(object))).collect()
}

/// The change that last touched each object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Generations {
    pub nodes: BTreeMap<NodeName, Generation>,
    pub groups: BTreeMap<GroupName, Generation>,
    pub hosts: BTreeMap<HostName, Generation>,
    pub handlers: BTreeMap<HandlerName, Generation>,
}
