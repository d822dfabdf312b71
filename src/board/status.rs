//! What does a dashboard see of a cluster? Wanted and seen side by side, rendered once per change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hosts::{self, HostStatus};
use crate::domain::{
    Bounded, ClusterName, Decision, Epoch, Generation, GroupName, GroupState, GroupWanted, HumanDuration, Maintenance,
    NodeName, NodeState, NodeWanted, ResourceName, ResourceState, Settings, Term,
};
use crate::planner::snapshot::{GroupView, NodeView};
use crate::planner::{self, Snapshot, Survey};

/// The observed state of a cluster. It changes only when something in it does: no ages, no countdowns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusDocument {
    /// Changes when, and only when, anything else in it does: what `since` takes.
    pub etag: String,
    pub cluster: ClusterName,
    pub generation: Generation,
    pub term: Term,
    pub decision: Decision,
    pub settings: Settings,
    /// From the loss of a node to the moment when its groups may be started elsewhere, at worst:
    /// heartbeat + lease * (1 + drift) + margin.
    pub worst_case_takeover: HumanDuration,
    /// Of the whole cluster; null when there is none, or once it is over.
    pub maintenance: Option<Maintenance>,
    pub nodes: Vec<NodeStatus>,
    pub groups: Vec<GroupStatus>,
    pub hosts: Vec<HostStatus>,
}

/// A node as wanted and as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeStatus {
    pub name: NodeName,
    pub agent: String,
    pub wanted: NodeWanted,
    pub state: NodeState,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// For an unreachable node: when it will be proven down, if it stays silent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub down_at: Option<Timestamp>,
    /// What is wrong and what to do, as a sentence.
    pub problem: Option<String>,
    pub maintenance: Option<Maintenance>,
    /// The groups that it owns.
    pub groups: Vec<GroupName>,
}

/// A group as wanted and as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupStatus {
    pub name: GroupName,
    pub wanted: GroupWanted,
    pub state: GroupState,
    /// The node that runs it; null when it runs nowhere.
    pub owner: Option<NodeName>,
    pub last_owner: Option<NodeName>,
    pub epoch: Epoch,
    pub preferred_owners: Vec<NodeName>,
    pub possible_owners: Vec<NodeName>,
    /// Why it is not online, or what it waits for, as a sentence.
    pub message: Option<String>,
    /// A failed group begins again then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
    /// Failovers spent of the budget, and the budget.
    pub failovers_spent: u32,
    pub max_failovers: u32,
    /// What is left of the budget.
    pub failovers_left: u32,
    pub maintenance: Option<Maintenance>,
    pub resources: Vec<ResourceStatus>,
}

/// A resource as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceStatus {
    pub name: ResourceName,
    pub state: ResourceState,
    pub pid: Option<u32>,
    pub bounded: Option<Bounded>,
    pub restarts: u32,
    pub message: Option<String>,
}

/// The document of a snapshot. Of its moment it shows only what is over by then.
pub fn render(snapshot: &Snapshot) -> StatusDocument {
    let survey = Survey::new(snapshot);
    let quarantined = planner::quarantined(snapshot);
    let node = |(name, view)| NodeStatus {
        problem: snapshot.nodes[name].seen.problem.clone().or_else(|| quarantined.get(name).cloned()),
        ..node(snapshot, name, view)
    };
    StatusDocument {
        // Of the rest, so it is filled in once that is written.
        etag: String::new(),
        cluster: snapshot.cluster.clone(),
        generation: snapshot.generation,
        term: snapshot.term,
        decision: snapshot.decision,
        settings: snapshot.settings,
        worst_case_takeover: snapshot.settings.worst_case_takeover().into(),
        maintenance: lasting(snapshot, snapshot.maintenance.as_ref()),
        nodes: snapshot.nodes.iter().map(node).collect(),
        groups: snapshot.groups.iter().map(|(name, view)| group(snapshot, &survey, name, view)).collect(),
        hosts: snapshot.hosts.values().map(|spec| hosts::host(Some(snapshot), spec)).collect(),
    }
}

/// The maintenance, unless it is over: then it keeps Locum from nothing, whatever the topology still says of it.
fn lasting(snapshot: &Snapshot, maintenance: Option<&Maintenance>) -> Option<Maintenance> {
    maintenance.filter(|maintenance| maintenance.lasts(snapshot.now)).cloned()
}

fn node(snapshot: &Snapshot, name: &NodeName, view: &NodeView) -> NodeStatus {
    let owned = snapshot.groups.iter().filter(|(_, group)| group.placement.owner() == Some(name));
    NodeStatus {
        name: name.clone(),
        agent: view.spec.agent.clone(),
        wanted: view.wanted,
        state: view.seen.state,
        since: view.seen.since,
        down_at: view.seen.down_at,
        problem: view.seen.problem.clone(),
        maintenance: lasting(snapshot, view.spec.maintenance.as_ref()),
        groups: owned.map(|(group, _)| group.clone()).collect(),
    }
}

fn group(snapshot: &Snapshot, survey: &Survey<'_>, name: &GroupName, view: &GroupView) -> GroupStatus {
    let (state, message) = survey.group_state(name);
    let (failovers_spent, max_failovers) = survey.budget(name);
    let members = snapshot.nodes.iter().filter(|(_, node)| !node.retired).map(|(name, _)| name);
    GroupStatus {
        name: name.clone(),
        wanted: view.wanted,
        state,
        owner: view.placement.owner().cloned(),
        last_owner: view.placement.last_owner.clone(),
        epoch: view.placement.epoch,
        preferred_owners: view.spec.preferred_owners.clone(),
        possible_owners: view.spec.possible_owners(members).into_iter().collect(),
        message,
        retry_at: view.failed.as_ref().map(|mark| mark.retry_at),
        failovers_spent,
        max_failovers,
        failovers_left: max_failovers.saturating_sub(failovers_spent),
        maintenance: lasting(snapshot, view.spec.maintenance.as_ref()),
        resources: view.spec.resources.iter().map(|spec| resource(snapshot, view, &spec.name)).collect(),
    }
}

/// What the owner says of the resource; unknown while it does not answer, offline without an owner.
fn resource(snapshot: &Snapshot, group: &GroupView, name: &ResourceName) -> ResourceStatus {
    let owner = group.placement.owner().and_then(|owner| snapshot.nodes.get(owner));
    let silent = owner.is_some_and(|node| node.seen.state == NodeState::Unreachable || !node.seen.answered);
    let held = owner.filter(|_| !silent).and_then(|node| node.seen.groups.get(&group.spec.name));
    let seen = held.and_then(|held| held.resources.iter().find(|resource| resource.name == *name));
    let idle = if silent { ResourceState::Unknown } else { ResourceState::Offline };
    ResourceStatus {
        name: name.clone(),
        state: seen.map_or(idle, |seen| seen.state),
        pid: seen.and_then(|seen| seen.pid),
        bounded: seen.and_then(|seen| seen.bounded),
        restarts: seen.map_or(0, |seen| seen.restarts),
        message: seen.and_then(|seen| seen.message.clone()),
    }
}
