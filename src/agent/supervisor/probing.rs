//! Which probes are asked, and how often?

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ProbeKind;
use super::life::Up;
use crate::domain::{ProbeSpec, ResourceSpec, Ticks};

const READINESS_INTERVAL: Duration = Duration::from_millis(500);
const LOOKS_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const IS_ALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// When a probe is asked.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Asked {
    pub in_flight: bool,
    pub next_at: Ticks,
    /// What is in flight is no longer what should be asked: its answer counts for nothing.
    #[serde(default)]
    pub outdated: bool,
}

/// The probes that are asked at this stage.
pub(super) fn kinds(up: &Up) -> &'static [ProbeKind] {
    match (&up.stop, up.online) {
        (Some(_), _) => &[],
        (None, true) => &[ProbeKind::LooksAlive, ProbeKind::IsAlive],
        (None, false) => &[ProbeKind::Readiness],
    }
}

/// Only processes are probed: nothing else is ever started here.
pub(super) fn probe_spec(spec: &ResourceSpec, which: ProbeKind) -> Option<&ProbeSpec> {
    let process = spec.run.process()?;
    match which {
        ProbeKind::Readiness => process.readiness.as_ref(),
        ProbeKind::LooksAlive => process.looks_alive.as_ref(),
        ProbeKind::IsAlive => process.is_alive.as_ref(),
    }
}

pub(super) fn interval(spec: &ResourceSpec, which: ProbeKind) -> Duration {
    let default = match which {
        ProbeKind::Readiness => READINESS_INTERVAL,
        ProbeKind::LooksAlive => LOOKS_ALIVE_INTERVAL,
        ProbeKind::IsAlive => IS_ALIVE_INTERVAL,
    };
    probe_spec(spec, which).and_then(|p| p.interval).map_or(default, Duration::from)
}
