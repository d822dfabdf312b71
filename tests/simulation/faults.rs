//! What goes wrong?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::chance::Chance;
use crate::control::Control;
use crate::database::{self, Database};
use crate::gate::Point;
use crate::history::Fact;
use crate::machine::Machine;
use crate::mending::Mend;
use crate::network::{self, Network, Way};
use crate::story::Recorder;
use crate::topology::address;

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    AgentKilled,
    AgentStopped,
    AgentFrozen,
    GuardKilled,
    GuardFrozen,
    AgentAndGuardKilled,
    PowerCut,
    DiskReplaced,
    DiskFails,
    DiskSlow,
    CutOff,
    CutOffThere,
    CutOffBack,
    EverybodyCutOff,
    NetworkRough,
    ControlKilled,
    ControlKilledAt,
    ControlStopped,
    DatabaseAway,
    DatabaseRough,
    DatabaseRestored,
}

/// The faults that are the control plane's and its database's alone.
pub const OUTAGES: [(u64, Fault); 5] = [
    (3, Fault::ControlKilled),
    (3, Fault::ControlKilledAt),
    (2, Fault::ControlStopped),
    (3, Fault::DatabaseAway),
    (3, Fault::DatabaseRough),
];

/// Everything but a restored database, which excuses much.
pub const ALL: [(u64, Fault); 20] = [
    (4, Fault::AgentKilled),
    (2, Fault::AgentStopped),
    (3, Fault::AgentFrozen),
    (3, Fault::GuardKilled),
    (3, Fault::GuardFrozen),
    (2, Fault::AgentAndGuardKilled),
    (4, Fault::PowerCut),
    (1, Fault::DiskReplaced),
    (2, Fault::DiskFails),
    (2, Fault::DiskSlow),
    (3, Fault::CutOff),
    (3, Fault::CutOffThere),
    (3, Fault::CutOffBack),
    (1, Fault::EverybodyCutOff),
    (3, Fault::NetworkRough),
    (4, Fault::ControlKilled),
    (5, Fault::ControlKilledAt),
    (2, Fault::ControlStopped),
    (2, Fault::DatabaseAway),
    (3, Fault::DatabaseRough),
];

/// And with it.
pub const RESTORES: [(u64, Fault); 2] = [(5, Fault::DatabaseRestored), (2, Fault::ControlKilled)];

const POINTS: [Point; 7] = [
    Point::BeforeCommit,
    Point::AfterCommit,
    Point::BeforePush,
    Point::AfterPush,
    Point::AfterReign,
    Point::AfterRecord,
    Point::AfterWish,
];

/// What the faults act on.
#[derive(Clone)]
pub struct Site {
    pub machines: BTreeMap<String, Arc<Machine>>,
    pub network: Arc<Network>,
    pub database: Arc<Database>,
    pub control: Arc<Control>,
    pub recorder: Recorder,
}

/// One process of a machine may be frozen, or its disk fail, and nothing else of it goes wrong meanwhile but its power:
/// that is what Locum promises to bear without a watchdog.
pub struct Faults {
    pub site: Site,
    chance: Chance,
    /// What is wrong with each machine.
    pub ills: BTreeMap<String, Fault>,
}

impl Faults {
    pub fn new(site: Site, chance: Chance) -> Self {
        Self { site, chance, ills: BTreeMap::new() }
    }

    /// Lets something go wrong; says how and after which time that ends.
    pub async fn strike(&mut self, choices: &[(u64, Fault)]) -> Option<(Mend, Duration)> {
        let fault = self.chance.weighted(choices);
        self.inflict(fault).await
    }

    pub async fn inflict(&mut self, fault: Fault) -> Option<(Mend, Duration)> {
        use Fault::*;
        let mend = match fault {
            AgentKilled | AgentStopped | AgentFrozen | GuardKilled | GuardFrozen | AgentAndGuardKilled | DiskFails
            | DiskSlow => self.machine(fault)?,
            PowerCut | DiskReplaced => self.power(fault)?,
            CutOff | CutOffThere | CutOffBack => self.cut(fault),
            EverybodyCutOff => {
                let machines = self.site.machines.keys();
                machines.for_each(|name| self.site.network.cut(&address(name), &[Way::There, Way::Back]));
                self.site.recorder.say("network", "the control plane reaches nobody");
                Mend::HealAll
            }
            NetworkRough => {
                let chance = &mut self.chance;
                let weather = network::Weather {
                    lost: chance.between(0..=200),
                    repeated: chance.between(0..=200),
                    slow: chance.between(0..=400),
                    stray: chance.between(0..=40),
                };
                self.site.recorder.say("network", format!("the weather gets rough: {weather:?}"));
                self.site.network.set_weather(weather);
                Mend::CalmNetwork
            }
            ControlKilled | ControlKilledAt | ControlStopped => self.control(fault).await,
            DatabaseAway | DatabaseRough => self.database(fault),
            DatabaseRestored => {
                self.site.control.crash().await;
                if !self.site.database.restore() {
                    return None;
                }
                Mend::StartControl
            }
        };
        self.site.recorder.count("fault", &format!("{fault:?}"));
        let longest = if self.chance.one_in(4) { 25_000 } else { 5_000 };
        Some((mend, self.chance.millis(50..=longest)))
    }

