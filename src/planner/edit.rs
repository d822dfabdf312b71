//! What would be with another topology?

use std::collections::{BTreeMap, BTreeSet};

use super::snapshot::{GroupView, NodeSeen, NodeView, Snapshot};
use crate::domain::{
    Assignment, CommonDependency, Decision, GroupSpec, LeaseTimers, Losses, NodeSpec, NodeState, Placement,
    ResourceType, TopologySpec,
};

/// The snapshot as it would be with `spec`. Nodes that it adds count as up, with every driver.
pub(super) fn with_topology(snapshot: &Snapshot, spec: &TopologySpec) -> Snapshot {
    let mut edited = snapshot.clone();
    edited.generation = snapshot.generation.next();
    edited.decision = snapshot.decision.next();
    edited.settings = spec.settings;
    edited.policy = spec.policy;
    edited.maintenance = spec.maintenance.clone().or(edited.maintenance);
    let mut marks: BTreeMap<_, _> = std::mem::take(&mut edited.common_dependencies);
    for wanted in &spec.common_dependencies {
        let kept = marks.remove(&wanted.name).and_then(|dependency| dependency.down);
        let dependency = CommonDependency { down: wanted.down.clone().or(kept), ..wanted.clone() };
        edited.common_dependencies.insert(wanted.name.clone(), dependency);
    }
    edited.hosts = spec.hosts.iter().map(|host| (host.name.clone(), host.clone())).collect();
    let nodes: BTreeSet<_> = spec.nodes.iter().map(|node| &node.name).collect();
    edited.nodes.iter_mut().for_each(|(name, node)| node.retired = !nodes.contains(name));
    let groups: BTreeSet<_> = spec.groups.iter().map(|group| &group.name).collect();
    edited.groups.iter_mut().for_each(|(name, group)| group.retired = !groups.contains(name));
    for node in &spec.nodes {
        put_node(&mut edited, node);
    }
    for group in spec.effective_groups() {
        put_group(&mut edited, &group);
    }
    edited
}

fn put_node(edited: &mut Snapshot, spec: &NodeSpec) {
    if let Some(node) = edited.nodes.get_mut(&spec.name) {
        node.wanted = spec.wanted.unwrap_or(node.wanted);
        let maintenance = spec.maintenance.clone().or_else(|| node.spec.maintenance.take());
        node.spec = NodeSpec { maintenance, ..spec.clone() };
        return;
    }
    let drivers = BTreeSet::from([ResourceType::Process, ResourceType::Systemd, ResourceType::Ocf]);
    let seen = NodeSeen { state: NodeState::Up, answered: true, drivers, ..NodeSeen::unheard(edited.now) };
    let timers = LeaseTimers::from(&edited.settings);
    let node = NodeView {
        spec: spec.clone(),
        wanted: spec.wanted.unwrap_or_default(),
        retired: false,
        confirmed_down: None,
        assignment: Assignment { timers, ..Assignment::default() },
        assigned_at: Decision::default(),
        losses: Losses::default(),
        seen,
    };
    edited.nodes.insert(spec.name.clone(), node);
}

fn put_group(edited: &mut Snapshot, spec: &GroupSpec) {
    if let Some(group) = edited.groups.get_mut(&spec.name) {
        group.wanted = spec.wanted.unwrap_or(group.wanted);
        let maintenance = spec.maintenance.clone().or_else(|| group.spec.maintenance.take());
        group.spec = GroupSpec { maintenance, ..spec.clone() };
        return;
    }
    let group = GroupView {
        spec: spec.clone(),
        wanted: spec.wanted.unwrap_or_default(),
        retired: false,
        placement: Placement::default(),
        failed: None,
        open: None,
        recent: Vec::new(),
    };
    edited.groups.insert(spec.name.clone(), group);
}
