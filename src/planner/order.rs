//! In which order are groups placed and started?

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::snapshot::Snapshot;
use crate::domain::GroupName;

/// Every group: what it depends on comes before it, then the higher priority, then the name. In a circle of dependencies
/// the group that would be first without them is.
pub(super) fn start_order(snapshot: &Snapshot) -> Vec<&GroupName> {
    let mut wished: Vec<&GroupName> = snapshot.groups.keys().collect();
    wished.sort_by_key(|name| Reverse(snapshot.groups[*name].spec.priority)); // keeps the order of names
    if snapshot.groups.values().all(|group| group.spec.depends_on.is_empty()) {
        return wished;
    }
    let mut order = Vec::with_capacity(wished.len());
    let mut begun = BTreeSet::new();
    for first in wished {
        // A stack of our own: a chain of dependencies may be as long as there are groups.
        let mut path = vec![(first, None)];
        while let Some((name, waits)) = path.pop() {
            let waits = match waits {
                None if !begun.insert(name) => continue,
                None => needed(snapshot, name),
                Some(waits) => waits,
            };
            match waits.split_last() {
                None => order.push(name),
                Some((next, others)) => {
                    path.push((name, Some(others.to_vec())));
                    path.push((*next, None));
                }
            }
        }
    }
    order
}

/// The groups that `name` depends on, the first one last.
fn needed<'a>(snapshot: &'a Snapshot, name: &GroupName) -> Vec<&'a GroupName> {
    let wanted = snapshot.groups[name].spec.depends_on.iter();
    let mut known: Vec<_> = wanted.filter_map(|needed| snapshot.groups.get_key_value(needed)).collect();
    known.sort_by_key(|(name, group)| (group.spec.priority, Reverse(*name)));
    known.dedup_by_key(|(name, _)| *name);
    known.into_iter().map(|(name, _)| name).collect()
}
