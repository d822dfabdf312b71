//! What do statistics need of a living cluster beside its history?

use crate::domain::statistics::History;
use crate::store::state::State;

/// The groups of the topology with their owners; what happened is for the backend to add.
pub fn history(state: &State) -> History {
    let owner = |group| state.placements.get(group).and_then(|placement| placement.last_owner.clone());
    let present = state.groups.iter().filter(|(_, group)| !group.retired);
    let groups = present.map(|(name, _)| (name.clone(), owner(name))).collect();
    History { groups, known_since: state.cluster.known_since, ..History::default() }
}
