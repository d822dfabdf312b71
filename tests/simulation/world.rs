//! How does a world begin, go wrong, get well again, and end?

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use locum::domain::{ClusterName, OperationKind};
use locum::planner::{self, Snapshot};
use locum::store::{EventFilter, FailoverFilter, OperationFilter, Store as _};
use serde_json::Value;
use tokio::time::sleep;

use crate::chance::{Chance, Stream};
use crate::checker::astray;
use crate::clock::{RIGHT, SimClock, SimIds, TrueTime};
use crate::control::{Control, Parts};
use crate::database::Database;
use crate::eyes::{Alive, Eyes};
use crate::faults::{ALL, Fault, Faults, OUTAGES, RESTORES, Site};
use crate::history::{Fact, Rows};
use crate::machine::{Habits, Machine};
use crate::mending::Mend;
use crate::network::Network;
use crate::operators::Operators;
use crate::story::{Recorder, Told};
use crate::topology;

/// A world that has not settled by then never will.
const PATIENCE: Duration = Duration::from_secs(400);

/// Once a world has been without faults for this long, operators reset what is still marked as failed.
const RESET_AFTER: Duration = Duration::from_secs(60);

const GLANCE: Duration = Duration::from_millis(250);

/// What kind of trouble a world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything but a restored database.
    All,
    /// That as well.
    Restores,
    /// The control plane and its database only; everything else works.
    Outages,
}

pub struct World {
    pub site: Site,
    pub faults: Faults,
    pub operators: Operators,
    pub alive: Alive,
    kind: Kind,
    chance: Chance,
    lease: Duration,
    /// How services behave once the faults are over.
    calm: Habits,
}

enum Deed {
    Strike,
    Ask,
    BackUp,
    Mend(Mend),
}

/// What happens when, in the order of time.
#[derive(Default)]
struct Agenda {
    deeds: BTreeMap<(u64, u64), Deed>,
    number: u64,
}

