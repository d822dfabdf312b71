//! What does a plan do, in words that an operator reads before saying yes?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bounds;
use super::instances::{self, Leavers};
use super::plan::{Adoption, Place, Plan, Release};
use super::snapshot::{GroupView, NodeView, Snapshot};
use crate::domain::{
    GroupAssignment, GroupName, HostName, HumanDuration, NodeName, NodeState, ResourceList, ResourceSpec,
};

/// A plan in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct PlanSummary {
    /// In the order of the groups' names.
    pub lines: Vec<PlanLine>,
    /// Instances of unclustered hosts that start, stop or restart, by host and node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceLine>,
    /// Whether a group or an instance that runs now would stop, restart or move.
    pub disturbs: bool,
}

/// What happens to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanLine {
    pub action: PlanAction,
    pub group: GroupName,
    pub from: Option<NodeName>,
    pub to: Option<NodeName>,
    /// How long it does not run at worst, if it runs now and comes back: a bound by its timers, not a forecast. Of a lost
    /// node's group, counted from the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub downtime_at_most: Option<HumanDuration>,
    /// A sentence.
    pub reason: String,
}

/// What happens to an instance of an unclustered host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceLine {
    /// `start`, `stop` or `restart`.
    pub action: PlanAction,
    pub host: HostName,
    pub node: NodeName,
}

/// What kind of thing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    Start,
    Stop,
    Move,
    /// What its resources are started with changed: those restart in place. How they are probed, restarted and timed changes
    /// without.
    Restart,
    /// It should run and no node can take it, or it is held back.
    Wait,
    /// It leaves the topology.
    Remove,
}

/// The steps of a plan by their group.
struct Steps<'a> {
    plan: &'a Plan,
    releases: BTreeMap<&'a GroupName, &'a Release>,
    adoptions: BTreeMap<&'a GroupName, &'a Adoption>,
    placements: BTreeMap<&'a GroupName, &'a Place>,
    forgotten: BTreeSet<&'a GroupName>,
}

impl<'a> Steps<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            releases: plan.releases.iter().map(|release| (&release.group, release)).collect(),
            adoptions: plan.adoptions.iter().map(|adoption| (&adoption.group, adoption)).collect(),
            placements: plan.placements.iter().map(|place| (&place.group, place)).collect(),
            forgotten: plan.forget_groups.iter().collect(),
        }
    }

    fn touch(&self, group: &GroupName) -> bool {
        self.releases.contains_key(group) || self.adoptions.contains_key(group) || self.placements.contains_key(group)
    }
}

/// The plan in an operator's words: one line for each group that it touches or can't place.
pub(super) fn summarize(snapshot: &Snapshot, plan: &Plan) -> PlanSummary {
    let steps = Steps::of(plan);
    let lines: Vec<PlanLine> =
        snapshot.groups.iter().filter_map(|(name, group)| line(snapshot, &steps, name, group)).collect();
    let instances = instances(snapshot);
    let may_run = |node: Option<&NodeView>| node.is_some_and(|node| node.seen.state != NodeState::Down);
    let stops = |line: &PlanLine| {
        let owner = snapshot.groups.get(&line.group).and_then(|group| group.placement.assigned_to());
        let running = may_run(owner.and_then(|owner| snapshot.nodes.get(owner)));
        running && !matches!(line.action, PlanAction::Wait | PlanAction::Start)
    };
    let begins = |line: &InstanceLine| matches!(line.action, PlanAction::Wait | PlanAction::Start);
    let ends = |line: &InstanceLine| !begins(line) && may_run(snapshot.nodes.get(&line.node));
    PlanSummary { disturbs: lines.iter().any(stops) || instances.iter().any(ends), lines, instances }
}

