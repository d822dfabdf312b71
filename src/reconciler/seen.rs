//! How does an agent's report become part of a snapshot? From the wire's words and the agent's clock to ours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Epoch, EventKind, GroupName, GroupState, HostName, NewEvent, NodeName, PlacementPhase, ResourceState, ResourceType,
    Revision, Ticks,
};
use crate::lease;
use crate::planner::Snapshot;
use crate::planner::snapshot::{NodeView, SeenFailure, SeenGroup, SeenResource};
use crate::wire::{AppliedDecision, Grant, Observation, ObservedGroup, ObservedInstance, ObservedResource, Stamp};

/// An observation and what it means on our clock, worked out once when it came.
#[derive(Debug, Clone)]
pub(super) struct Received {
    observation: Observation,
    groups: BTreeMap<GroupName, SeenGroup>,
    instances: BTreeMap<HostName, SeenResource>,
}

impl Received {
    pub(super) fn new(observation: Observation, now: Timestamp) -> Self {
        let groups = observation
            .groups
            .iter()
            .map(|group| (group.group.clone(), seen_group(group, observation.stamp.ticks, now)))
            .collect();
        let seen = |instance: &ObservedInstance| (instance.host.clone(), seen_resource(&instance.resource));
        let instances = observation.instances.iter().map(seen).collect();
        Self { observation, groups, instances }
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.observation.stamp
    }

    pub(super) fn revision(&self) -> Revision {
        self.observation.revision
    }

    pub(super) fn applied(&self) -> Option<AppliedDecision> {
        self.observation.applied
    }

    pub(super) fn drivers(&self) -> BTreeSet<ResourceType> {
        self.observation.drivers.iter().copied().collect()
    }

    pub(super) fn groups(&self) -> BTreeMap<GroupName, SeenGroup> {
        self.groups.clone()
    }

    pub(super) fn instances(&self) -> BTreeMap<HostName, SeenResource> {
        self.instances.clone()
    }

    /// Whether a plan would see no difference.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let (a, b) = (&self.observation, &other.observation);
        let same = a.applied == b.applied && a.groups == b.groups && a.instances == b.instances;
        same && a.drivers == b.drivers && a.epochs == b.epochs
    }
}

fn seen_group(group: &ObservedGroup, stamped: Ticks, now: Timestamp) -> SeenGroup {
    let wall = |ticks: Ticks| {
        let ago = SignedDuration::try_from(stamped.since(ticks)).unwrap_or_default();
        now.checked_sub(ago).unwrap_or(now)
    };
    SeenGroup {
        epoch: group.epoch,
        state: group.state,
        running: group.running,
        begun_at: group.begun_at.map(wall),
        online_at: group.online_at.map(wall),
        failure: group.failure.as_ref().map(|failure| SeenFailure {
            kind: failure.kind,
            resource: failure.resource.clone(),
            reason: failure.reason.clone(),
            at: wall(failure.at),
        }),
        resources: group.resources.iter().map(seen_resource).collect(),
    }
}

fn seen_resource(resource: &ObservedResource) -> SeenResource {
    SeenResource {
        name: resource.name.clone(),
        state: resource.state,
        pid: resource.pid,
        bounded: resource.bounded,
        restarts: resource.restarts,
        message: resource.message.clone(),
    }
}

/// What happened to groups, resources and instances between two reports of a node.
pub(super) fn events(node: &NodeName, earlier: Option<&Received>, later: &Received, at: Timestamp) -> Vec<NewEvent> {
    let mut events = Vec::new();
    for (name, group) in &later.groups {
        let before =
            earlier.and_then(|received| received.groups.get(name)).filter(|before| before.epoch == group.epoch);
        if group.state == GroupState::Online && before.is_none_or(|before| before.state != GroupState::Online) {
            let message = format!("{name} is online on {node}");
            events.push(NewEvent { at, kind: EventKind::GroupOnline, subject: name.to_string(), message });
        }
        for resource in &group.resources {
            let was = before.and_then(|before| before.resources.iter().find(|r| r.name == resource.name));
            let subject = format!("{name}/{}", resource.name);
            of_resource(&mut events, was, resource, &subject, (node, at));
        }
    }
    for (host, instance) in &later.instances {
        let was = earlier.and_then(|received| received.instances.get(host));
        of_resource(&mut events, was, instance, host.as_str(), (node, at));
    }
    events
}

