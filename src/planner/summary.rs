//! What does a plan do, in words that an operator reads before saying yes?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::finish;
use super::instances::Leavers;
use super::plan::Plan;
use super::snapshot::{GroupView, Snapshot};
use crate::domain::{GroupName, NodeName, NodeState, Placement};

/// A plan in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct PlanSummary {
    /// In the order of the groups' names.
    pub lines: Vec<PlanLine>,
    /// Whether a group that runs now would stop, restart or move.
    pub disturbs: bool,
}

/// What happens to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanLine {
    pub action: PlanAction,
    pub group: GroupName,
    pub from: Option<NodeName>,
    pub to: Option<NodeName>,
    /// A sentence.
    pub reason: String,
}

/// What kind of thing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    Start,
    Stop,
    Move,
    /// Its resources changed: those restart in place.
    Restart,
    /// It should run and no node can take it, or it is held back.
    Wait,
    /// It leaves the topology.
    Remove,
}

/// The plan in an operator's words: one line for each group that it touches or can't place.
pub(super) fn summarize(snapshot: &Snapshot, plan: &Plan) -> PlanSummary {
    let stored = snapshot.groups.iter().map(|(name, group)| (name, &group.placement));
    let leavers = Leavers::of(snapshot, stored);
    let lines: Vec<PlanLine> =
        snapshot.groups.iter().filter_map(|group| line(snapshot, plan, &leavers, group)).collect();
    let stops = |line: &PlanLine| {
        let owner = snapshot.groups.get(&line.group).and_then(|group| group.placement.assigned_to());
        let node = owner.and_then(|owner| snapshot.nodes.get(owner));
        let may_run = node.is_some_and(|node| node.seen.state != NodeState::Down);
        may_run && !matches!(line.action, PlanAction::Wait | PlanAction::Start)
    };
    PlanSummary { disturbs: lines.iter().any(stops), lines }
}

fn line(
    snapshot: &Snapshot,
    plan: &Plan,
    leavers: &Leavers<'_>,
    (name, group): (&GroupName, &GroupView),
) -> Option<PlanLine> {
    let owner = group.placement.owner().cloned();
    let say = |action, from: Option<NodeName>, to: Option<NodeName>, reason: String| {
        Some(PlanLine { action, group: name.clone(), from, to, reason })
    };
    if let Some(release) = plan.releases.iter().find(|release| release.group == *name) {
        let to = release.failover.as_ref().and_then(|intent| intent.to.clone());
        let action = match &release.failover {
            Some(_) => PlanAction::Move,
            None if group.retired => PlanAction::Remove,
            None => PlanAction::Stop,
        };
        return say(action, owner, to, release.reason.clone());
    }
    if let Some(adoption) = plan.adoptions.iter().find(|adoption| adoption.group == *name) {
        return say(PlanAction::Start, None, Some(adoption.node.clone()), adoption.reason.clone());
    }
    if let Some(place) = plan.placements.iter().find(|place| place.group == *name) {
        let from = group.placement.last_owner.clone().filter(|last| *last != place.to);
        let action = if from.is_some() { PlanAction::Move } else { PlanAction::Start };
        return say(action, from, Some(place.to.clone()), place.reason.clone());
    }
    if group.retired {
        let gone = plan.forget_groups.contains(name);
        return gone.then_some(()).and_then(|()| say(PlanAction::Remove, owner, None, "nothing holds it".to_owned()));
    }
    if let Some(reasoning) = plan.reasons.get(name).filter(|reasoning| reasoning.chosen.is_none()) {
        return say(PlanAction::Wait, owner, None, reasoning.summary.clone());
    }
    let restarts = restarts(snapshot, name, &group.placement, leavers);
    let reason = "its resources changed".to_owned();
    restarts.then_some(()).and_then(|()| say(PlanAction::Restart, owner.clone(), owner, reason))
}

/// Whether the resources that its owner runs differ from those wanted.
fn restarts(snapshot: &Snapshot, name: &GroupName, placement: &Placement, leavers: &Leavers<'_>) -> bool {
    let Some((owner, node)) = placement.assigned_to().and_then(|owner| snapshot.nodes.get_key_value(owner)) else {
        return false;
    };
    let wanted = finish::assignment(snapshot, owner, std::iter::once((name, placement)), leavers);
    let told = node.assignment.groups.iter().find(|assigned| assigned.group == *name);
    told.is_some_and(|told| wanted.groups.iter().any(|wanted| wanted.resources != told.resources))
}
