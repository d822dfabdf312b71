//! What time is it, and what is the next id? Handed in wherever either matters, so that tests choose.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::Ticks;

/// Two clocks and a timer. Leases use only boot-relative ticks; wall time is for people.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Since this machine booted, suspended time included.
    fn ticks(&self) -> Ticks;

    /// Wall-clock time, for records and for people.
    fn now(&self) -> Timestamp;

    /// Returns once `ticks()` is at or past `at`.
    async fn sleep_until(&self, at: Ticks);

    /// Returns once `duration` has passed by `ticks()`.
    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.ticks().plus(duration)).await;
    }
}

/// Where new ids come from.
pub trait IdSource: Send + Sync + 'static {
    /// A new UUIDv7, later than every earlier one of this source.
    fn next_id(&self) -> Uuid;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A sleeping timer looks at the clock this often: tokio's timers stand still while the machine is suspended.
const LONGEST_NAP: Duration = Duration::from_secs(1);

impl SystemClock {
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn ticks(&self) -> Ticks {
        boot_ticks()
    }

    #[allow(clippy::disallowed_methods)] // the one home of wall time
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[allow(clippy::disallowed_methods)] // the one home of timers
    async fn sleep_until(&self, at: Ticks) {
        loop {
            let left = at.since(self.ticks());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }
}

/// Reads CLOCK_BOOTTIME, which goes on while the machine is suspended and never jumps.
#[cfg(target_os = "linux")]
pub fn boot_ticks() -> Ticks {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every Linux since 2.6.39 has CLOCK_BOOTTIME");
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_nsec() / 1_000).unwrap_or(0);
    Ticks(seconds * 1_000_000 + micros)
}

/// Elsewhere: monotonic time since the first call; it may stand still while the machine is suspended.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_methods)]
pub fn boot_ticks() -> Ticks {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    Ticks::default().plus(START.get_or_init(std::time::Instant::now).elapsed())
}

/// Ids from the machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[allow(clippy::disallowed_methods)] // the one home of randomness
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
