//! How does a plan become what is stored? All of it, if what it rests on still holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Result, counts_on, fits};
use crate::domain::{Epoch, FailoverRecord, Operation, Outcome, PlacementPhase};
use crate::planner::Effects;
use crate::store::cluster::missing;
use crate::store::state::{NewKept, State};
use crate::store::{Basis, Error};

/// A plan on an unchanged generation names only what is there; else the whole commit is off.
pub fn commit(state: &mut State, basis: &Basis, effects: &Effects) -> Result<()> {
    let cluster = &mut state.cluster;
    let present = (cluster.generation, cluster.decision, cluster.reign);
    if present != (basis.generation, basis.decision, Some(basis.reign)) {
        return Err(Error::Outrun);
    }
    if effects.decision <= cluster.decision {
        return Err(Error::Refused(format!(
            "decision {} does not come after decision {}; a commit takes a higher one",
            effects.decision, cluster.decision
        )));
    }
    counts_on("decision", cluster.decision.0, effects.decision.0)?;
    cluster.decision = effects.decision;
    // Failovers stored before this commit no longer count; those that it opens do.
    state.journal.forgiven.clone_from(&effects.budgets_reset);
    place(state, effects)?;
    write_failovers(state, effects)?;
    write_groups(state, effects)?;
    write_nodes(state, effects)?;
    for updated in &effects.operations {
        update(state, updated)?;
    }
    state.journal.kept = effects.kept.clone().map(|plan| {
        let failovers = effects.failovers.iter().map(|record| record.id).collect();
        NewKept { decision: effects.decision, plan, failovers }
    });
    effects.events.iter().cloned().for_each(|event| state.append(event));
    Ok(())
}

fn place(state: &mut State, effects: &Effects) -> Result<()> {
    for (group, new) in &effects.placements {
        if let PlacementPhase::Releasing { decision } = new.phase {
            fits("decision", decision.0)?;
        }
        let old = state.placements.get(group).map_or(Epoch(0), |placement| placement.epoch);
        if new.epoch < old {
            return Err(Error::Refused(format!(
                "group {group} was placed under a higher epoch than {}; an epoch never goes down",
                new.epoch
            )));
        }
        counts_on("epoch", old.0, new.epoch.0)?;
        Arc::make_mut(&mut state.placements).insert(group.clone(), new.clone());
    }
    Ok(())
}

/// A group has one open failover at most, and may end one and open another at once.
fn write_failovers(state: &mut State, effects: &Effects) -> Result<()> {
    for new in &effects.failovers {
        fits("decision", new.decision.0)?;
        fits("epoch", new.epoch.unwrap_or_default().0)?;
        fits("max_overlap_ms", new.max_overlap_ms)?;
        if state.taken.contains(&new.id) {
            return Err(Error::Exists { kind: "failover", name: new.id.to_string(), actual: None });
        }
        let record = match state.failovers.get(&new.id) {
            Some(old) => updated(old, new),
            None => FailoverRecord { cluster: state.cluster.name.clone(), ..new.clone() },
        };
        state.failovers.insert(new.id, record);
    }
    let mut open = BTreeSet::new();
    for record in state.failovers.values().filter(|record| record.outcome == Outcome::InProgress) {
        if !open.insert(&record.group) {
            return Err(Error::Refused(format!(
                "group {} has an open failover already; it ends before the next one begins",
                record.group
            )));
        }
    }
    Ok(())
}

/// What a plan writes of a record that is stored. Who acknowledged it is the operator's part.
fn updated(old: &FailoverRecord, new: &FailoverRecord) -> FailoverRecord {
    let FailoverRecord { cluster, group, acknowledged_by, acknowledged_at, comment, .. } = old.clone();
    FailoverRecord { cluster, group, acknowledged_by, acknowledged_at, comment, ..new.clone() }
}

fn write_groups(state: &mut State, effects: &Effects) -> Result<()> {
    for (name, mark) in &effects.marks {
        let group = state.groups.get_mut(name).ok_or_else(|| missing("group", name.as_str()))?;
        group.kept.failed.clone_from(mark);
    }
    for name in &effects.forget_groups {
        let retired = state.groups.get(name).is_some_and(|group| group.retired);
        let forgotten = retired.then(|| state.groups.remove(name));
        forgotten.ok_or_else(|| missing("retired group", name.as_str()))?;
    }
    Ok(())
}

fn write_nodes(state: &mut State, effects: &Effects) -> Result<()> {
    for (name, assignment) in &effects.assignments {
        let node = state.nodes.get_mut(name).ok_or_else(|| missing("node", name.as_str()))?;
        node.kept.assignment = Some(assignment.clone());
        node.kept.assigned_at = effects.decision;
    }
    for name in &effects.withdrawn_confirmations {
        let node = state.nodes.get_mut(name).ok_or_else(|| missing("node", name.as_str()))?;
        node.kept.confirmed_down = None;
    }
    for (name, losses) in &effects.losses {
        let node = state.nodes.get_mut(name).ok_or_else(|| missing("node", name.as_str()))?;
        node.kept.losses.clone_from(losses);
    }
    for name in &effects.forget_nodes {
        let retired = state.nodes.get(name).is_some_and(|node| node.retired);
        let forgotten = retired.then(|| state.nodes.remove(name));
        forgotten.ok_or_else(|| missing("retired node", name.as_str()))?;
    }
    Ok(())
}

/// What was asked for stays as it was accepted; a plan says where it stands.
fn update(state: &mut State, new: &Operation) -> Result<()> {
    let stored = state.operations.get_mut(&new.id).ok_or_else(|| missing("operation", &new.id.to_string()))?;
    stored.to.clone_from(&new.to);
    stored.state = new.state;
    stored.phase = new.phase;
    stored.phases.clone_from(&new.phases);
    stored.progress = new.progress;
    stored.message.clone_from(&new.message);
    stored.next_step.clone_from(&new.next_step);
    stored.ended_at = new.ended_at;
    Ok(())
}
