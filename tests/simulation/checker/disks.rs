//! What do the agents' disks hold, and does a number on one ever go down?

use std::collections::BTreeMap;
use std::sync::Arc;

use locum::agent::ledger::Ledger;

use super::Found;

/// The newest ledger of each machine.
#[derive(Debug, Default)]
pub struct Disks {
    ledgers: BTreeMap<String, Arc<Ledger>>,
}

impl Disks {
    /// I3: of one agent neither term, decision nor any epoch goes down, and the reign of a term stays.
    pub fn written(&mut self, machine: &str, ledger: &Arc<Ledger>, found: &mut Found) {
        if let Some(before) = self.ledgers.get(machine) {
            for (whose, what) in went_down(before, ledger) {
                found.broken("I3", &[&machine, &whose], format!("on the disk of {machine} {what}"));
            }
        }
        self.ledgers.insert(machine.to_owned(), ledger.clone());
    }

    pub fn wiped(&mut self, machine: &str) {
        self.ledgers.remove(machine);
    }
}

fn went_down(before: &Ledger, after: &Ledger) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    let mut say = |whose: &str, what: String| wrong.push((whose.to_owned(), what));
    if before.agent_id != after.agent_id {
        say("", format!("agent {} became {}, though nobody wiped it", before.agent_id, after.agent_id));
    }
    match (&before.bond, &after.bond) {
        (Some(before), Some(after)) if after.term < before.term => {
            say("", format!("term {} became {}", before.term, after.term));
        }
        (Some(before), Some(after)) if after.term == before.term && after.reign != before.reign => {
            say("", format!("the reign of term {} became another", before.term));
        }
        (Some(_), None) => say("", "the bond is gone".to_owned()),
        _ => {}
    }
    match (before.applied, after.applied) {
        (Some(before), Some(after)) if after.decision < before.decision || after.term < before.term => {
            let (from, to) = ((before.term, before.decision), (after.term, after.decision));
            say("", format!("decision {} of term {} became decision {} of term {}", from.1, from.0, to.1, to.0));
        }
        (Some(_), None) => say("", "the applied decision is gone".to_owned()),
        _ => {}
    }
    for (group, epoch) in &before.epochs {
        let now = after.epochs.get(group);
        if now.is_none_or(|now| now < epoch) {
            let now = now.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            say(group.as_str(), format!("epoch {epoch} of {group} became {now}"));
        }
    }
    wrong
}
