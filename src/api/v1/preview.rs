//! What would a change do to a cluster as it is seen now? A plan of another snapshot, in words.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::api::AppState;
use crate::api::problem::ApiError;
use crate::domain::{
    ClusterName, Confirmation, Generation, GroupWanted, NodeName, NodeState, NodeWanted, OperationKind, OperationState,
    TopologySpec,
};
use crate::planner::snapshot::NodeView;
use crate::planner::{self, PlanAction, PlanLine, PlanSummary, Snapshot};
use crate::store::NewOperation;

/// A cluster as it is seen at one moment, to ask what another topology would do.
#[derive(Clone)]
pub struct Outlook {
    seen: Arc<Snapshot>,
    now: Timestamp,
}

impl Outlook {
    /// The present one; `generation` is that of a cluster that was not looked at yet.
    pub fn of(state: &AppState, cluster: &ClusterName, generation: Generation) -> Self {
        let (view, now) = (state.boards.view(cluster), state.clock.now());
        let seen = match view {
            Some(view) => Arc::clone(&view.snapshot),
            None => Arc::new(Snapshot::empty(cluster.clone(), generation, now)),
        };
        Self { seen, now }
    }

    /// What `spec` would do, in which operator state is as it is to be.
    pub fn with(&self, spec: &TopologySpec) -> PlanSummary {
        let present = Snapshot { now: self.now, ..(*self.seen).clone() };
        let after = planner::with_exact_topology(present, spec);
        let mut summary = summarize(&after);
        name_new_addresses(&self.seen, &after, &mut summary);
        summary
    }
}

/// No plan can know who answers at a new address. If it is another agent, what the node runs stops with its lease.
fn name_new_addresses(before: &Snapshot, after: &Snapshot, summary: &mut PlanSummary) {
    let is_new = |name: &NodeName, was: &NodeView| {
        after.nodes.get(name).filter(|is| !is.retired && is.spec.agent != was.spec.agent)
    };
    let new: BTreeMap<_, _> = before.nodes.iter().filter_map(|(name, was)| Some((name, is_new(name, was)?))).collect();
    if new.is_empty() {
        return;
    }
    for (name, group) in &before.groups {
        let Some(owner) = group.placement.owner() else { continue };
        let Some(is) = new.get(owner).filter(|_| !summary.lines.iter().any(|line| line.group == *name)) else {
            continue;
        };
        let reason = format!(
            "{owner} gets the address {}: if another agent answers there, {name} stops with its lease and fails over",
            is.spec.agent
        );
        let (from, to) = (Some(owner.clone()), Some(owner.clone()));
        let downtime_at_most = None;
        let (action, group) = (PlanAction::Wait, name.clone());
        summary.lines.push(PlanLine { action, group, from, to, downtime_at_most, reason });
        summary.disturbs = true;
    }
    summary.lines.sort_by(|a, b| a.group.cmp(&b.group));
}

/// What an operator's action would do.
pub async fn of_operation(
    state: &AppState,
    cluster: &ClusterName,
    new: &NewOperation,
) -> Result<PlanSummary, ApiError> {
    let mut snapshot = looked_at(state, cluster).await?;
    check(&snapshot, new)?;
    want(&mut snapshot, new);
    let decision = snapshot.decision.next();
    snapshot.operations.push(new.accepted(cluster.clone(), decision, None));
    let plan = planner::plan(&snapshot);
    let mut summary = planner::summarize(&snapshot, &plan);
    refuse(&snapshot, &plan, new, &mut summary);
    Ok(summary)
}

/// An action on a group that can't be done is no plan without lines: it says why.
fn refuse(snapshot: &Snapshot, plan: &planner::Plan, new: &NewOperation, summary: &mut PlanSummary) {
    let failed = plan.operations.iter().find(|step| step.id == new.id && step.state == OperationState::Failed);
    let group = snapshot.groups.get_key_value(new.target.as_str()).filter(|_| !new.kind.targets_node());
    if let Some((step, (name, view))) = failed.zip(group) {
        summary.lines.retain(|line| line.group != *name || line.action != PlanAction::Wait);
        let from = view.placement.owner().cloned();
        let next = step.next_step.as_ref().map_or_else(String::new, |next| format!("; {next}"));
        let (action, group, reason) = (PlanAction::Wait, name.clone(), format!("{}{next}", step.message));
        summary.lines.push(PlanLine { action, group, from, to: None, downtime_at_most: None, reason });
        summary.lines.sort_by(|a, b| a.group.cmp(&b.group));
    }
}

/// The cluster as it is seen, now.
pub async fn looked_at(state: &AppState, cluster: &ClusterName) -> Result<Snapshot, ApiError> {
    if let Some(snapshot) = present(state, cluster) {
        return Ok(snapshot);
    }
    state.store.topology(cluster).await?;
    Err(ApiError::unavailable(format!("cluster {cluster} was not looked at yet")))
}

fn present(state: &AppState, cluster: &ClusterName) -> Option<Snapshot> {
    let view = state.boards.view(cluster)?;
    Some(Snapshot { now: state.clock.now(), ..(*view.snapshot).clone() })
}

fn summarize(snapshot: &Snapshot) -> PlanSummary {
    planner::summarize(snapshot, &planner::plan(snapshot))
}

fn check(snapshot: &Snapshot, new: &NewOperation) -> Result<(), ApiError> {
    let target = new.target.as_str();
    let (kind, there) = match new.kind {
        // Also of a node that was removed, whose silence may hold up a group.
        OperationKind::ConfirmDown => ("node", snapshot.nodes.contains_key(target)),
        kind if kind.targets_node() => ("node", snapshot.nodes.get(target).is_some_and(|node| !node.retired)),
        _ => ("group", snapshot.groups.get(target).is_some_and(|group| !group.retired)),
    };
    if !there {
        return Err(ApiError::not_found(kind, target));
    }
    let nodes = snapshot.nodes.iter().filter(|(_, node)| !node.retired).map(|(name, _)| name);
    new.unknown_destination(&snapshot.cluster, nodes).map_or(Ok(()), |refused| Err(ApiError::refused(refused)))
}

/// The desired state that goes with the action.
fn want(snapshot: &mut Snapshot, new: &NewOperation) {
    let node = match new.kind {
        OperationKind::Pause => Some(NodeWanted::Paused),
        OperationKind::Drain => Some(NodeWanted::Drained),
        OperationKind::Resume => Some(NodeWanted::Active),
        _ => None,
    };
    let group = match new.kind {
        OperationKind::Online => Some(GroupWanted::Online),
        OperationKind::Offline => Some(GroupWanted::Offline),
        _ => None,
    };
    if let Some(view) = snapshot.nodes.get_mut(new.target.as_str()).filter(|_| new.kind.targets_node()) {
        view.wanted = node.unwrap_or(view.wanted);
        if new.kind == OperationKind::ConfirmDown {
            view.confirmed_down =
                Some(Confirmation { actor: new.actor.clone(), reason: new.reason.clone(), at: new.at });
            // What the next turn makes of it, where the node does not answer.
            if view.seen.state != NodeState::Up {
                view.seen.state = NodeState::Down;
                view.seen.vouched_for = true;
            }
        }
    }
    if let (Some(view), Some(wanted)) = (snapshot.groups.get_mut(new.target.as_str()), group) {
        view.wanted = wanted;
    }
}
