//! How is repaired what went wrong?

use std::time::Duration;

use tokio::time::sleep;

use crate::faults::{Faults, Site};
use crate::topology::address;
use crate::{database, network};

/// How a fault ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    StartAgent(String),
    ThawAgent(String),
    ThawGuard(String),
    Power(String),
    Disk(String),
    Heal(String),
    HealAll,
    CalmNetwork,
    StartControl,
    CalmDatabase,
}

impl Faults {
    pub async fn mend(&mut self, mend: Mend) {
        let Site { machines, network, database, control, recorder } = &self.site;
        match mend {
            Mend::StartAgent(name) => {
                self.ills.remove(&name);
                machines[&name].start_agent().await;
            }
            Mend::ThawAgent(name) => {
                self.ills.remove(&name);
                machines[&name].thaw_agent();
            }
            Mend::ThawGuard(name) => {
                self.ills.remove(&name);
                machines[&name].thaw_guard();
            }
            Mend::Power(name) => {
                self.ills.remove(&name);
                machines[&name].restore_power().await;
            }
            Mend::Disk(name) => {
                self.ills.remove(&name);
                machines[&name].fail_disk(false);
                machines[&name].slow_disk(Duration::ZERO);
                machines[&name].start_agent().await;
            }
            Mend::Heal(name) => network.heal(&address(&name)),
            Mend::HealAll => machines.keys().for_each(|name| network.heal(&address(name))),
            Mend::CalmNetwork => network.set_weather(network::Weather::default()),
            Mend::StartControl => control.start().await,
            Mend::CalmDatabase => {
                recorder.say("database", "is well again");
                database.set_weather(database::Weather::default());
            }
        }
    }

    /// Everything is repaired.
    pub async fn mend_all(&mut self) {
        self.site.recorder.say("world", "the faults are over");
        for mend in [Mend::CalmDatabase, Mend::CalmNetwork, Mend::HealAll] {
            self.mend(mend).await;
        }
        let names: Vec<String> = self.site.machines.keys().cloned().collect();
        for name in names {
            for mend in [Mend::ThawAgent, Mend::ThawGuard, Mend::Power, Mend::Disk] {
                self.mend(mend(name.clone())).await;
            }
        }
        self.site.control.crash().await;
        self.site.control.start().await;
        // One that was told to stop a moment ago has ended by now.
        sleep(Duration::from_secs(2)).await;
        for machine in self.site.machines.values() {
            machine.start_agent().await;
        }
    }
}
