//! Who sees what happens on a machine, in truth?

use std::sync::{Arc, Mutex};

use locum::agent::guard::client::ServiceKey;
use locum::agent::ledger::Ledger;
use locum::domain::{Epoch, GroupName, NodeName};

use crate::history::{Fact, Run};
use crate::machine::Witness;
use crate::story::Recorder;

/// Everything that is alive at this moment, on all machines.
#[derive(Debug, Clone, Default)]
pub struct Alive(Arc<Mutex<Vec<Run>>>);

impl Alive {
    pub fn of(&self, group: &GroupName) -> Vec<Run> {
        self.0.lock().unwrap().iter().filter(|run| run.group == *group).cloned().collect()
    }
}

/// The witness of one machine.
pub struct Eyes {
    pub machine: String,
    pub recorder: Recorder,
    pub alive: Alive,
}

impl Eyes {
    /// These worlds have no unclustered hosts, so whatever runs is a resource of a group.
    fn run(&self, node: &NodeName, key: &ServiceKey, epoch: Epoch) -> Run {
        let ServiceKey::Resource { group, resource } = key.clone() else { panic!("{key} runs, and nobody wants it") };
        Run { machine: self.machine.clone(), node: node.clone(), group, resource, epoch }
    }
}

impl Witness for Eyes {
    fn service_started(&self, node: &NodeName, key: &ServiceKey, epoch: Epoch) {
        let run = self.run(node, key, epoch);
        self.recorder.say(&self.machine, format!("{} of {} starts under epoch {epoch}", run.resource, run.group));
        self.alive.0.lock().unwrap().push(run.clone());
        self.recorder.note(Fact::Started(run));
        self.recorder.count("service", "started");
    }

    fn service_ended(&self, node: &NodeName, key: &ServiceKey, epoch: Epoch, how: &str) {
        let run = self.run(node, key, epoch);
        self.recorder.say(&self.machine, format!("{} of {} under epoch {epoch} ends: {how}", run.resource, run.group));
        self.alive.0.lock().unwrap().retain(|other| *other != run);
        self.recorder.note(Fact::Ended(run));
    }

    fn ledger_written(&self, _: &NodeName, ledger: &Ledger) {
        self.recorder.note(Fact::Written { machine: self.machine.clone(), ledger: Arc::new(ledger.clone()) });
    }

    fn said(&self, _: &str, what: String) {
        self.recorder.say(&self.machine, what);
    }
}
