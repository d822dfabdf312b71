//! What is every node told to run? Compared with what it was told without writing it anew.

use std::collections::{BTreeMap, HashMap};

use super::snapshot::{GroupView, Snapshot};
use crate::domain::topology;
use crate::domain::{
    Assignment, Epoch, GroupAssignment, GroupName, HostName, InstanceAssignment, LeaseTimers, NodeName, OwnerSet,
    Placement, ResourceSpec,
};

/// What all nodes are told to run under one set of placements.
pub(super) struct Orders<'a> {
    snapshot: &'a Snapshot,
    timers: LeaseTimers,
    /// The nodes of the topology: the owner set of every group that may run on all of them.
    members: OwnerSet,
    /// What each node is assigned, in the order of the names.
    groups: HashMap<&'a NodeName, Vec<Order<'a>>>,
    /// The unclustered hosts of which each node runs an instance, likewise.
    instances: BTreeMap<&'a NodeName, Vec<&'a HostName>>,
    /// What such a host runs, the same on each node.
    hosts: BTreeMap<&'a HostName, ResourceSpec>,
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
        for (name, view, placement) in placements {
            if let Some(orders) = placement.assigned_to().and_then(|owner| groups.get_mut(owner)) {
                orders.push(Order { name, view, epoch: placement.epoch });
            }
        }
        let hosts: BTreeMap<_, _> =
            snapshot.hosts.iter().filter_map(|(name, host)| Some((name, topology::unclustered(host)?))).collect();
        let mut instances: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for name in hosts.keys() {
            for node in snapshot.hosts[*name].enabled_nodes().filter(|node| is_member(snapshot, node)) {
                let named: &mut Vec<&HostName> = instances.entry(node).or_default();
                if named.last() != Some(name) {
                    named.push(name);
                }
            }
        }
        let timers = LeaseTimers::from(&snapshot.settings);
        Self { snapshot, timers, members: members(snapshot), groups, instances, hosts }
    }

    /// What `node` is told.
    pub fn of(&self, node: &NodeName) -> Assignment {
        let group = |order: &Order<'_>| GroupAssignment {
            group: order.name.clone(),
            epoch: order.epoch,
            owner_set: self.owner_set(order.view),
            resources: order.view.spec.resources.clone(),
        };
        let instance = |(host, resource): (&HostName, &ResourceSpec)| InstanceAssignment {
            host: host.clone(),
            resource: resource.clone(),
        };
        Assignment {
            timers: self.timers,
            groups: self.groups_of(node).iter().map(group).collect(),
            instances: self.instances_of(node).map(instance).collect(),
        }
    }

    /// Whether `told` is what `node` is told.
    pub fn are(&self, node: &NodeName, told: &Assignment) -> bool {
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
        let Assignment { timers, groups, instances } = told;
        *timers == self.timers
            && groups.len() == self.groups_of(node).len()
            && self.groups_of(node).iter().zip(groups).all(same_group)
            && instances.len() == self.instances_of(node).count()
            && self.instances_of(node).zip(instances).all(same_instance)
    }

    fn groups_of(&self, node: &NodeName) -> &[Order<'a>] {
        self.groups.get(node).map_or(&[], Vec::as_slice)
    }

    /// The unclustered hosts of which `node` runs an instance, in the order of their names, and what that is.
    pub fn instances_of(&self, node: &NodeName) -> impl Iterator<Item = (&'a HostName, &ResourceSpec)> {
        let hosts = self.instances.get(node).into_iter().flatten();
        hosts.filter_map(|host| Some((*host, self.hosts.get(*host)?)))
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