    /// A machine on which nothing is wrong.
    fn well(&mut self) -> Option<(String, Arc<Machine>)> {
        let well = |(name, machine): &(&String, &Arc<Machine>)| {
            !self.ills.contains_key(*name) && machine.is_on() && machine.has_agent()
        };
        let well: Vec<_> =
            self.site.machines.iter().filter(well).map(|(name, machine)| (name.clone(), machine.clone())).collect();
        self.chance.any(&well).cloned()
    }

    fn machine(&mut self, fault: Fault) -> Option<Mend> {
        let (name, machine) = self.well()?;
        self.ills.insert(name.clone(), fault);
        Some(match fault {
            Fault::AgentKilled => {
                machine.kill_agent();
                Mend::StartAgent(name)
            }
            Fault::AgentStopped => {
                machine.stop_agent();
                Mend::StartAgent(name)
            }
            Fault::AgentFrozen => {
                machine.freeze_agent();
                Mend::ThawAgent(name)
            }
            Fault::GuardKilled => {
                machine.kill_guard();
                Mend::StartAgent(name)
            }
            Fault::GuardFrozen => {
                machine.freeze_guard();
                Mend::ThawGuard(name)
            }
            Fault::AgentAndGuardKilled => {
                machine.kill_guard();
                machine.kill_agent();
                Mend::StartAgent(name)
            }
            Fault::DiskFails => {
                machine.fail_disk(true);
                Mend::Disk(name)
            }
            _ => {
                machine.slow_disk(self.chance.millis(10..=3_000));
                Mend::Disk(name)
            }
        })
    }

    /// Whatever else is wrong with it.
    fn power(&mut self, fault: Fault) -> Option<Mend> {
        let on: Vec<_> = self.site.machines.iter().filter(|(_, machine)| machine.is_on()).collect();
        let (name, machine) = self.chance.any(&on).map(|(name, machine)| ((*name).clone(), (*machine).clone()))?;
        machine.cut_power();
        if fault == Fault::DiskReplaced {
            machine.wipe_disk();
            self.site.recorder.note(Fact::Wiped { machine: name.clone() });
        }
        self.ills.insert(name.clone(), fault);
        Some(Mend::Power(name))
    }

    fn cut(&mut self, fault: Fault) -> Mend {
        let names: Vec<String> = self.site.machines.keys().cloned().collect();
        let name = self.chance.pick(&names).clone();
        let (ways, what): (&[Way], _) = match fault {
            Fault::CutOffThere => (&[Way::There], "nothing arrives at"),
            Fault::CutOffBack => (&[Way::Back], "no answer arrives from"),
            _ => (&[Way::There, Way::Back], "nothing goes to or from"),
        };
        self.site.network.cut(&address(&name), ways);
        self.site.recorder.say("network", format!("{what} {name}"));
        Mend::Heal(name)
    }

    async fn control(&mut self, fault: Fault) -> Mend {
        match fault {
            Fault::ControlKilledAt => {
                let point = *self.chance.pick(&POINTS);
                self.site.recorder.say("control plane", format!("will be killed at {point:?}"));
                self.site.control.crash_at(point);
            }
            Fault::ControlStopped => self.site.control.stop().await,
            _ => self.site.control.crash().await,
        }
        Mend::StartControl
    }

    fn database(&mut self, fault: Fault) -> Mend {
        let away = fault == Fault::DatabaseAway;
        let chance = &mut self.chance;
        let weather = database::Weather {
            fails_before: chance.between(0..=300),
            fails_after: chance.between(0..=300),
            slow: chance.between(0..=500),
            away,
        };
        self.site.recorder.say("database", if away { "is away" } else { "has troubles" });
        self.site.database.set_weather(weather);
        Mend::CalmDatabase
    }
}
