//! Should a group go back to a preferred owner that can take it again?
//!
//! Only from where Locum put it: what an operator moved stays until the next change of owner.

use jiff::Timestamp;

use super::candidates::{self, Search};
use super::draft::Draft;
use super::snapshot::GroupView;
use super::window::{Window, hours, window};
use super::words::when;
use super::{hold, needs};
use crate::domain::{FailbackPolicy, GroupName, NodeName, NodeWanted};

/// A group that would go back.
pub(super) struct Back<'a> {
    pub to: &'a NodeName,
    window: Window,
}

impl Back<'_> {
    pub fn is_due(&self) -> bool {
        matches!(self.window, Window::Open)
    }

    /// When the window opens that it waits for.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.window {
            Window::Closed(at) => Some(at),
            Window::Open | Window::Unreadable(_) => None,
        }
    }
}

/// Why a group is not on a better preferred owner, or when it goes there, as a sentence.
pub(super) fn note<'a>(draft: &Draft<'a>, (name, group): (&'a GroupName, &'a GroupView)) -> Option<String> {
    let Some(back) = back(draft, (name, group)) else {
        let preferred = group.placement.assigned_to().map_or(0, |owner| candidates::preference(group, owner));
        let chosen = group.placement.by_operator && preferred > 0 && !group.spec.preferred_owners.is_empty();
        return chosen.then(|| "an operator moved it here, so it does not fail back".to_owned());
    };
    let to = &back.to;
    match &back.window {
        Window::Open => None,
        Window::Closed(at) => {
            let (hours, at) = (hours(&group.spec.failback), when(*at, draft.snapshot.now));
            Some(format!("it goes back to {to} in its failback window, {hours}: not before {at}"))
        }
        Window::Unreadable(why) => Some(format!("it does not go back to {to}: {why}")),
    }
}

/// The better preferred owner to which `name` would go back from the node that runs it, at once or later.
pub(super) fn back<'a>(draft: &Draft<'a>, (name, group): (&'a GroupName, &'a GroupView)) -> Option<Back<'a>> {
    let snapshot = draft.snapshot;
    let failback = &group.spec.failback;
    if failback.policy == FailbackPolicy::Never || group.spec.preferred_owners.is_empty() || !group.is_wanted() {
        return None;
    }
    let standing = draft.standing(name);
    let owner = standing.placement.assigned_to()?;
    let present = candidates::preference(group, owner);
    if present == 0
        || standing.placement.by_operator
        || standing.open.is_some()
        || draft.index.newest_move(name).is_some()
    {
        return None;
    }
    if draft.node(owner).is_none_or(|(_, node)| !node.speaks() || node.wanted != NodeWanted::Active) {
        return None;
    }
    if hold::maintenance_on(snapshot, name, owner).is_some() {
        return None;
    }
    // It would stop here, and not start there.
    let would_wait = hold::dependency(snapshot, name).is_some() || !needs::would_wait(draft, (name, group)).is_empty();
    if would_wait || snapshot.lacks(name).is_none() {
        return None;
    }
    let to = Search::new(draft, (name, group), None).better_preferred(present)?;
    let window = match failback.policy {
        FailbackPolicy::Window => window(failback, snapshot.now),
        FailbackPolicy::Immediate | FailbackPolicy::Never => Window::Open,
    };
    Some(Back { to, window })
}
