//! When may a cluster be removed, and what ends with it?

use super::{Asked, Result};
use crate::domain::{ChangeAction, EventKind, OperationState, Outcome, still_runs};
use crate::store::cluster::Cluster;
use crate::store::state::{NewChange, State};
use crate::store::{Error, Expect};

/// Removes a cluster in which nothing has an owner and no node may run an instance. Its history stays; what was under way ends.
pub fn delete(state: &mut State, expect: Expect, asked: &Asked<'_>) -> Result<()> {
    let Cluster { name, generation, policy, .. } = &state.cluster;
    expect.check("cluster", name.as_str(), Some(*generation))?;
    expect.demand(policy, *generation)?;
    let owned = state.placements.iter().filter_map(|(group, placement)| Some((group, placement.owner()?)));
    let told = state.nodes.iter().filter(|(_, node)| node.kept.confirmed_down.is_none());
    let told = told.filter_map(|(name, node)| Some((name, node.kept.assignment.as_ref()?)));
    if let Some(refused) = still_runs(name, owned, told) {
        return Err(Error::Refused(refused));
    }
    let name = name.clone();
    state.cluster.count_change();
    let (actor, action) = (asked.actor.clone(), ChangeAction::DeleteCluster);
    let message = "deleted the cluster".to_owned();
    state.journal.change = Some(NewChange { at: asked.at, actor, action, message });
    state.note(asked.at, EventKind::TopologyChanged, name, format!("{} deleted the cluster", asked.actor));
    for operation in state.operations.values_mut() {
        operation.end(OperationState::Superseded, "the cluster was deleted".to_owned(), asked.at);
    }
    for record in state.failovers.values_mut() {
        record.outcome = Outcome::Superseded;
    }
    state.deleted = true;
    Ok(())
}
