//! Which groups keep away from each other, and do two of them share a node?

use std::collections::BTreeSet;

use foldhash::HashMap;

use super::draft::Draft;
use super::snapshot::{GroupView, Snapshot};
use crate::domain::{AntiAffinity, GroupName, NodeName};

/// Where the groups of each anti-affinity class are, or are bound for.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Neighbours<'a> {
    classes: HashMap<&'a str, Class<'a>>,
}

#[derive(Debug, PartialEq, Eq, Default)]
struct Class<'a> {
    groups: HashMap<&'a NodeName, BTreeSet<&'a GroupName>>,
    /// How many of the nodes that may get groups have one of them.
    taken: usize,
}

impl<'a> Neighbours<'a> {
    /// `group` is on `node`, or bound for it. `may_get` says whether that node may get groups.
    pub fn add(&mut self, (name, view): (&'a GroupName, &'a GroupView), node: &'a NodeName, may_get: bool) {
        for class in &view.spec.anti_affinity {
            let class = self.classes.entry(class).or_default();
            let there = class.groups.entry(node).or_default();
            class.taken += usize::from(may_get && there.is_empty());
            there.insert(name);
        }
    }

    /// It is no longer there.
    pub fn remove(&mut self, (name, view): (&GroupName, &GroupView), node: &NodeName, may_get: bool) {
        for class in &view.spec.anti_affinity {
            let Some(class) = self.classes.get_mut(class.as_str()) else { continue };
            let Some(there) = class.groups.get_mut(node) else { continue };
            if there.remove(name) && there.is_empty() {
                class.groups.remove(node);
                class.taken -= usize::from(may_get);
            }
        }
    }

    /// The groups that keep away from `group` and are on `node`, or bound for it.
    fn on<'s>(
        &'s self,
        (name, view): (&'s GroupName, &'s GroupView),
        node: &'s NodeName,
    ) -> impl Iterator<Item = &'a GroupName> + 's {
        let classes = view.spec.anti_affinity.iter().filter_map(|class| self.classes.get(class.as_str()));
        let there = classes.filter_map(move |class| class.groups.get(node)).flatten().copied();
        there.filter(move |other| *other != name)
    }

    /// The most nodes, of those that may get groups, that one of the group's classes has taken.
    pub fn taken(&self, group: &GroupView) -> usize {
        let classes = group.spec.anti_affinity.iter().filter_map(|class| self.classes.get(class.as_str()));
        classes.map(|class| class.taken).max().unwrap_or_default()
    }
}

pub(super) fn is_enforced(snapshot: &Snapshot) -> bool {
    snapshot.policy.anti_affinity == AntiAffinity::Enforced
}

/// The first group that keeps away from `group` and is on `node`, or bound for it. Under an enforced anti-affinity also
/// one that still stops there, or that may run there unknown to the store.
pub(super) fn mate_on<'a>(
    neighbours: &Neighbours<'a>,
    group: (&GroupName, &GroupView),
    node: &NodeName,
) -> Option<&'a GroupName> {
    neighbours.on(group, node).min()
}

/// Under an enforced anti-affinity: the group that `group` must leave its owner to, since it starts before it and shares
/// that node with it.
pub(super) fn must_yield_to<'a>(
    draft: &Draft<'a>,
    group: (&GroupName, &GroupView),
    owner: &NodeName,
) -> Option<&'a GroupName> {
    if !is_enforced(draft.snapshot) || group.1.spec.anti_affinity.is_empty() {
        return None;
    }
    let own = draft.facts.turn(group.0);
    let here = |mate: &&GroupName| draft.standing(mate).placement.assigned_to() == Some(owner);
    let mates = draft.neighbours.on(group, owner).filter(here).map(|mate| (draft.facts.turn(mate), mate));
    mates.filter(|(turn, _)| *turn < own).min().map(|(_, mate)| mate)
}

/// Whether a group that stops on `owner` leaves it to another one that it never shares a node with.
pub(super) fn has_yielded(snapshot: &Snapshot, group: &GroupView, owner: &NodeName) -> bool {
    let classes = &group.spec.anti_affinity;
    let stays = |other: &GroupView| {
        other.placement.assigned_to() == Some(owner) && other.spec.anti_affinity.iter().any(|one| classes.contains(one))
    };
    is_enforced(snapshot) && !classes.is_empty() && snapshot.groups.values().any(stays)
}
