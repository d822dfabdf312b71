//! What is every node told to run? Compared with what it was told without writing it anew.

use foldhash::{HashMap, HashMapExt};

use super::instances::{Leavers, Owners};
use super::snapshot::{GroupView, Snapshot};
use crate::domain::{
    Assignment, Epoch, GroupAssignment, GroupName, HostName, InstanceAssignment, LeaseTimers, Leaving, NodeName,
    OwnerSet, Placement, Ran, ResourceSpec,
};

/// What all nodes are told to run under one set of placements.
pub(super) struct Orders<'a> {
    snapshot: &'a Snapshot,
    timers: LeaseTimers,
    /// The nodes of the topology: the owner set of every group that may run on all of them.
    members: OwnerSet,
    /// What each node is assigned, in the order of the names.
    groups: HashMap<&'a NodeName, Vec<Order<'a>>>,
    /// What may still run and shall not: it holds back what takes its place.
    leavers: Leavers<'a>,
}

/// A group that a node is told to run.
struct Order<'a> {
    name: &'a GroupName,
    view: &'a GroupView,
    epoch: Epoch,
}

impl<'a> Orders<'a> {
    /// Placements in the order of the groups' names.
    pub fn new<'p>(
        snapshot: &'a Snapshot,
        placements: impl Iterator<Item = (&'a GroupName, &'a GroupView, &'p Placement)>,
    ) -> Self {
        let mut groups: HashMap<&NodeName, Vec<_>> = snapshot.nodes.keys().map(|name| (name, Vec::new())).collect();
        let mut owners = Owners::new();
        for (name, view, placement) in placements {
            let owner = placement.assigned_to().and_then(|owner| groups.get_key_value(owner));
            let Some(owner) = owner.map(|(owner, _)| *owner) else { continue };
            owners.insert(name, (owner, view));
            if let Some(orders) = groups.get_mut(owner) {
                orders.push(Order { name, view, epoch: placement.epoch });
            }
        }
        let timers = LeaseTimers::from(&snapshot.settings);
        let leavers = Leavers::of(snapshot, owners);
        Self { snapshot, timers, members: members(snapshot), groups, leavers }
    }

    /// What `node` is told: what it was told, if that says enough.
    pub fn of(&self, node: &NodeName) -> Assignment {
        let fresh = self.fresh(node);
        let stored = self.snapshot.nodes.get(node).map(|view| &view.assignment);
        stored.filter(|stored| says_enough(stored, &fresh)).cloned().unwrap_or(fresh)
    }

    fn fresh(&self, node: &NodeName) -> Assignment {
        let group = |order: &Order<'_>| GroupAssignment {
            group: order.name.clone(),
            epoch: order.epoch,
            owner_set: self.owner_set(order.view),
            resources: self.leavers.resources_of(node, order.name, &order.view.spec.resources),
        };
        let instance = |(host, resource): (&HostName, &ResourceSpec)| InstanceAssignment {
            host: host.clone(),
            resource: resource.clone(),
        };
        Assignment {
            timers: self.timers,
            groups: self.groups_of(node).iter().map(group).collect(),
            instances: self.leavers.instances_of(node).map(instance).collect(),
            leaving: self.leavers.on(node),
        }
    }

    /// Whether `told` is what `node` is told.
    pub fn are(&self, node: &NodeName, told: &Assignment) -> bool {
        if !self.leavers.are_none() {
            return self.of(node) == *told;
        }
        let same_group = |(order, told): (&Order<'_>, &GroupAssignment)| {
            let GroupAssignment { group, epoch, owner_set, resources } = told;
            group == order.name
                && *epoch == order.epoch
                && *resources == order.view.spec.resources
                && *owner_set == self.owner_set(order.view)
        };
        let same_instance = |((host, resource), told): ((&HostName, &ResourceSpec), &InstanceAssignment)| {
            told.host == *host && told.resource == *resource
        };
        let Assignment { timers, groups, instances, leaving } = told;
        *timers == self.timers
            && leaving.iter().all(is_needless)
            && groups.len() == self.groups_of(node).len()
            && self.groups_of(node).iter().zip(groups).all(same_group)
            && instances.len() == self.leavers.instances_of(node).count()
            && self.leavers.instances_of(node).zip(instances).all(same_instance)
    }

    fn groups_of(&self, node: &NodeName) -> &[Order<'a>] {
        self.groups.get(node).map_or(&[], Vec::as_slice)
    }

    /// The nodes of the topology on which every resource of the group may run.
    fn owner_set(&self, group: &GroupView) -> OwnerSet {
        let Some(listed) = group.spec.shortest_list() else { return self.members.clone() };
        let allowed = |node: &&NodeName| is_member(self.snapshot, node) && group.spec.allows(node);
        let mut owners: Vec<NodeName> = listed.iter().filter(allowed).cloned().collect();
        owners.sort_unstable();
        owners.dedup();
        owners.into()
    }
}

/// Whether the stored assignment differs only by hosts that it remembers without need.
fn says_enough(stored: &Assignment, fresh: &Assignment) -> bool {
    let same = Assignment { leaving: stored.leaving.clone(), ..fresh.clone() } == *stored;
    let still = |leaving: &Leaving| fresh.leaving.contains(leaving);
    same && fresh.leaving.iter().all(|leaving| stored.leaving.contains(leaving))
        && stored.leaving.iter().all(|leaving| still(leaving) || is_needless(leaving))
}

/// Whether a host that is remembered though it has stopped is no reason to bother the node: those that end with a lease
/// do no harm.
fn is_needless(leaving: &Leaving) -> bool {
    leaving.ran == Ran::Clustered
}

fn is_member(snapshot: &Snapshot, node: &NodeName) -> bool {
    snapshot.nodes.get(node).is_some_and(|view| !view.retired)
}

/// The nodes of the topology. If a node was told the same list before, that very one, which costs nothing to compare.
fn members(snapshot: &Snapshot) -> OwnerSet {
    let members: Vec<&NodeName> = snapshot.nodes.iter().filter(|(_, n)| !n.retired).map(|(name, _)| name).collect();
    let mut told = snapshot.nodes.values().flat_map(|node| &node.assignment.groups).map(|group| &group.owner_set);
    let same = |told: &&OwnerSet| told.as_slice().iter().eq(members.iter().copied());
    told.find(same).cloned().unwrap_or_else(|| members.into_iter().cloned().collect())
}
