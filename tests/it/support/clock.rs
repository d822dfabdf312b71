//! What time is it? What the test says, and who sleeps wakes when it says so.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use locum::clock::Clock;
use locum::domain::Ticks;
use tokio::sync::watch;

/// A clock that goes by hand.
pub struct HandClock {
    begin: Timestamp,
    since: watch::Sender<Duration>,
}

impl HandClock {
    pub fn new(begin: Timestamp) -> Arc<Self> {
        Arc::new(Self { begin, since: watch::Sender::new(Duration::ZERO) })
    }

    /// How many sleep by it.
    pub fn sleepers(&self) -> usize {
        self.since.receiver_count()
    }

    pub fn advance(&self, by: Duration) {
        self.since.send_modify(|since| *since += by);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn ticks(&self) -> Ticks {
        Ticks(0).plus(*self.since.borrow())
    }

    fn now(&self) -> Timestamp {
        self.begin + SignedDuration::try_from(*self.since.borrow()).unwrap()
    }

    async fn sleep_until(&self, at: Ticks) {
        // The sender is in `self`, so it is there while anybody sleeps.
        let _ = self.since.subscribe().wait_for(|since| Ticks(0).plus(*since) >= at).await;
    }
}
