//! Which failovers have ended, and how?

use super::draft::Draft;
use super::needs;
use super::snapshot::GroupView;
use crate::domain::{GroupName, GroupState, NodeState, Outcome};

/// Closes the failovers whose end is seen.
pub(super) fn settle(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    for (name, group) in snapshot.groups.iter().filter(|(_, group)| group.open.is_some()) {
        if let Some((outcome, reason)) = outcome(draft, name, group) {
            draft.close(name, outcome, reason);
        }
    }
}

fn outcome(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> Option<(Outcome, String)> {
    if group.retired {
        return Some((Outcome::Superseded, "the group is no longer in the topology".to_owned()));
    }
    if !group.is_wanted() {
        return Some((Outcome::Superseded, "the group is wanted offline now".to_owned()));
    }
    let owner = group.placement.assigned_to()?;
    if draft.snapshot.nodes.get(owner).is_some_and(|node| node.seen.state == NodeState::Down) {
        return Some((Outcome::Failed, format!("{owner} was lost before the group was online there")));
    }
    let seen = draft.snapshot.seen_on_owner(name)?;
    if let Some(failure) = &seen.failure {
        return Some((Outcome::Failed, format!("{} on {owner}: {}", failure.resource, failure.reason)));
    }
    if let Some(missing) = draft.snapshot.lacks(name) {
        return Some((Outcome::Succeeded, needs::online_on(owner, &missing)));
    }
    match seen.state {
        GroupState::Failed | GroupState::PartialOnline => {
            Some((Outcome::Failed, format!("a resource failed on {owner} and stays failed by its restart policy")))
        }
        _ => None,
    }
}
