//! What is seen of a host's instances, in the field's words?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    ClusterInstanceType, GroupName, HostName, HostSpec, InstanceSpec, NodeName, NodeState, ResourceClass, ResourceName,
    ServiceState,
};
use crate::planner::Snapshot;
use crate::planner::snapshot::{NodeView, SeenResource};

/// A host as wanted and as seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostStatus {
    pub name: HostName,
    pub cluster_instance_type: ClusterInstanceType,
    /// The group that it is clustered in; null if it is unclustered.
    pub clustered_in: Option<GroupName>,
    /// In the order of the document.
    pub instances: Vec<InstanceStatus>,
    /// Of a clustered host: the one instance that clients see; null for an unclustered one.
    pub virtual_instance: Option<VirtualInstance>,
}

/// An instance as wanted and as seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceStatus {
    pub node: NodeName,
    /// Wanted: it may not be started.
    pub disabled: bool,
    pub cluster_instance_type: ClusterInstanceType,
    pub service_state: ServiceState,
    /// What it waits for or what went wrong last.
    pub message: Option<String>,
}

/// The instance of a clustered host as clients see it, wherever it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VirtualInstance {
    /// `clustered_virtual`.
    pub cluster_instance_type: ClusterInstanceType,
    pub service_state: ServiceState,
    /// The node that owns its group; null when none does.
    pub node: Option<NodeName>,
    /// The network name of its group, by the name of the resource.
    pub network_name: Option<ResourceName>,
}

/// What is seen of a host that is wanted like `spec`; without a snapshot nothing of it is known.
pub fn host(snapshot: Option<&Snapshot>, spec: &HostSpec) -> HostStatus {
    HostStatus {
        name: spec.name.clone(),
        cluster_instance_type: kind(spec),
        clustered_in: spec.clustered_in.clone(),
        instances: spec.instances.iter().map(|one| instance(snapshot, spec, one)).collect(),
        virtual_instance: spec.clustered_in.as_ref().map(|group| virtual_instance(snapshot, spec, group)),
    }
}

fn instance(snapshot: Option<&Snapshot>, spec: &HostSpec, instance: &InstanceSpec) -> InstanceStatus {
    let node = snapshot.and_then(|snapshot| snapshot.nodes.get(&instance.node));
    let seen = node.and_then(|node| match &spec.clustered_in {
        None => node.seen.instances.get(&spec.name),
        Some(group) => in_group(node, group, &spec.name),
    });
    InstanceStatus {
        node: instance.node.clone(),
        disabled: instance.disabled,
        cluster_instance_type: kind(spec),
        service_state: match node {
            Some(node) if spec.clustered_in.is_none() => unleased(node, &spec.name),
            node => state(node, seen),
        },
        message: seen.and_then(|seen| seen.message.clone()),
    }
}

fn kind(spec: &HostSpec) -> ClusterInstanceType {
    if spec.clustered_in.is_some() { ClusterInstanceType::Clustered } else { ClusterInstanceType::UnClustered }
}

fn in_group<'a>(node: &'a NodeView, group: &GroupName, host: &HostName) -> Option<&'a SeenResource> {
    let group = node.seen.groups.get(group)?;
    group.resources.iter().find(|resource| resource.name.as_str() == host.as_str())
}

/// No lease ends an instance: a node that counts as down may go on running it.
fn unleased(node: &NodeView, host: &HostName) -> ServiceState {
    let seen = node.seen.instances.get(host);
    let told = node.assignment.instances.iter().any(|instance| instance.host == *host);
    let may_run = told || seen.is_some_and(SeenResource::may_be_alive);
    match node.seen.state {
        NodeState::Down if may_run && !node.seen.vouched_for => ServiceState::Unknown,
        _ => state(Some(node), seen),
    }
}

/// A node that is down runs nothing of a group; of one that does not answer nobody knows.
fn state(node: Option<&NodeView>, seen: Option<&SeenResource>) -> ServiceState {
    match node.map(|node| (node.seen.state, node.seen.answered)) {
        Some((NodeState::Down, _)) => ServiceState::Stopped,
        Some((NodeState::Up, true)) => seen.map_or(ServiceState::Stopped, |seen| seen.state.into()),
        _ => ServiceState::Unknown,
    }
}

fn virtual_instance(snapshot: Option<&Snapshot>, spec: &HostSpec, group: &GroupName) -> VirtualInstance {
    let view = snapshot.and_then(|snapshot| snapshot.groups.get(group));
    let owner = view.and_then(|view| view.placement.owner());
    let resources = view.into_iter().flat_map(|view| &view.spec.resources);
    let network_name =
        resources.filter(|resource| resource.class() == ResourceClass::NetworkName).map(|r| &r.name).next();
    let node = owner.and_then(|owner| snapshot?.nodes.get(owner));
    let service_state = match (view, node) {
        (Some(_), None) => ServiceState::Stopped,
        _ => state(node, node.and_then(|node| in_group(node, group, &spec.name))),
    };
    VirtualInstance {
        cluster_instance_type: ClusterInstanceType::ClusteredVirtual,
        service_state,
        node: owner.cloned(),
        network_name: network_name.cloned(),
    }
}
