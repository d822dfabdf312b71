//! What would be with another topology?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::snapshot::{GroupView, NodeSeen, NodeView, Snapshot};
use crate::domain::{
    Assignment, CommonDependency, Decision, GroupSpec, LeaseTimers, Losses, NodeSpec, NodeState, Placement,
    ResourceType, TopologySpec,
};

/// What becomes of maintenance and marks that a topology says nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// They stay.
    Kept,
    /// They end.
    Gone,
}

/// The snapshot as it would be with `spec`. Nodes that it adds count as up, with every driver.
pub(super) fn with_topology(mut edited: Snapshot, spec: &TopologySpec, unsaid: Unsaid) -> Snapshot {
    let stays = unsaid == Unsaid::Kept;
    edited.generation = edited.generation.next();
    edited.decision = edited.decision.next();
    edited.settings = spec.settings;
    edited.policy = spec.policy;
    edited.maintenance = spec.maintenance.clone().or(edited.maintenance.filter(|_| stays));
    let mut marks: BTreeMap<_, _> = std::mem::take(&mut edited.common_dependencies);
    for wanted in &spec.common_dependencies {
        let kept = marks.remove(&wanted.name).and_then(|dependency| dependency.down).filter(|_| stays);
        let dependency = CommonDependency { down: wanted.down.clone().or(kept), ..wanted.clone() };
        edited.common_dependencies.insert(wanted.name.clone(), dependency);
    }
    edited.hosts = spec.hosts.iter().map(|host| (host.name.clone(), host.clone())).collect();
    // What is not put below is not in it any more.
    edited.nodes.values_mut().for_each(|node| node.retired = true);
    edited.groups.values_mut().for_each(|group| group.retired = true);
    for node in &spec.nodes {
        put_node(&mut edited, node, stays);
    }
    for group in spec.effective_groups() {
        put_group(&mut edited, group, stays);
    }
    edited
}

fn put_node(edited: &mut Snapshot, spec: &NodeSpec, stays: bool) {
    if let Some(node) = edited.nodes.get_mut(&spec.name) {
        node.retired = false;
        node.wanted = spec.wanted.unwrap_or(node.wanted);
        let maintenance = spec.maintenance.clone().or(node.spec.maintenance.take().filter(|_| stays));
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

fn put_group(edited: &mut Snapshot, spec: Arc<GroupSpec>, stays: bool) {
    if let Some(group) = edited.groups.get_mut(&spec.name) {
        group.retired = false;
        group.wanted = spec.wanted.unwrap_or(group.wanted);
        let before = std::mem::replace(&mut group.spec, spec);
        if stays && group.spec.maintenance.is_none() && before.maintenance.is_some() {
            Arc::make_mut(&mut group.spec).maintenance.clone_from(&before.maintenance);
        }
        return;
    }
    let name = spec.name.clone();
    let group = GroupView {
        wanted: spec.wanted.unwrap_or_default(),
        spec,
        retired: false,
        placement: Placement::default(),
        failed: None,
        open: None,
        recent: Vec::new(),
    };
    edited.groups.insert(name, group);
}
