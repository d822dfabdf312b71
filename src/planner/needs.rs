//! Which groups must be online before another one starts, and is a group online enough?
//!
//! Only starts wait: a group that runs goes on when one that it depends on goes away.

use super::draft::Draft;
use super::snapshot::{GroupView, SeenGroup, SeenResource, Snapshot};
use crate::domain::{GroupName, GroupSpec, GroupState, ResourceState};

/// What a start of `group` waits for, as sentences that name the groups.
pub(super) fn unmet(draft: &Draft<'_>, group: &GroupView) -> Vec<String> {
    group.spec.depends_on.iter().filter_map(|needed| why_not_online(draft, needed)).collect()
}

/// Why `name`, which runs, would not start again now if it stopped: what it starts after, and hosts of it that may still run
/// as something else. Whoever may choose when it stops leaves it where it is until then.
pub(super) fn would_wait(draft: &Draft<'_>, (name, group): (&GroupName, &GroupView)) -> Vec<String> {
    let mut reasons = unmet(draft, group);
    reasons.extend(draft.leavers().blockers(name));
    reasons
}

fn why_not_online(draft: &Draft<'_>, needed: &GroupName) -> Option<String> {
    let snapshot = draft.snapshot;
    let Some(group) = snapshot.groups.get(needed) else {
        return Some(format!("group {needed} must be online first, and is not in the topology"));
    };
    if snapshot.lacks(needed).is_some() {
        return None;
    }
    let standing = draft.standing(needed);
    Some(if group.retired {
        format!("group {needed} must be online first, and leaves the topology")
    } else if !group.is_wanted() {
        format!("group {needed} must be online first, and is wanted offline")
    } else if let Some(mark) = &standing.mark {
        format!("group {needed} must be online first, and failed: {}", mark.reason)
    } else {
        format!("group {needed} must be online first")
    })
}

impl Snapshot {
    /// The resources that a group that counts as online lacks: none, or only such as are not critical. `None` for a group
    /// that does not count as online.
    pub(super) fn lacks(&self, name: &GroupName) -> Option<Vec<&SeenResource>> {
        lacks(&self.groups.get(name)?.spec, self.seen_on_owner(name)?)
    }
}

/// The same for what a node says of a group.
pub(super) fn lacks<'a>(spec: &GroupSpec, seen: &'a SeenGroup) -> Option<Vec<&'a SeenResource>> {
    match seen.state {
        GroupState::Online => Some(Vec::new()),
        GroupState::PartialOnline if seen.failure.is_none() => {
            let critical = |resource: &SeenResource| {
                spec.resources.iter().find(|wanted| wanted.name == resource.name).is_none_or(|wanted| wanted.critical)
            };
            let missing: Vec<_> = seen.resources.iter().filter(|r| r.state != ResourceState::Online).collect();
            (!missing.is_empty() && !missing.iter().any(|resource| critical(resource))).then_some(missing)
        }
        _ => None,
    }
}

/// "online on bts1", or "online on bts1, without log, which is not critical".
pub(super) fn online_on(owner: &crate::domain::NodeName, missing: &[&SeenResource]) -> String {
    let names: Vec<&str> = missing.iter().map(|resource| resource.name.as_str()).collect();
    match names.as_slice() {
        [] => format!("online on {owner}"),
        [one] => format!("online on {owner}, without {one}, which is not critical"),
        several => format!("online on {owner}, without {}, which are not critical", several.join(", ")),
    }
}
