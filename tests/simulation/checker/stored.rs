//! What does the store hold, by its own commits, and what must therefore be so?

use std::collections::{BTreeMap, BTreeSet};

use locum::domain::{
    Actor, Decision, Epoch, FailoverRecord, Generation, GroupName, NodeName, Outcome, Placement, Term,
};
use locum::planner::Snapshot;
use locum::store::Reign;
use uuid::Uuid;

use super::{Found, settled};
use crate::history::{Reply, Run, Wish};

/// What the database knows. When it is restored, what it learnt since the copy never was.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub term: Term,
    pub decision: Decision,
    pub generation: Generation,
    pub placements: BTreeMap<GroupName, Placement>,
    pub records: BTreeMap<Uuid, FailoverRecord>,
    /// The records that tell of a change of owner.
    pub told: BTreeSet<Uuid>,
    /// Whose each epoch is.
    pub owners: BTreeMap<(GroupName, Epoch), NodeName>,
    /// Up to which epoch a group is proven to have stopped on a node.
    pub proven: BTreeMap<(GroupName, NodeName), Epoch>,
    /// What was acknowledged, and to whom.
    pub acknowledged: Vec<(Actor, Wish, Option<Generation>)>,
}

#[derive(Debug, Default)]
pub struct Stored {
    pub line: Line,
    copies: Vec<Line>,
    /// Every placement that was ever stored.
    pub placed: BTreeSet<(GroupName, NodeName, Epoch)>,
    /// Where each group ran last.
    last_ran: BTreeMap<GroupName, (NodeName, Epoch)>,
    pub ever_restored: bool,
    pub only_outages: bool,
    /// Whose wish was refused.
    pub refused: BTreeMap<Actor, String>,
}

impl Stored {
    fn proven_up_to(&self, group: &GroupName, node: &NodeName) -> Option<Epoch> {
        self.line.proven.get(&(group.clone(), node.clone())).copied()
    }

    /// I2, from the service's side.
    pub fn started(&mut self, run: &Run, found: &mut Found) {
        let Run { machine, node, group, epoch, .. } = run;
        if !self.placed.contains(&(group.clone(), node.clone(), *epoch)) {
            let what =
                format!("{group} starts on {machine} under epoch {epoch}, and no such placement was ever stored");
            found.broken("I2", &[group, machine], what);
        }
        if self.proven_up_to(group, node).is_some_and(|proven| *epoch <= proven) {
            let what = format!("{group} starts on {machine} under epoch {epoch}, which it was proven to have stopped");
            found.broken("I2", &[group, machine], what);
        }
        if let Some((before, last)) = self.last_ran.get(group)
            && before != node
            && self.proven_up_to(group, before).is_none_or(|proven| proven < *last)
        {
            let what = format!(
                "{group} starts on {machine} under epoch {epoch}, and no proof is stored that {before} released epoch {last}"
            );
            found.broken("I2", &[group, machine, before], what);
        }
        // What the database forgot it can't prove released.
        if self.line.owners.get(&(group.clone(), *epoch)) == Some(node) {
            self.last_ran.insert(group.clone(), (node.clone(), *epoch));
        }
    }

    /// I3: a reign's term is above every earlier one's.
    pub fn reigned(&mut self, reign: &Reign, found: &mut Found) {
        if reign.term <= self.line.term {
            found.broken("I3", &[], format!("a reign of term {} begins after term {}", reign.term, self.line.term));
        }
        self.line.term = reign.term;
    }

    /// I4: what is pushed was stored before, with its record.
    pub fn pushed(&self, node: &NodeName, groups: &[(GroupName, Epoch)], found: &mut Found) {
        for (group, epoch) in groups {
            if !self.placed.contains(&(group.clone(), node.clone(), *epoch)) {
                let what = format!("{group} was pushed to {node} under epoch {epoch} before that was stored");
                found.broken("I4", &[group, node], what);
            }
        }
    }

    /// I3: generations go up.
    pub fn accepted(&mut self, generation: Generation, found: &mut Found) {
        if generation <= self.line.generation {
            found.broken("I3", &[], format!("generation {generation} came after {}", self.line.generation));
        }
        self.line.generation = generation;
    }

    /// What somebody heard of a wish.
    pub fn answered(&mut self, who: &Actor, wish: &Wish, reply: &Reply) {
        match reply {
            Reply::Written(generation) => self.line.acknowledged.push((who.clone(), wish.clone(), *generation)),
            Reply::Refused(why) => drop(self.refused.insert(who.clone(), why.clone())),
            Reply::Unknown => {}
        }
    }

    pub fn backed_up(&mut self) {
        self.copies.push(self.line.clone());
    }

    pub fn restored(&mut self, copy: usize) {
        self.line = self.copies.get(copy).unwrap_or_else(|| panic!("there is no copy {copy}")).clone();
        self.ever_restored = true;
        // The proof of where it ran last may be forgotten too.
        self.last_ran.clear();
    }

    /// I4, at the end: every record is closed unless its group waits for another one, and tells of a change of owner if it has
    /// an epoch.
    pub fn settled(&self, seen: &Snapshot, found: &mut Found) {
        for (id, record) in &self.line.records {
            let group = &record.group;
            let waits = seen.groups.get(group).is_some_and(|view| settled::waits(seen, view));
            if record.outcome == Outcome::InProgress && !waits {
                found.broken(
                    "I4",
                    &[group],
                    format!("the failover {id} of {group} is never closed: {}", record.reason),
                );
            }
            if record.epoch.is_some() && !self.line.told.contains(id) {
                let what = format!("the failover {id} of {group} has an epoch, and tells of no change of owner");
                found.broken("I4", &[group], what);
            }
        }
    }
}
