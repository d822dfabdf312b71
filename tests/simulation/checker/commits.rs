//! What must hold of one commit, when it is stored?

use std::collections::BTreeSet;

use locum::domain::{Epoch, EventKind, FailoverRecord, GroupName, NodeName, Placement, PlacementPhase};
use locum::planner::Effects;

use super::Found;
use super::running::Running;
use super::stored::Stored;

/// A group that a commit gives to a node.
struct Gift<'a> {
    group: &'a GroupName,
    to: &'a NodeName,
    epoch: Epoch,
    before: &'a Placement,
    /// Whether the commit, or an earlier one, says that the last owner has stopped.
    free: bool,
}

impl Stored {
    pub fn committed(&mut self, effects: &Effects, running: &Running, found: &mut Found) {
        if effects.decision <= self.line.decision {
            let what = format!("decision {} was committed after {}", effects.decision, self.line.decision);
            found.broken("I3", &[], what);
        }
        self.line.decision = effects.decision;
        for record in &effects.failovers {
            self.recorded(record, found);
        }
        let released: BTreeSet<&str> = effects
            .events
            .iter()
            .filter(|event| event.kind == EventKind::GroupReleased)
            .map(|event| event.subject.as_str())
            .collect();
        for (group, after) in &effects.placements {
            let released = released.contains(group.as_str());
            if released {
                self.proved(group, running, found);
            }
            self.moved((group, after), released, found);
        }
    }

    /// I7, and that a proof rules out any overlap.
    fn recorded(&mut self, record: &FailoverRecord, found: &mut Found) {
        let (id, group) = (record.id, &record.group);
        if self.only_outages && !self.line.records.contains_key(&id) {
            let what = format!("an outage alone opened a failover of {group}: {}", record.reason);
            found.broken("I7", &[group], what);
        }
        if record.max_overlap_ms != 0 {
            found.broken("proof", &[group], format!("the failover {id} of {group} says that it may have run twice"));
        }
        if record.epoch.is_some() && record.release_proof.is_none() {
            found.broken("I2", &[group], format!("the failover {id} of {group} placed it without a proof"));
        }
        self.line.records.insert(id, record.clone());
    }

    fn moved(&mut self, (group, after): (&GroupName, &Placement), released: bool, found: &mut Found) {
        let before = self.line.placements.get(group).cloned().unwrap_or_default();
        if after.epoch < before.epoch {
            found.broken("I3", &[group], format!("epoch {} of {group} became {}", before.epoch, after.epoch));
        }
        let free = released || before.owner().is_none();
        match &after.phase {
            PlacementPhase::Held if (after.epoch, &after.last_owner) != (before.epoch, &before.last_owner) || free => {
                let to = after.last_owner.as_ref().unwrap_or_else(|| panic!("{group} is held by nobody"));
                self.given(&Gift { group, to, epoch: after.epoch, before: &before, free }, found);
            }
            PlacementPhase::Released { .. } | PlacementPhase::Never if !free => {
                found.broken("I2", &[group], format!("{group} was freed, and no event tells of the proof"));
            }
            _ => {}
        }
        self.line.placements.insert(group.clone(), after.clone());
    }

    /// Whatever the proof: nothing of the group runs on its owner at this moment of true time.
    fn proved(&mut self, group: &GroupName, running: &Running, found: &mut Found) {
        let before = self.line.placements.get(group).cloned().unwrap_or_default();
        let Some(owner) = before.owner() else { return };
        if running.runs_on(group, owner) {
            let what = format!("{owner} is said to have stopped {group} (epoch {}), and runs it", before.epoch);
            found.broken("proof", &[group, owner], what);
        }
        self.line.proven.insert((group.clone(), owner.clone()), before.epoch);
    }

    fn given(&mut self, gift: &Gift<'_>, found: &mut Found) {
        let Gift { group, to, epoch, before, free } = *gift;
        // A restored database may find that its owner runs the group under a higher epoch than it knows.
        let caught_up = self.ever_restored && before.owner() == Some(to) && epoch > before.epoch;
        if !free && !caught_up {
            found.broken("I2", &[group, to], format!("{group} was given to {to} (epoch {epoch}) without a proof"));
        }
        self.placed.insert((group.clone(), to.clone(), epoch));
        if let Some(other) = self.line.owners.insert((group.clone(), epoch), to.clone()).filter(|other| other != to) {
            let what = format!("epoch {epoch} of {group} was given to {other}, and then to {to}");
            found.broken("I3", &[group, to, &other], what);
        }
        if let Some(from) = before.last_owner.as_ref().filter(|from| *from != to) {
            self.changed_owner(gift, from, found);
        }
    }

    /// I4: one record tells of it, and it is stored by now.
    fn changed_owner(&mut self, gift: &Gift<'_>, from: &NodeName, found: &mut Found) {
        let Gift { group, to, epoch, .. } = *gift;
        let route = format!("{group} went from {from} to {to} (epoch {epoch})");
        if self.only_outages {
            found.broken("I7", &[group, from, to], format!("an outage alone moved something: {route}"));
        }
        let tells = |record: &&FailoverRecord| {
            let route = (record.from.as_ref(), record.to.as_ref(), record.epoch);
            record.group == *group && route == (Some(from), Some(to), Some(epoch))
        };
        let records: Vec<_> = self.line.records.values().filter(tells).map(|record| record.id).collect();
        match records[..] {
            [one] => drop(self.line.told.insert(one)),
            _ => found.broken("I4", &[group, from, to], format!("{route}, and {} records tell of it", records.len())),
        }
    }
}
