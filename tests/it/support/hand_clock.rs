//! A clock that stands until its test moves it, and that says who sleeps.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use locum::clock::Clock;
use locum::domain::Ticks;
use tokio::sync::watch;

use super::{WAIT, at};

#[derive(Debug)]
pub struct HandClock {
    begin: Timestamp,
    ticks: watch::Sender<Ticks>,
    /// Until when each sleeper sleeps.
    sleepers: watch::Sender<BTreeMap<u64, Ticks>>,
    next: AtomicU64,
}

impl Default for HandClock {
    fn default() -> Self {
        Self::new(at(0))
    }
}

impl HandClock {
    pub fn new(begin: Timestamp) -> Self {
        let (ticks, sleepers) = (watch::Sender::new(Ticks(0)), watch::Sender::new(BTreeMap::new()));
        Self { begin, ticks, sleepers, next: AtomicU64::new(0) }
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        self.ticks.send_modify(|ticks| *ticks = ticks.plus(by));
    }

    /// Waits until anybody sleeps.
    pub async fn until_anybody_sleeps(&self) {
        let mut sleepers = self.sleepers.subscribe();
        let asleep = sleepers.wait_for(|all| !all.is_empty());
        assert!(tokio::time::timeout(WAIT, asleep).await.is_ok(), "nobody comes to an end");
    }

    /// Waits until so many sleep for just this long from now.
    pub async fn until_asleep(&self, how_many: usize, how_long: Duration) {
        let at = self.ticks().plus(how_long);
        let mut sleepers = self.sleepers.subscribe();
        let asleep = sleepers.wait_for(|all| all.values().filter(|until| **until == at).count() >= how_many);
        let in_time = tokio::time::timeout(WAIT, asleep).await.is_ok();
        assert!(in_time, "not {how_many} sleep for {how_long:?}: {:?}", self.sleepers.borrow());
    }
}

/// A sleeper that is taken off the list when it wakes, or is woken by something else.
struct Sleeper<'a>(&'a HandClock, u64);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.sleepers.send_modify(|all| {
            all.remove(&self.1);
        });
    }
}

#[async_trait]
impl Clock for HandClock {
    fn ticks(&self) -> Ticks {
        *self.ticks.borrow()
    }

    fn now(&self) -> Timestamp {
        self.begin + self.ticks().since(Ticks(0))
    }

    async fn sleep_until(&self, at: Ticks) {
        let sleeper = Sleeper(self, self.next.fetch_add(1, Ordering::Relaxed));
        self.sleepers.send_modify(|all| {
            all.insert(sleeper.1, at);
        });
        // It goes on as long as its clock.
        let _ = self.ticks.subscribe().wait_for(|now| *now >= at).await;
    }
}
