//! Which groups keep away from each other, and do two of them share a node?

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::snapshot::{GroupView, Snapshot};
use crate::domain::{AntiAffinity, GroupName, NodeName};

/// For each group that has a class: the groups that share one with it, by name.
pub(super) type Mates<'a> = BTreeMap<&'a GroupName, BTreeSet<&'a GroupName>>;

pub(super) fn mates(snapshot: &Snapshot) -> Mates<'_> {
    let mut classes: BTreeMap<&str, Vec<&GroupName>> = BTreeMap::new();
    for (name, group) in &snapshot.groups {
        for class in &group.spec.anti_affinity {
            classes.entry(class).or_default().push(name);
        }
    }
    let mut mates = Mates::new();
    for members in classes.values() {
        for name in members {
            mates.entry(name).or_default().extend(members.iter().filter(|other| *other != name));
        }
    }
    mates
}

/// The first group that keeps away from `group` and is on `node`, or bound for it. Under an enforced anti-affinity also
/// one that still stops there, or that may run there unknown to the store.
pub(super) fn mate_on<'a>(draft: &Draft<'a>, group: &GroupName, node: &NodeName) -> Option<&'a GroupName> {
    let enforced = draft.snapshot.policy.anti_affinity == AntiAffinity::Enforced;
    let may_run = |mate: &GroupName| draft.snapshot.nodes.get(node).is_some_and(|view| view.may_run(mate));
    let is_there = |mate: &GroupName| {
        let standing = draft.standing(mate);
        standing.destination() == Some(node) || enforced && (standing.placement.owner() == Some(node) || may_run(mate))
    };
    let mates = draft.facts.mates().get(group)?;
    mates.iter().copied().find(|mate| is_there(mate))
}

/// Under an enforced anti-affinity: the group that `group` must leave its owner to, since it starts before it and shares
/// that node with it.
pub(super) fn must_yield_to<'a>(draft: &Draft<'a>, group: &GroupName, owner: &NodeName) -> Option<&'a GroupName> {
    if draft.snapshot.policy.anti_affinity != AntiAffinity::Enforced {
        return None;
    }
    let mates = draft.facts.mates().get(group)?;
    let here = |mate: &&GroupName| draft.standing(mate).placement.assigned_to() == Some(owner);
    let here: BTreeSet<&GroupName> = mates.iter().copied().filter(here).collect();
    if here.is_empty() {
        return None;
    }
    let before = draft.facts.order().iter().take_while(|name| **name != group);
    before.copied().find(|name| here.contains(name))
}

/// Whether a group that stops on `owner` leaves it to another one that it never shares a node with.
pub(super) fn has_yielded(snapshot: &Snapshot, group: &GroupView, owner: &NodeName) -> bool {
    let classes = &group.spec.anti_affinity;
    let stays = |other: &GroupView| {
        other.placement.assigned_to() == Some(owner) && other.spec.anti_affinity.iter().any(|one| classes.contains(one))
    };
    snapshot.policy.anti_affinity == AntiAffinity::Enforced
        && !classes.is_empty()
        && snapshot.groups.values().any(stays)
}
