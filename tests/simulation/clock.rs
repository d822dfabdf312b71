//! What time is it in a world, and what does a node's clock make of it? Tokio's paused time is the true one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use locum::clock::{Clock, IdSource};
use locum::domain::Ticks;
use tokio::time::Instant;
use uuid::{Builder, Uuid};

/// When every world begins, for people.
const BEGIN: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// A clock that goes exactly right, in parts per million.
pub const RIGHT: u64 = 1_000_000;

/// A sleeper looks again this often: its clock may have begun anew.
const LONGEST_NAP: Duration = Duration::from_secs(3_600);

/// The true time of a world, which nobody in it knows. Needs a runtime whose time is paused from its start.
#[derive(Debug, Clone, Copy)]
pub struct TrueTime(Instant);

impl TrueTime {
    /// A world begins now.
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Since the world began.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// One machine's clocks: boot-relative ticks that drift, and wall time that may be wrong.
#[derive(Debug)]
pub struct SimClock {
    truth: TrueTime,
    wall_offset: SignedDuration,
    pace: Mutex<Pace>,
}

/// How ticks go on.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// The true time at which they were `base`.
    since: Duration,
    base: Ticks,
    /// Ticks per true microsecond, in parts per million.
    rate: u64,
}

impl SimClock {
    /// A machine that booted `uptime` ago, whose ticks go at `rate` parts per million of true time.
    pub fn new(truth: TrueTime, uptime: Duration, rate: u64, wall_offset: SignedDuration) -> Arc<Self> {
        let pace = Pace { since: truth.now(), base: Ticks(0).plus(uptime), rate };
        Arc::new(Self { truth, wall_offset, pace: Mutex::new(pace) })
    }

    /// The machine booted: ticks begin anew.
    pub fn reboot(&self, uptime: Duration, rate: u64) {
        *self.pace.lock().unwrap() = Pace { since: self.truth.now(), base: Ticks(0).plus(uptime), rate };
    }

    /// True time since the world began, for whoever stands outside of it.
    pub fn true_now(&self) -> Duration {
        self.truth.now()
    }

    fn pace(&self) -> Pace {
        *self.pace.lock().unwrap()
    }
}

#[async_trait]
impl Clock for SimClock {
    fn ticks(&self) -> Ticks {
        let Pace { since, base, rate } = self.pace();
        let micros = self.truth.now().saturating_sub(since).as_micros() * u128::from(rate) / u128::from(RIGHT);
        base.plus(Duration::from_micros(u64::try_from(micros).unwrap()))
    }

    fn now(&self) -> Timestamp {
        let since = SignedDuration::try_from(self.truth.now()).unwrap();
        BEGIN.checked_add(since).and_then(|at| at.checked_add(self.wall_offset)).unwrap()
    }

    async fn sleep_until(&self, at: Ticks) {
        loop {
            let left = at.since(self.ticks());
            if left.is_zero() {
                return;
            }
            // Rounded up, as tokio does to the next millisecond: the sleeper wakes at or past its moment.
            let micros = (left.min(LONGEST_NAP).as_micros() * u128::from(RIGHT)).div_ceil(self.pace().rate.into());
            tokio::time::sleep(Duration::from_micros(u64::try_from(micros).unwrap())).await;
        }
    }
}

/// Ids that only the seed and their order decide.
#[derive(Debug)]
pub struct SimIds {
    seed: u64,
    given: AtomicU64,
}

impl SimIds {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { seed, given: AtomicU64::new(0) })
    }
}

impl IdSource for SimIds {
    fn next_id(&self) -> Uuid {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let mut rest = [0; 10];
        rest[2..].copy_from_slice(&self.seed.to_be_bytes());
        let millis = u64::try_from(BEGIN.as_millisecond()).unwrap() + number;
        Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_drifts_sleeps_and_begins_anew() {
    let truth = TrueTime::begin();
    let second = Duration::from_secs(1);
    let fast = SimClock::new(truth, second, 1_010_000, SignedDuration::from_hours(-3));
    tokio::time::sleep(100 * second).await;
    assert_eq!(fast.ticks(), Ticks(102_000_000));
    assert_eq!(fast.now(), BEGIN + SignedDuration::from_secs(100 - 3 * 3_600));
    fast.sleep(101 * second).await;
    assert_eq!(truth.now(), 200 * second);
    fast.reboot(2 * second, 990_000);
    fast.sleep(second).await;
    assert_eq!(truth.now(), Duration::from_millis(201_011)); // 1 s / 0.99, to the next millisecond
    assert!(fast.ticks() >= Ticks(3_000_000));
}

#[test]
fn ids_go_up_and_are_the_seeds() {
    let give = |seed| [(); 3].map(|()| seed).map(|ids: &SimIds| ids.next_id());
    let (one, again, other) = (give(&*SimIds::new(1)), give(&*SimIds::new(1)), give(&*SimIds::new(2)));
    assert!(one.is_sorted() && one[0] != one[1] && one[0].get_version_num() == 7);
    assert!(one == again && one != other);
}
