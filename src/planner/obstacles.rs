//! What keeps a group from a node, or from every node, and what would change that? All of it, not only the first.
//!
//! `candidates` and `place` decide; this tells an operator what there is to do. A test checks that a node without obstacles
//! is one that `candidates` takes, and the reverse.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::draft::Draft;
use super::place::{blockers, choice, returns};
use super::snapshot::{GroupView, NodeView, Snapshot};
use super::words::{clock, when};
use super::{affinity, candidates, hold, needs};
use crate::domain::{
    AntiAffinity, Cause, GroupName, GroupWanted, HeldBy, HostSpec, NodeName, NodeState, NodeWanted, ResourceSpec,
    ResourceType,
};

/// What stands in the way, and what would take it away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Obstacle {
    pub kind: ObstacleKind,
    /// What is so, as a sentence.
    pub reason: String,
    /// What would change it, as a sentence.
    pub change: String,
}

/// What kind of thing stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObstacleKind {
    /// The node or group is no longer in the topology.
    Retired,
    /// A resource does not allow the node.
    NotAPossibleOwner,
    /// A clustered host has no instance there, or a disabled one.
    NoInstance,
    Paused,
    Drained,
    Down,
    Unreachable,
    /// Its agent answers and does not do as it is told.
    Refuses,
    /// It has not said yet what it runs.
    NotHeard,
    MissingDriver,
    /// Nothing says what a clustered host runs.
    NothingToRun,
    /// The group failed there just now.
    FailedHere,
    Maintenance,
    Quarantine,
    AntiAffinity,
    /// The group is wanted offline.
    WantedOffline,
    /// The group is marked as failed.
    Failed,
    /// A node may still run the group.
    MayStillRun,
    /// Locum must not start it by itself: priority, maintenance, a common dependency, the brake.
    HeldBack,
    /// Another group must be online first.
    NeedsGroup,
}

fn obstacle(kind: ObstacleKind, reason: impl Into<String>, change: impl Into<String>) -> Obstacle {
    Obstacle { kind, reason: reason.into(), change: change.into() }
}

/// What keeps `group` from `node`.
pub(super) fn of_node(draft: &Draft<'_>, group: &GroupName, node: &NodeName) -> Vec<Obstacle> {
    let snapshot = draft.snapshot;
    let (Some(view), Some(candidate)) = (snapshot.groups.get(group), snapshot.nodes.get(node)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if candidate.retired {
        let change = format!("put {node} back into `nodes`");
        found.push(obstacle(ObstacleKind::Retired, "no longer in the topology", change));
    }
    found.extend(possible(snapshot, group, view, node));
    match candidate.wanted {
        NodeWanted::Active => {}
        NodeWanted::Paused => found.push(obstacle(ObstacleKind::Paused, "paused", format!("resume {node}"))),
        NodeWanted::Drained => found.push(obstacle(ObstacleKind::Drained, "drained", format!("resume {node}"))),
    }
    found.extend(health(node, candidate));
    found.extend(drivers(snapshot, group, view, node, candidate));
    if failed_just_now(draft, group) == Some(node) {
        let change = format!("reset {group}, or wait until this failover has ended");
        found.push(obstacle(ObstacleKind::FailedHere, "it failed here just now", change));
    }
    found.extend(kept_from(draft, group, node, candidate));
    found
}

/// What rules of the cluster keep the group from a node that could run it.
fn kept_from(draft: &Draft<'_>, group: &GroupName, node: &NodeName, view: &NodeView) -> Vec<Obstacle> {
    let snapshot = draft.snapshot;
    let mut found = Vec::new();
    let maintenance = view.spec.maintenance.as_ref().filter(|_| !candidates::is_let_in(draft, group, node));
    if let Some((maintenance, reason)) = maintenance.and_then(|m| Some((m, hold::lasting(snapshot, m)?))) {
        let until = when(maintenance.until, snapshot.now);
        let change = format!("end the maintenance of {node}, or wait until {until}");
        found.push(obstacle(ObstacleKind::Maintenance, reason, change));
    }
    if let Some(quarantined) = draft.facts.quarantined().get(node) {
        let change = format!("resume {node}, or wait until {}", when(quarantined.until, snapshot.now));
        found.push(obstacle(ObstacleKind::Quarantine, quarantined.reason.clone(), change));
    }
    let enforced = snapshot.policy.anti_affinity == AntiAffinity::Enforced;
    if let Some(mate) = enforced.then(|| affinity::mate_on(draft, group, node)).flatten() {
        let reason = format!("{mate} is there, and they never share a node");
        let change = format!("move {mate} to another node, or make `policy.anti_affinity` soft");
        found.push(obstacle(ObstacleKind::AntiAffinity, reason, change));
    }
    found
}

/// The node that a free group fails away from: `choice` bars it.
fn failed_just_now<'a>(draft: &'a Draft<'_>, group: &GroupName) -> Option<&'a NodeName> {
    let standing = draft.standing(group);
    let open = standing.open.as_ref().filter(|_| standing.placement.owner().is_none())?;
    let fails = matches!(open.cause, Cause::ResourceFailed | Cause::StartFailed);
    standing.placement.last_owner.as_ref().filter(|_| fails)
}

/// The resources that do not allow the node.
fn possible(snapshot: &Snapshot, group: &GroupName, view: &GroupView, node: &NodeName) -> Vec<Obstacle> {
    let bars = |resource: &&ResourceSpec| resource.possible_owners.as_ref().is_some_and(|list| !list.contains(node));
    let barring = view.spec.resources.iter().filter(bars);
    barring
        .map(|resource| match host_of(snapshot, group, resource) {
            Some(host) if host.instances.iter().any(|instance| instance.node == *node) => obstacle(
                ObstacleKind::NoInstance,
                format!("its instance of {} is disabled", host.name),
                format!("enable the instance of {} on {node}", host.name),
            ),
            Some(host) => obstacle(
                ObstacleKind::NoInstance,
                format!("it has no instance of {}", host.name),
                format!("give {node} an instance of {}", host.name),
            ),
            None => obstacle(
                ObstacleKind::NotAPossibleOwner,
                format!("not a possible owner of {}", resource.name),
                format!("add {node} to `possible_owners` of {}", resource.name),
            ),
        })
        .collect()
}

/// The clustered host that a resource of the group stands for.
fn host_of<'a>(snapshot: &'a Snapshot, group: &GroupName, resource: &ResourceSpec) -> Option<&'a HostSpec> {
    let host = snapshot.hosts.get(resource.name.as_str())?;
    (host.clustered_in.as_ref() == Some(group)).then_some(host)
}