fn line(snapshot: &Snapshot, steps: &Steps<'_>, name: &GroupName, group: &GroupView) -> Option<PlanLine> {
    let owner = group.placement.owner().cloned();
    let say = |action, from: Option<NodeName>, to: Option<NodeName>, reason: String| {
        Some(PlanLine { action, group: name.clone(), from, to, downtime_at_most: None, reason })
    };
    let down_for = |line: Option<PlanLine>, bound: HumanDuration| {
        line.map(|line| PlanLine { downtime_at_most: Some(bound), ..line })
    };
    if let Some(release) = steps.releases.get(name) {
        let to = release.failover.as_ref().and_then(|intent| intent.to.clone());
        let action = match &release.failover {
            Some(_) => PlanAction::Move,
            None if group.retired => PlanAction::Remove,
            None => PlanAction::Stop,
        };
        let line = say(action, owner, to, release.reason.clone());
        return if action == PlanAction::Move { down_for(line, moved(snapshot, steps, name, group)) } else { line };
    }
    if let Some(adoption) = steps.adoptions.get(name) {
        return say(PlanAction::Start, None, Some(adoption.node.clone()), adoption.reason.clone());
    }
    if let Some(place) = steps.placements.get(name) {
        let from = group.placement.last_owner.clone().filter(|last| *last != place.to);
        let action = if from.is_some() { PlanAction::Move } else { PlanAction::Start };
        let line = say(action, from, Some(place.to.clone()), place.reason.clone());
        let was_lost = group.placement.assigned_to().is_some();
        return if was_lost { down_for(line, bounds::lost(&group.spec, &snapshot.settings)) } else { line };
    }
    if group.retired {
        let gone = steps.forgotten.contains(name);
        return gone.then_some(()).and_then(|()| say(PlanAction::Remove, owner, None, "nothing holds it".to_owned()));
    }
    if let Some(reasoning) = steps.plan.reasons.get(name).filter(|reasoning| reasoning.chosen.is_none()) {
        return say(PlanAction::Wait, owner, None, reasoning.summary.clone());
    }
    if !restarts(snapshot, name, group) {
        return None;
    }
    let line = say(PlanAction::Restart, owner.clone(), owner, changed(snapshot, name, group));
    down_for(line, bounds::planned(&group.spec))
}

/// How long a group that its owner lets go does not run at worst: it starts after the groups that it depends on, and those
/// may be let go by the same plan.
fn moved(snapshot: &Snapshot, steps: &Steps<'_>, name: &GroupName, group: &GroupView) -> HumanDuration {
    let mut known = BTreeMap::new();
    HumanDuration::from(back_after(snapshot, steps, (name, group), &mut known))
}

fn back_after<'a>(
    snapshot: &'a Snapshot,
    steps: &Steps<'_>,
    (name, group): (&'a GroupName, &'a GroupView),
    known: &mut BTreeMap<&'a GroupName, Duration>,
) -> Duration {
    if let Some(known) = known.get(name) {
        return *known;
    }
    // Groups that depend on each other never start: one that is asked for again on the way adds nothing.
    known.insert(name, Duration::ZERO);
    let mut ready = bounds::stop(&group.spec);
    for needed in &group.spec.depends_on {
        let released = steps.releases.get(needed).is_some_and(|release| release.failover.is_some());
        if let Some(needed) = snapshot.groups.get_key_value(needed).filter(|_| released) {
            ready = ready.max(back_after(snapshot, steps, needed, known));
        }
    }
    let back = ready.saturating_add(bounds::start(&group.spec));
    known.insert(name, back);
    back
}

/// The groups whose resources change where they run.
pub(super) fn restarted<'a>(snapshot: &'a Snapshot, plan: &Plan) -> Vec<&'a GroupName> {
    let steps = Steps::of(plan);
    let stays = |name: &GroupName, group: &GroupView| !group.retired && !steps.touch(name);
    let groups = snapshot.groups.iter().filter(|(name, group)| stays(name, group) && restarts(snapshot, name, group));
    groups.map(|(name, _)| name).collect()
}

/// Whether the resources that its owner runs differ from those wanted.
fn restarts(snapshot: &Snapshot, name: &GroupName, group: &GroupView) -> bool {
    let differs = told(snapshot, name, group).is_some_and(|told| differ(&told.resources, &group.spec.resources));
    // Hosts that must wait are no change of what runs.
    let waits = || group.placement.assigned_to().is_some_and(|owner| instances::waits_only(snapshot, owner, name));
    differs && !waits()
}

