//! Which nodes have the fewest groups?

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::snapshot::{NodeView, Snapshot};
use crate::domain::{NodeName, Priority, ResourceType};

/// How many groups each node owns or is to own, by their priority, and the nodes that may get more in that order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loads<'a> {
    counts: HashMap<&'a NodeName, Load<'a>>,
    /// The nodes that may get groups, apart by their drivers: a group asks for some of them.
    pools: BTreeMap<&'a BTreeSet<ResourceType>, Pool<'a>>,
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
    /// Every node of the snapshot, without any group.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mut pools: BTreeMap<_, Pool<'a>> = BTreeMap::new();
        let mut counts = HashMap::with_capacity(snapshot.nodes.len());
        for (name, node) in &snapshot.nodes {
            let pool = node.may_get_groups().then_some(&node.seen.drivers);
            counts.insert(name, Load { groups: ByPriority::default(), pool });
            if let Some(drivers) = pool {
                pools.entry(drivers).or_default().iter_mut().for_each(|nodes| _ = nodes.insert((0, name)));
            }
        }
        Self { counts, pools }
    }

    /// How many groups of this priority `node` owns or is to own.
    pub fn of(&self, node: &NodeName, priority: Priority) -> usize {
        self.counts.get(node).map_or(0, |load| load.groups[priority as usize])
    }

    /// The nodes with these drivers that may get groups, those with the fewest groups of this priority first. One list
    /// for each set of drivers that suffices.
    pub fn fewest_first<'s>(
        &'s self,
        needed: &'s BTreeSet<ResourceType>,
        priority: Priority,
    ) -> impl Iterator<Item = impl Iterator<Item = &'a NodeName> + 's> + 's {
        let fitting = self.pools.iter().filter(|(drivers, _)| needed.is_subset(drivers));
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

impl NodeView {
    /// Whether nothing speaks against it that holds for every group.
    fn may_get_groups(&self) -> bool {
        let Self { wanted, retired, seen, .. } = self;
        !retired && *wanted == crate::domain::NodeWanted::Active && self.speaks() && seen.problem.is_none()
    }
}