fn health(node: &NodeName, view: &NodeView) -> Option<Obstacle> {
    let agent = &view.spec.agent;
    let answers = format!("see that the agent of {node} runs and answers at {agent}");
    match view.seen.state {
        NodeState::Down => return Some(obstacle(ObstacleKind::Down, "down", answers)),
        NodeState::Unreachable => {
            let until = view.seen.down_at.map_or_else(String::new, |at| format!(", proven down at {}", clock(at)));
            return Some(obstacle(ObstacleKind::Unreachable, format!("unreachable{until}"), answers));
        }
        NodeState::Up => {}
    }
    if let Some(problem) = &view.seen.problem {
        let change = format!("mend what the agent of {node} says at {agent}");
        return Some(obstacle(ObstacleKind::Refuses, problem.clone(), change));
    }
    let change = format!("wait until {node} has said what it runs");
    (!view.seen.answered).then(|| obstacle(ObstacleKind::NotHeard, "up, and has not said yet what it runs", change))
}

/// Drivers that its agent lacks, as far as it has said which it has.
fn drivers(
    snapshot: &Snapshot,
    group: &GroupName,
    view: &GroupView,
    node: &NodeName,
    candidate: &NodeView,
) -> Vec<Obstacle> {
    if !candidate.speaks() {
        return Vec::new();
    }
    let missing = |resource: &&ResourceSpec| !candidate.seen.drivers.contains(&resource.resource_type());
    let mut found: Vec<Obstacle> = view
        .spec
        .resources
        .iter()
        .filter(missing)
        .map(|resource| {
            let kind = resource.resource_type();
            if kind == ResourceType::Unspecified {
                let name = host_of(snapshot, group, resource).map_or(resource.name.as_str(), |host| host.name.as_str());
                let reason = format!("nothing says what host {name} runs");
                return obstacle(ObstacleKind::NothingToRun, reason, format!("give host {name} a `run`"));
            }
            let kind = kind.as_str();
            obstacle(
                ObstacleKind::MissingDriver,
                format!("has no driver for resources of type {kind}"),
                format!("install an agent with the driver `{kind}` on {node}"),
            )
        })
        .collect();
    found.dedup();
    found
}

/// What keeps `group` from being started anywhere.
pub(super) fn of_group(draft: &Draft<'_>, group: &GroupName) -> Vec<Obstacle> {
    let Some(view) = draft.snapshot.groups.get(group) else { return Vec::new() };
    let mut found = Vec::new();
    if view.retired {
        let change = format!("put {group} back into `groups`");
        found.push(obstacle(ObstacleKind::Retired, "it is no longer in the topology", change));
    }
    if view.wanted == GroupWanted::Offline {
        let change = format!("bring {group} online");
        found.push(obstacle(ObstacleKind::WantedOffline, "it is wanted offline", change));
    }
    let standing = draft.standing(group);
    if let Some(mark) = &standing.mark {
        let change = match mark.held {
            Some(_) => format!("take away what holds it, or move {group}: it goes on then"),
            None => format!("reset {group}, or wait until {}", clock(mark.retry_at)),
        };
        found.push(obstacle(ObstacleKind::Failed, mark.reason.clone(), change));
    }
    if standing.placement.owner().is_some() {
        return found; // it runs: nothing below is about it
    }
    for reason in blockers(draft, group) {
        let change = "wait until that node has said what it runs, or is proven to be down";
        found.push(obstacle(ObstacleKind::MayStillRun, reason, change));
    }
    found.extend(held_back(draft, group));
    for reason in needs::unmet(draft, group) {
        found.push(obstacle(
            ObstacleKind::NeedsGroup,
            reason,
            "bring that group online, or take it out of `depends_on`",
        ));
    }
    found
}

/// What keeps Locum from starting a free group by itself, unless it may begin again where it was.
fn held_back(draft: &Draft<'_>, group: &GroupName) -> Option<Obstacle> {
    let hold = hold::of_start(draft, group)?;
    if returns(draft, group, &hold).is_some_and(|last| choice(draft, group).is_eligible(&last)) {
        return None;
    }
    let change = match hold.by {
        Some(HeldBy::Maintenance) => format!("end that maintenance, or bring {group} online all the same"),
        Some(HeldBy::CommonDependency) => format!("bring that dependency back, or bring {group} online all the same"),
        None => format!("bring {group} online or move it: an operator's word overrides this"),
    };
    Some(obstacle(ObstacleKind::HeldBack, hold.reason, change))
}
