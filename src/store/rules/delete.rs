//! When may a cluster be removed, and what ends with it?

use super::{Asked, Result};
use crate::domain::{Assignment, ChangeAction, EventKind, HostName, OperationState, Outcome, Ran};
use crate::store::state::{NewChange, NodeKept, State};
use crate::store::{Error, Expect};

/// Removes a cluster in which nothing has an owner and no node may run an instance. Its history stays; what was under way ends.
pub fn delete(state: &mut State, expect: Expect, asked: &Asked<'_>) -> Result<()> {
    expect.check("cluster", state.cluster.name.as_str(), Some(state.cluster.generation))?;
    let owned = state.placements.iter().filter_map(|(group, placement)| Some((group, placement.owner()?)));
    let owned: Vec<String> = owned.map(|(group, owner)| format!("{group} on {owner}")).collect();
    let name = state.cluster.name.clone();
    let told = |node: &NodeKept| {
        let vouched = node.confirmed_down.is_some();
        let told = node.assignment.iter().filter(|_| !vouched).flat_map(instances);
        told.cloned().collect::<Vec<_>>()
    };
    let running: Vec<String> = state
        .nodes
        .iter()
        .flat_map(|(node, object)| told(&object.kept).into_iter().map(move |host| format!("{host} on {node}")))
        .collect();
    if let Some(refused) = still_runs(name.as_str(), &owned, &running) {
        return Err(Error::Refused(refused));
    }
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

/// Why a cluster can't be removed, if anything in it has an owner or may run, as in `ftp on bts1`.
pub fn still_runs(cluster: &str, owned: &[String], instances: &[String]) -> Option<String> {
    if !owned.is_empty() {
        let owned = owned.join(", ");
        return Some(format!("cluster {cluster} still has groups with an owner ({owned}); take them offline first"));
    }
    (!instances.is_empty()).then(|| {
        format!(
            "nodes of cluster {cluster} may still run instances of hosts ({}), which no lease ends; remove these instances first",
            instances.join(", ")
        )
    })
}

/// The hosts of which a node with this assignment may run an instance.
fn instances(assignment: &Assignment) -> impl Iterator<Item = &HostName> {
    let leaving = assignment.leaving.iter().filter(|leaving| leaving.ran == Ran::Instance);
    assignment.instances.iter().map(|instance| &instance.host).chain(leaving.map(|leaving| &leaving.host))
}
