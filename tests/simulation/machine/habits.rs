//! How do the services of a machine behave, and how fast is what is under them?

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::chance::Chance;

/// What is drawn for each service and each write. Ranges are milliseconds, shares are of a thousand.
#[derive(Debug, Clone)]
pub struct Habits {
    /// From fork to exec.
    pub exec: RangeInclusive<u64>,
    /// From exec to the first yes of a readiness probe.
    pub ready: RangeInclusive<u64>,
    /// From a stop signal to the end.
    pub stop: RangeInclusive<u64>,
    /// From SIGKILL to the end. Must be below the margin of the leases.
    pub kill: RangeInclusive<u64>,
    /// How many ignore the stop signal.
    pub deaf: u64,
    /// How many end by themselves, and when.
    pub crash: u64,
    pub crash_after: RangeInclusive<u64>,
    /// How many have a program that can't be executed.
    pub broken: u64,
    /// How many say no to every probe for a while, from when and how long.
    pub sick: u64,
    pub sick_after: RangeInclusive<u64>,
    pub sick_for: RangeInclusive<u64>,
    /// How long a probe takes, and how many are not answered at all.
    pub probe: RangeInclusive<u64>,
    pub mute: u64,
    /// How long a ledger takes to be on disk.
    pub disk: RangeInclusive<u64>,
    /// How fast the clock goes after a reboot, in parts per million.
    pub rate: RangeInclusive<u64>,
}

impl Habits {
    /// Everything works.
    pub fn calm() -> Self {
        Self {
            exec: 1..=3,
            ready: 10..=200,
            stop: 5..=300,
            kill: 1..=10,
            deaf: 0,
            crash: 0,
            crash_after: 1..=1,
            broken: 0,
            sick: 0,
            sick_after: 1..=1,
            sick_for: 1..=1,
            probe: 1..=5,
            mute: 0,
            disk: 1..=10,
            rate: 996_000..=1_004_000,
        }
    }

    /// Something is always wrong with some service.
    pub fn rough() -> Self {
        Self {
            exec: 1..=40,
            ready: 10..=3_000,
            stop: 5..=4_000,
            kill: 1..=40,
            deaf: 150,
            crash: 150,
            crash_after: 1..=60_000,
            broken: 60,
            sick: 100,
            sick_after: 1..=60_000,
            sick_for: 1_000..=30_000,
            probe: 1..=150,
            mute: 20,
            disk: 1..=60,
            ..Self::calm()
        }
    }
}

/// What was drawn for one service.
#[derive(Debug, Clone)]
pub struct Nature {
    pub exec: Duration,
    pub broken: bool,
    pub ready: Duration,
    /// None: it ignores the stop signal.
    pub stop: Option<Duration>,
    pub kill: Duration,
    pub crash: Option<Duration>,
    /// From when and until when after its exec it says no.
    pub sick: Option<(Duration, Duration)>,
}

impl Nature {
    /// Draws all of it every time, so that a share that is changed leaves the other draws as they were.
    pub fn draw(chance: &mut Chance, habits: &Habits) -> Self {
        let (exec, broken) = (chance.millis(habits.exec.clone()), chance.permille(habits.broken));
        let ready = chance.millis(habits.ready.clone());
        let (deaf, stop) = (chance.permille(habits.deaf), chance.millis(habits.stop.clone()));
        let kill = chance.millis(habits.kill.clone());
        let (crash, crash_after) = (chance.permille(habits.crash), chance.millis(habits.crash_after.clone()));
        let (sick, sick_after) = (chance.permille(habits.sick), chance.millis(habits.sick_after.clone()));
        let well_again = sick_after + chance.millis(habits.sick_for.clone());
        Self {
            exec,
            broken,
            ready,
            stop: (!deaf).then_some(stop),
            kill,
            crash: crash.then_some(crash_after),
            sick: sick.then_some((sick_after, well_again)),
        }
    }
}
