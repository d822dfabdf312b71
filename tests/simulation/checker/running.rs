//! What runs where, in truth?

use locum::domain::{GroupName, NodeName};

use super::Found;
use crate::history::Run;

/// Everything that runs at one moment.
#[derive(Debug, Default)]
pub struct Running {
    runs: Vec<Run>,
}

impl Running {
    /// I1: a group runs on one machine, under one epoch, and each of its resources once.
    pub fn started(&mut self, run: &Run, found: &mut Found) {
        for other in self.of(&run.group) {
            let twice = match other {
                _ if other.machine != run.machine => "on two machines",
                _ if other.epoch != run.epoch => "under two epochs",
                _ if other.resource == run.resource => "twice",
                _ => continue,
            };
            let (group, machine, epoch) = (&run.group, &run.machine, run.epoch);
            let what = format!(
                "{group} runs {twice}: {} starts on {machine} under epoch {epoch} while {} runs on {} under epoch {}",
                run.resource, other.resource, other.machine, other.epoch
            );
            found.broken("I1", &[group, machine, &other.machine], what);
            break;
        }
        self.runs.push(run.clone());
    }

    pub fn ended(&mut self, run: &Run) {
        let place = self.runs.iter().position(|other| other == run);
        self.runs.remove(place.unwrap_or_else(|| panic!("{run:?} ends, but never started: the witness is wrong")));
    }

    pub fn of(&self, group: &GroupName) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.group == *group)
    }

    /// Whether anything of the group is alive on a machine that goes by the node's name.
    pub fn runs_on(&self, group: &GroupName, node: &NodeName) -> bool {
        self.of(group).any(|run| run.node == *node)
    }
}
