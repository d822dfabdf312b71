//! In which order are groups placed and started?

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::snapshot::{GroupView, Snapshot};
use crate::domain::GroupName;

/// Every group: what it depends on comes before it, then the higher priority, then the name. In a circle of dependencies
/// the group that would be first without them is.
pub(super) fn start_order(snapshot: &Snapshot) -> Vec<(&GroupName, &GroupView)> {
    let mut wished: Vec<(&GroupName, &GroupView)> = snapshot.groups.iter().collect();
    wished.sort_by_key(|(_, group)| Reverse(group.spec.priority)); // keeps the order of names
    if snapshot.groups.values().all(|group| group.spec.depends_on.is_empty()) {
        return wished;
    }
    let mut order = Vec::with_capacity(wished.len());
    let mut begun = BTreeSet::new();
    for first in wished {
        // A stack of our own: a chain of dependencies may be as long as there are groups.
        let mut path = vec![(first, None)];
        while let Some((group, waits)) = path.pop() {
            let waits = match waits {
                None if !begun.insert(group.0) => continue,
                None => needed(snapshot, group.1),
                Some(waits) => waits,
            };
            match waits.split_last() {
                None => order.push(group),
                Some((next, others)) => {
                    path.push((group, Some(others.to_vec())));
                    path.push((*next, None));
                }
            }
        }
    }
    order
}

/// The groups that `name` depends on, the first one last.
fn needed<'a>(snapshot: &'a Snapshot, group: &GroupView) -> Vec<(&'a GroupName, &'a GroupView)> {
    let wanted = group.spec.depends_on.iter();
    let mut known: Vec<_> = wanted.filter_map(|needed| snapshot.groups.get_key_value(needed)).collect();
    known.sort_by_key(|(name, group)| (group.spec.priority, Reverse(*name)));
    known.dedup_by_key(|(name, _)| *name);
    known
}
