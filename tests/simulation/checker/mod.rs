//! Did the world keep its promises? Judged by what happened in true time, by what was stored and what was on disk, never
//! by asking the code under test.
//!
//! | rule | question | file |
//! | --- | --- | --- |
//! | I1 | did a group ever run on two nodes, or a resource twice? | `running` |
//! | I2 | was the old owner's release proof stored before the start? | `stored`, `commits` |
//! | I3 | did a number go down, in the store or on a disk? | `stored`, `commits`, `disks` |
//! | I4 | has every change of owner exactly one record, opened before the push, and closed? | `commits`, `stored` |
//! | I5 | is there what was acknowledged, and nothing of what was refused? | `writes` |
//! | I6 | is everything online once the faults are over, and is nothing left to plan? | `settled` |
//! | I7 | did an outage of control plane or database alone move anything? | `commits` |
//! | I8 | does the same snapshot give the same plan? | `settled` |
//! | proof | did nothing run when a release was proven? | `commits` |
//!
//! What a restored database forgot is excused, and nothing else: what is judged by the store is judged by the line of
//! rows that the store holds, and that line goes on from the copy. So a record, an acknowledged write, a proof or an
//! owner's epoch counts as long as the database knows it. What ran and what is on agents' disks is judged without any
//! excuse.

use crate::history::{Fact, Happening};
use disks::Disks;
use running::Running;
use stored::Stored;

mod commits;
mod disks;
mod running;
mod settled;
mod stored;
#[cfg(test)]
mod tests;
mod writes;

pub use settled::astray;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub rule: &'static str,
    pub what: String,
    /// Where in the story.
    pub number: u64,
    /// The groups, nodes and machines in question.
    pub concerns: Vec<String>,
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Found {
    number: u64,
    broken: Vec<Broken>,
}

impl Found {
    fn broken(&mut self, rule: &'static str, concerns: &[&dyn std::fmt::Display], what: String) {
        let concerns = concerns.iter().map(ToString::to_string).collect();
        self.broken.push(Broken { rule, what, number: self.number, concerns });
    }
}

/// Every promise that this history breaks, in the order in which it does.
pub fn judge(history: &[Happening]) -> Vec<Broken> {
    let mut found = Found::default();
    let (mut running, mut stored, mut disks) = (Running::default(), Stored::default(), Disks::default());
    for happening in history {
        found.number = happening.number;
        match &happening.fact {
            Fact::Started(run) => {
                running.started(run, &mut found);
                stored.started(run, &mut found);
            }
            Fact::Ended(run) => running.ended(run),
            Fact::Written { machine, ledger } => disks.written(machine, ledger, &mut found),
            Fact::Wiped { machine } => disks.wiped(machine),
            Fact::Reigned(reign) => stored.reigned(reign, &mut found),
            Fact::Accepted(generation) => stored.accepted(*generation, &mut found),
            Fact::Committed(effects) => stored.committed(effects, &running, &mut found),
            Fact::Planned(snapshot) => settled::planned(snapshot, &mut found),
            Fact::Pushed { node, groups } => stored.pushed(node, groups, &mut found),
            Fact::Answered { who, wish, reply } => stored.answered(who, wish, reply),
            Fact::BackedUp => stored.backed_up(),
            Fact::Restored(copy) => stored.restored(*copy),
            Fact::OnlyOutages(only) => stored.only_outages = *only,
            Fact::Settled(rows) => {
                writes::judge(rows, &stored, &mut found);
                stored.settled(&rows.seen, &mut found);
                settled::judge(rows, &running, &mut found);
            }
        }
    }
    found.broken
}
