//! Does a node run a group that the store does not know to be there? A restored or new database is no reason to stop it.

use super::draft::Draft;
use super::plan::Adoption;
use super::snapshot::{GroupView, NodeView};
use crate::domain::{GroupName, NodeName, Outcome, Placement};

/// Takes over what is found running where nobody else can run it.
pub(super) fn adopt(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    for (name, group) in snapshot.groups.iter().filter(|(_, group)| group.is_wanted()) {
        let placement = draft.standing(name).placement.clone();
        let found = match placement.owner() {
            Some(owner) => raised(draft, name, &placement, owner),
            None if group.failed.is_some() => None, // it failed: what is left of it must stop
            None => orphan(draft, name, group),
        };
        if let Some(adoption) = found {
            // A restored database: what it remembers as under way came to its end elsewhere in time.
            if draft.standing(name).open.is_some() && placement.last_owner.as_ref() == Some(&adoption.node) {
                draft.close(name, Outcome::Superseded, format!("{}: it has not left it", adoption.reason));
            }
            draft.adopt(adoption);
        }
    }
}

/// The owner runs it under a higher epoch than is stored, or a higher one was heard of: the store catches up.
fn raised(draft: &Draft<'_>, name: &GroupName, placement: &Placement, owner: &NodeName) -> Option<Adoption> {
    placement.assigned_to()?;
    let node = draft.snapshot.nodes.get(owner).filter(|node| node.speaks())?;
    let seen = node.seen.groups.get(name)?;
    let (epoch, stored) = (seen.epoch, placement.epoch);
    let how = if seen.running { "runs it" } else { "has or gets it" };
    let reason = format!("{owner} {how} under epoch {epoch}; epoch {stored} was stored");
    (epoch > stored).then(|| Adoption { group: name.clone(), node: owner.clone(), epoch, reason })
}

/// Nobody owns it, and exactly one node that may run it does, under an epoch that the store never heard of. One that was
/// proven to have stopped and wakes up may still say what it last knew: that is over, whatever it says.
fn orphan(draft: &Draft<'_>, name: &GroupName, group: &GroupView) -> Option<Adoption> {
    let runs = |(_, node): &(&NodeName, &NodeView)| node.may_run(name);
    let mut running = draft.snapshot.nodes.iter().filter(runs);
    let (node_name, node) = running.next()?;
    if running.next().is_some() || !node.speaks() || !group.allows(node_name, node) {
        return None; // each stops it by its own assignment, which does not name it
    }
    let epoch = node.seen.groups.get(name)?.epoch;
    if epoch <= draft.standing(name).placement.epoch {
        return None;
    }
    let reason = format!("{node_name} runs it under epoch {epoch}, and nobody owned it by the store");
    Some(Adoption { group: name.clone(), node: node_name.clone(), epoch, reason })
}

/// Another node than the owner that runs the group under a higher epoch than is stored.
pub(super) fn usurper<'a>(draft: &Draft<'a>, name: &GroupName, group: &GroupView) -> Option<&'a NodeName> {
    let owner = group.placement.owner()?;
    let newer = |node: &NodeView| node.seen.groups.get(name).is_some_and(|seen| seen.epoch > group.placement.epoch);
    let found = |(other, node): &(&NodeName, &NodeView)| *other != owner && node.may_run(name) && newer(node);
    draft.snapshot.nodes.iter().find(found).map(|(other, _)| other)
}
