//! Which nodes have the fewest groups?

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt};

use super::facts::Facts;
use super::snapshot::{NodeView, Snapshot};
use crate::domain::{NodeName, NodeWanted, Priority, ResourceType};

/// How many groups each node owns or is to own, by their priority, and the nodes that may get more in that order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loads<'a> {
    counts: HashMap<&'a NodeName, Load<'a>>,
    /// The nodes that may get groups, apart by their drivers: a group asks for some of them.
    pools: BTreeMap<&'a BTreeSet<ResourceType>, Pool<'a>>,
    /// How many those are.
    fit: usize,
    /// Their fault domain, if all have the same.
    only_domain: Option<&'a str>,
}

#[derive(Debug, PartialEq, Eq)]
struct Load<'a> {
    groups: ByPriority<usize>,
    /// The drivers of a node that may get groups.
    pool: Option<&'a BTreeSet<ResourceType>>,
}

/// Nodes with the fewest groups of a priority first, then in the order of their names.
type Pool<'a> = ByPriority<BTreeSet<(usize, &'a NodeName)>>;

type ByPriority<T> = [T; 4];

impl<'a> Loads<'a> {
    /// Every node of the snapshot with the groups that are there or bound for it, each by its node and priority.
    pub fn new<'d>(
        snapshot: &'a Snapshot,
        facts: &Facts<'a>,
        groups: impl Iterator<Item = (&'d NodeName, Priority)>,
    ) -> Self {
        let mut counts = HashMap::with_capacity(snapshot.nodes.len());
        for (name, node) in &snapshot.nodes {
            let pool = is_fit(snapshot, facts, (name, node)).then_some(&node.seen.drivers);
            counts.insert(name, Load { groups: ByPriority::default(), pool });
        }
        for (node, priority) in groups {
            if let Some(load) = counts.get_mut(node) {
                load.groups[priority as usize] += 1;
            }
        }
        let mut pools: BTreeMap<_, Pool<'a>> = BTreeMap::new();
        let mut domains = BTreeSet::new();
        for (name, node) in &snapshot.nodes {
            let load = &counts[name];
            let Some(drivers) = load.pool else { continue };
            domains.insert(node.spec.fault_domain.as_deref());
            let nodes = pools.entry(drivers).or_default().iter_mut();
            nodes.zip(load.groups).for_each(|(nodes, groups)| _ = nodes.insert((groups, name)));
        }
        let fit = counts.values().filter(|load| load.pool.is_some()).count();
        let only_domain = domains.pop_first().flatten().filter(|_| domains.is_empty());
        Self { counts, pools, fit, only_domain }
    }

    /// How many nodes may get groups.
    pub fn fit(&self) -> usize {
        self.fit
    }

    /// Whether `node` is one of them.
    pub fn is_fit(&self, node: &NodeName) -> bool {
        self.counts.get(node).is_some_and(|load| load.pool.is_some())
    }

    /// The fault domain of all of them; `None` if they have several, or none.
    pub fn only_domain(&self) -> Option<&'a str> {
        self.only_domain
    }

    /// How many groups of every priority `node` owns or is to own.
    pub fn of_all(&self, node: &NodeName) -> usize {
        self.counts.get(node).map_or(0, |load| load.groups.iter().sum())
    }

    /// How many groups of this priority `node` owns or is to own.
    pub fn of(&self, node: &NodeName, priority: Priority) -> usize {
        self.counts.get(node).map_or(0, |load| load.groups[priority as usize])
    }

    /// The nodes that may get groups and whose drivers suffice, those with the fewest groups of this priority first. One
    /// list for each set of drivers.
    pub fn fewest_first<'s>(
        &'s self,
        suffice: impl Fn(&BTreeSet<ResourceType>) -> bool + 's,
        priority: Priority,
    ) -> impl Iterator<Item = impl Iterator<Item = &'a NodeName> + 's> + 's {
        let fitting = self.pools.iter().filter(move |(drivers, _)| suffice(drivers));
        fitting.map(move |(_, pool)| pool[priority as usize].iter().map(|(_, name)| *name))
    }

    /// A group is to be on `node`.
    pub fn add(&mut self, node: &NodeName, priority: Priority) {
        self.change(node, priority, |groups| groups + 1);
    }

    /// It is no longer to be there.
    pub fn remove(&mut self, node: &NodeName, priority: Priority) {
        self.change(node, priority, |groups| groups.saturating_sub(1));
    }

    fn change(&mut self, node: &NodeName, priority: Priority, change: impl FnOnce(usize) -> usize) {
        let Some((&name, _)) = self.counts.get_key_value(node) else { return };
        let Some(load) = self.counts.get_mut(node) else { return };
        let groups = &mut load.groups[priority as usize];
        let before = std::mem::replace(groups, change(*groups));
        let after = *groups;
        if let Some(pool) = load.pool.and_then(|drivers| self.pools.get_mut(drivers)) {
            let nodes = &mut pool[priority as usize];
            nodes.remove(&(before, name));
            nodes.insert((after, name));
        }
    }
}

/// Whether nothing speaks against the node that holds for every group that does not name it.
fn is_fit(snapshot: &Snapshot, facts: &Facts<'_>, (name, node): (&NodeName, &NodeView)) -> bool {
    let maintained = node.spec.maintenance.as_ref().is_some_and(|maintenance| maintenance.lasts(snapshot.now));
    let wanted = !node.retired && node.wanted == NodeWanted::Active && !maintained;
    wanted && node.speaks() && node.seen.problem.is_none() && !facts.quarantined().contains_key(name)
}