/// Whether resources that run as `told` begin, stop or restart to be as `wanted`.
fn differ(told: &ResourceList, wanted: &ResourceList) -> bool {
    let goes_on = |told: &ResourceSpec| wanted.iter().any(|wanted| told.goes_on_as(wanted));
    // Most are one and the same list.
    told != wanted && (told.len() != wanted.len() || !told.iter().all(goes_on))
}

/// What the owner of a group, unless it is down, was told of it.
fn told<'a>(snapshot: &'a Snapshot, name: &GroupName, group: &GroupView) -> Option<&'a GroupAssignment> {
    let node = snapshot.nodes.get(group.placement.assigned_to()?).filter(|node| node.seen.state != NodeState::Down)?;
    // In the order of their names.
    let at = node.assignment.groups.binary_search_by(|assigned| assigned.group.cmp(name)).ok()?;
    Some(&node.assignment.groups[at])
}

/// What of a group begins, stops and restarts where it runs, and what of it has to wait for whom.
fn changed(snapshot: &Snapshot, name: &GroupName, group: &GroupView) -> String {
    let told: &[ResourceSpec] = told(snapshot, name, group).map_or(&[], |told| &told.resources);
    let wanted = &group.spec.resources;
    let before = |resource: &ResourceSpec| told.iter().find(|told| told.name == resource.name);
    let begin: Vec<&ResourceSpec> = wanted.iter().filter(|resource| before(resource).is_none()).collect();
    let stays = |told: &&ResourceSpec| !wanted.iter().any(|resource| resource.name == told.name);
    let differs = |resource: &&ResourceSpec| before(resource).is_some_and(|told| !told.goes_on_as(resource));
    let names = |resources: &mut dyn Iterator<Item = &ResourceSpec>| {
        resources.map(|resource| resource.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let parts = [
        (names(&mut begin.iter().copied()), "to begin"),
        (names(&mut told.iter().filter(stays)), "to stop"),
        (names(&mut wanted.iter().filter(differs)), "to restart"),
    ];
    let parts = parts.iter().filter(|(names, _)| !names.is_empty()).map(|(names, what)| format!("{names} {what}"));
    let parts: Vec<String> = parts.collect();
    let mut said = vec!["its resources changed".to_owned()];
    if !parts.is_empty() {
        said[0] = format!("{}: {}", said[0], parts.join(", "));
    }
    if begin.iter().any(|resource| snapshot.hosts.contains_key(resource.name.as_str())) {
        said.extend(Leavers::stored(snapshot).silent(name));
    }
    said.join("; ")
}

/// The instances of unclustered hosts that a node is told to run and was not before, and the reverse. One waits while its
/// host may still run in a group.
fn instances(snapshot: &Snapshot) -> Vec<InstanceLine> {
    let mut lines = Vec::new();
    let leavers = Leavers::stored(snapshot);
    for (name, node) in &snapshot.nodes {
        let wanted: BTreeMap<_, _> = leavers.instances_of(name).collect();
        let told: BTreeMap<_, _> = node.assignment.instances.iter().map(|told| (&told.host, &told.resource)).collect();
        let mut say = |action, host: &HostName| {
            lines.push(InstanceLine { action, host: host.clone(), node: name.clone() });
        };
        for (host, resource) in &wanted {
            match told.get(host) {
                None => say(PlanAction::Start, host),
                Some(told) if !told.goes_on_as(resource) => say(PlanAction::Restart, host),
                Some(_) => {}
            }
        }
        let later = leavers.mapped_to(name).filter(|(host, _)| !node.retired && !wanted.contains_key(host));
        later.filter(|(host, _)| !told.contains_key(host)).for_each(|(host, _)| say(PlanAction::Wait, host));
        told.keys().filter(|host| !wanted.contains_key(*host)).for_each(|host| say(PlanAction::Stop, host));
    }
    lines.sort_by(|a, b| (&a.host, &a.node).cmp(&(&b.host, &b.node)));
    lines
}