/// Restarts and failures of a resource, or of an instance.
fn of_resource(
    events: &mut Vec<NewEvent>,
    was: Option<&SeenResource>,
    is: &SeenResource,
    subject: &str,
    (node, at): (&NodeName, Timestamp),
) {
    let why = is.message.as_deref().unwrap_or("no reason was given");
    let mut tell = |kind, what: &str| {
        let message = format!("{subject} {what} on {node}: {why}");
        events.push(NewEvent { at, kind, subject: subject.to_owned(), message });
    };
    if was.is_some_and(|was| was.restarts < is.restarts) {
        tell(EventKind::ResourceRestarted, "restarts");
    }
    if is.state == ResourceState::Failed && was.is_none_or(|was| was.state != ResourceState::Failed) {
        tell(EventKind::ResourceFailed, "failed");
    }
}

/// Agents may have heard of higher epochs than a restored database knows. Where nobody owns the group the next epoch is
/// above them, but for who runs it: what runs under a higher epoch than all others know is taken over with that epoch.
/// Where the owner knows a higher one, that shows as what it holds; where another node does, one above it.
pub(super) fn raise_epochs<'a>(
    snapshot: &mut Snapshot,
    observations: impl Iterator<Item = (&'a NodeName, &'a Received)>,
) {
    for (node, received) in observations {
        for (name, epoch) in &received.observation.epochs {
            let Some(group) = snapshot.groups.get_mut(name).filter(|group| group.placement.epoch < *epoch) else {
                continue;
            };
            let runs_it = received.groups.get(name).is_some_and(|seen| seen.running && seen.epoch == *epoch);
            match group.placement.phase {
                PlacementPhase::Never | PlacementPhase::Released { .. } if runs_it => {}
                PlacementPhase::Never | PlacementPhase::Released { .. } => group.placement.epoch = *epoch,
                PlacementPhase::Held | PlacementPhase::Releasing { .. } if group.placement.owner() == Some(node) => {
                    if let Some(view) = snapshot.nodes.get_mut(node) {
                        view.seen.groups.entry(name.clone()).or_insert_with(|| idle(*epoch));
                    }
                }
                PlacementPhase::Held if !runs_it => {
                    let owner = group.placement.owner().and_then(|owner| snapshot.nodes.get_mut(owner));
                    owner.into_iter().for_each(|owner| outdo(owner, name, *epoch));
                }
                PlacementPhase::Held | PlacementPhase::Releasing { .. } => {}
            }
        }
    }
}

/// Another node had the group under a higher epoch and no longer runs it: the owner begins above that, unless it runs
/// it already.
fn outdo(owner: &mut NodeView, group: &GroupName, epoch: Epoch) {
    let seen = owner.seen.groups.entry(group.clone()).or_insert_with(|| idle(epoch.next()));
    if !seen.running && seen.epoch <= epoch {
        *seen = idle(epoch.next());
    }
}

fn idle(epoch: Epoch) -> SeenGroup {
    SeenGroup {
        epoch,
        state: GroupState::Offline,
        running: false,
        begun_at: None,
        online_at: None,
        failure: None,
        resources: Vec::new(),
    }
}

pub(super) fn lease_stamp(stamp: Stamp) -> lease::Stamp {
    lease::Stamp { incarnation: stamp.incarnation, ticks: stamp.ticks }
}

/// A grant in the wire's words.
pub(super) fn wire_grant(grant: &lease::Grant) -> Grant {
    Grant {
        echo: grant.echo.map(|stamp| Stamp { incarnation: stamp.incarnation, ticks: stamp.ticks }),
        decision: grant.decision,
        ttl_ms: u64::try_from(grant.ttl.as_millis()).unwrap_or(u64::MAX),
    }
}