impl Agenda {
    fn add(&mut self, at: u64, deed: Deed) {
        self.number += 1;
        self.deeds.insert((at, self.number), deed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

fn cluster() -> ClusterName {
    topology::CLUSTER.parse().unwrap()
}

impl World {
    /// The seed's own world.
    pub async fn draw(seed: u64, told: Arc<Mutex<Told>>) -> Self {
        let document = topology::draw(&mut Chance::new(seed, Stream::Topology));
        let kind = match seed % 8 {
            0 => Kind::Outages,
            1 | 2 => Kind::Restores,
            _ => Kind::All,
        };
        Self::begin(seed, kind, &document, told).await
    }

    /// A world in which every agent and a control plane have started and the document is accepted.
    pub async fn begin(seed: u64, kind: Kind, document: &Value, told: Arc<Mutex<Told>>) -> Self {
        let settings = topology::checked(document).settings;
        let drift = u64::from(settings.drift.ppm());
        let (truth, recorder, alive) = (TrueTime::begin(), Recorder::new(told), Alive::default());
        recorder.say("world", format!("begins with seed {seed}, {kind:?}: {document}"));
        let machines = machines(seed, kind, drift, (truth, &recorder, &alive));
        let addresses = machines.iter().map(|(name, machine)| (topology::address(name), machine.clone())).collect();
        let network = Network::new(addresses, Chance::new(seed, Stream::Network), recorder.clone());
        let database = Database::new(Chance::new(seed, Stream::Database), recorder.clone());
        let ids = SimIds::new(seed);
        let parts = Parts {
            truth,
            database: database.clone(),
            network: network.clone(),
            ids,
            recorder: recorder.clone(),
            drift,
        };
        let control = Control::new(parts, Chance::new(seed, Stream::ControlPlane));
        let operators = Chance::new(seed, Stream::Operators);
        let mut operators = Operators::new(control.clone(), machines.clone(), recorder.clone(), operators);
        let site = Site { machines, network, database, control, recorder };
        for machine in site.machines.values() {
            machine.start_agent().await;
        }
        site.control.start().await;
        operators.create(document).await;
        let faults = Faults::new(site.clone(), Chance::new(seed, Stream::Faults));
        let chance = Chance::new(seed.wrapping_add(1 << 32), Stream::Faults);
        let (lease, calm) = (settings.lease.get(), habits(false, drift));
        Self { site, faults, operators, alive, kind, chance, lease, calm }
    }

    /// Lets it go wrong for a while, and get well again.
    pub async fn live(&mut self) {
        match self.kind {
            Kind::All => {}
            // Every copy knows that leases were granted, and how long they are.
            Kind::Restores => {
                self.operators.edit_timers = false;
                self.settle().await;
            }
            Kind::Outages => {
                self.settle().await;
                self.only_outages(true);
            }
        }
        self.trouble().await;
        self.faults.mend_all().await;
        self.site.machines.values().for_each(|machine| machine.set_habits(self.calm.clone()));
        if self.kind != Kind::Outages && self.chance.one_in(2) {
            self.operators.want_everything().await;
        }
        self.settle().await;
        self.only_outages(false);
        self.end().await;
    }

    pub fn only_outages(&self, only: bool) {
        self.site.recorder.note(Fact::OnlyOutages(only));
    }

    async fn trouble(&mut self) {
        let recorder = self.site.recorder.clone();
        let lease = u64::try_from(self.lease.as_millis()).unwrap();
        let length = self.chance.between(8 * lease..=20 * lease).clamp(8_000, 60_000);
        let over = recorder.now() + length * 1_000;
        let pace = 500 + 2 * lease.min(4_000);
        let mut agenda = Agenda::default();
        agenda.add(recorder.now(), Deed::Strike);
        if self.kind != Kind::Outages {
            agenda.add(recorder.now(), Deed::Ask);
        }
        if self.kind == Kind::Restores {
            agenda.add(recorder.now(), Deed::BackUp);
        }
        while let Some(((at, _), deed)) = agenda.deeds.pop_first().filter(|((at, _), _)| *at < over) {
            sleep(Duration::from_micros(at.saturating_sub(recorder.now()))).await;
            let next = at + micros(self.chance.millis(20..=pace));
            match deed {
                Deed::Strike => {
                    if let Some((mend, after)) = self.strike().await {
                        agenda.add(recorder.now() + micros(after), Deed::Mend(mend));
                    }
                    agenda.add(next, Deed::Strike);
                }
                Deed::Ask => {
                    self.operators.act();
                    agenda.add(next + micros(self.lease / 2), Deed::Ask);
                }
                Deed::BackUp => {
                    self.site.database.back_up();
                    agenda.add(next + 5_000_000, Deed::BackUp);
                }
                Deed::Mend(mend) => self.faults.mend(mend).await,
            }
        }
    }

    async fn strike(&mut self) -> Option<(Mend, Duration)> {
        let choices: &[(u64, Fault)] = match self.kind {
            Kind::Outages => &OUTAGES,
            Kind::Restores if self.chance.one_in(6) => &RESTORES,
            _ => &ALL,
        };
        self.faults.strike(choices).await
    }

    /// Waits until everything is as wanted, or can't be expected to become so any more.
    pub async fn settle(&mut self) {
        let begun = self.site.recorder.now();
        let mut reset = false;
        let mut quiet = 0;
        while quiet < 2 {
            sleep(GLANCE).await;
            quiet = if self.is_settled().await { quiet + 1 } else { 0 };
            let passed = Duration::from_micros(self.site.recorder.now() - begun);
            if passed > PATIENCE {
                return self.site.recorder.say("world", "it has not settled");
            }
            if passed > RESET_AFTER && !reset {
                reset = true;
                self.reset_failed().await;
            }
        }
        self.site.recorder.say("world", "all is as wanted");
    }

    async fn reset_failed(&mut self) {
        let Some(seen) = self.seen() else { return };
        for name in seen.groups.iter().filter(|(_, group)| group.failed.is_some()).map(|(name, _)| name) {
            self.operators.insist(OperationKind::Reset, name.as_str()).await;
        }
    }

    pub fn seen(&self) -> Option<Snapshot> {
        let view = self.site.control.door()?.boards.view(&cluster())?;
        Some((*view.snapshot).clone())
    }

    async fn is_settled(&self) -> bool {
        let Some(seen) = self.seen() else { return false };
        let Ok(stored) = self.site.database.store.load(&cluster(), seen.now).await else { return false };
        let up_to_date = (stored.generation, stored.decision) == (seen.generation, seen.decision);
        // An operation may wait for ever: a drain of the only node that may run something.
        up_to_date && astray(&seen, |group| self.alive.of(group)).is_empty() && planner::plan(&seen).is_empty()
    }

    /// Takes down what is stored and seen.
    pub async fn end(&self) {
        let store = &self.site.database.store;
        let Some(seen) = self.seen() else { panic!("the control plane shows nothing of the cluster") };
        let most = 100_000;
        let rows = Rows {
            stored: store.load(&cluster(), seen.now).await.unwrap(),
            seen,
            changes: store.changes(&cluster(), None, most).await.unwrap(),
            operations: store.operations(&OperationFilter { limit: most, ..OperationFilter::default() }).await.unwrap(),
            failovers: store
                .failovers(&cluster(), &FailoverFilter { limit: most, ..FailoverFilter::default() })
                .await
                .unwrap(),
            events: store.events(&cluster(), &EventFilter::after(0, most)).await.unwrap(),
        };
        self.site.recorder.note(Fact::Settled(Box::new(rows)));
    }
}

fn habits(rough: bool, drift: u64) -> Habits {
    // Below every margin that a document may state.
    let (kill, rate) = (1..=10, RIGHT..=RIGHT + drift);
    let habits = if rough { Habits::rough() } else { Habits::calm() };
    Habits { kill, rate, ..habits }
}

/// All clocks go within the drift that the document states.
fn machines(
    seed: u64,
    kind: Kind,
    drift: u64,
    (truth, recorder, alive): (TrueTime, &Recorder, &Alive),
) -> BTreeMap<String, Arc<Machine>> {
    let mut chance = Chance::new(seed, Stream::Clocks);
    let rough = kind != Kind::Outages && chance.one_in(2);
    let (rate, habits) = (RIGHT..=RIGHT + drift, habits(rough, drift));
    let mut machine = |name: &str, node: &str| {
        let uptime = chance.millis(1_000..=1_000_000);
        let clock = SimClock::new(truth, uptime, chance.extreme(rate.clone()), SignedDuration::ZERO);
        let eyes = Eyes { machine: name.to_owned(), recorder: recorder.clone(), alive: alive.clone() };
        let (ids, own) = (SimIds::new(chance.number()), chance.number());
        let machine = Machine::new(node.parse().unwrap(), clock, ids, own, habits.clone(), Arc::new(eyes));
        (name.to_owned(), machine)
    };
    let own = topology::NODES.iter().map(|name| (*name, *name));
    own.chain(topology::SPARES).map(|(name, node)| machine(name, node)).collect()
}
