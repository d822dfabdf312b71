//! Which timers does a cluster keep? Heartbeat, lease, stop budget, drift and margin.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HumanDuration;

/// The timers of a cluster. The inequalities between them are checked when they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often the control plane renews a node's lease. 50 ms to 1 min; at least three fit in `lease - stop_budget`.
    #[schema(default = "500ms")]
    pub heartbeat: HumanDuration,
    /// How long a node may run its groups after a moment that it stamped itself. 500 ms to 10 min.
    #[schema(default = "5s")]
    pub lease: HumanDuration,
    /// How long before the end of its lease a node begins to stop its groups gracefully. Less than `lease`.
    #[schema(default = "2s")]
    pub stop_budget: HumanDuration,
    /// How much faster or slower one machine's clock may run than another's, as a ratio: 0.01 is 1 %. 0 to 0.1.
    #[schema(value_type = f64, default = 0.01, minimum = 0.0, maximum = 0.1)]
    pub drift: Drift,
    /// Slack on both sides of the end of a lease: the time that a kill may take. 10 ms to 10 s, less than `stop_budget`.
    #[schema(default = "100ms")]
    pub margin: HumanDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: HumanDuration::from_millis(500),
            lease: HumanDuration::from_secs(5),
            stop_budget: HumanDuration::from_secs(2),
            drift: Drift::from_ppm(10_000),
            margin: HumanDuration::from_millis(100),
        }
    }
}

impl Settings {
    /// How long after the newest stamp that was echoed to it a silent node is proven stopped:
    /// `ttl * (1 + drift) + margin`.
    pub fn takeover_wait(&self, ttl: Duration) -> Duration {
        self.drift.stretch(ttl) + self.margin.get()
    }

    /// From the loss of a node to the moment when its groups may be started elsewhere, at worst: the heartbeat that
    /// was just renewed, and the takeover wait.
    pub fn worst_case_takeover(&self) -> Duration {
        self.heartbeat.get() + self.takeover_wait(self.lease.get())
    }
}

/// A ratio between two clocks' rates, kept in parts per million so that it compares and hashes exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drift(u32);

impl Drift {
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(ppm)
    }

    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// `duration * (1 + drift)`, rounded up to a microsecond.
    pub fn stretch(self, duration: Duration) -> Duration {
        let micros = duration.as_micros();
        let extra = (micros * u128::from(self.0)).div_ceil(1_000_000);
        Duration::from_micros(u64::try_from(micros + extra).unwrap_or(u64::MAX))
    }
}

impl Serialize for Drift {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1e6)
    }
}

impl<'de> Deserialize<'de> for Drift {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ratio = f64::deserialize(deserializer)?;
        if !(0.0..=0.1).contains(&ratio) {
            return Err(serde::de::Error::custom(format!("drift is a ratio from 0 to 0.1 (10 %), not {ratio}")));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in 0..=100_000 by the check above
        Ok(Self((ratio * 1e6).round() as u32))
    }
}
