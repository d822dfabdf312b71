//! Is a service dead, starting, up or being stopped, and has it failed too often?

use serde::{Deserialize, Serialize};

use super::ProbeKind;
use super::probing::{Asked, interval, probe_spec};
use crate::agent::guard::client::{Exit, Guarded};
use crate::domain::{Bounded, ResourceSpec, Ticks};

/// It failed more often than its policy allows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Beyond {
    pub at: Ticks,
    pub reason: String,
}

/// Whether anything of it is alive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Life {
    Dead,
    /// The start was asked for. An exit may be heard of before the answer.
    Starting {
        lease_stop_at: Ticks,
        exited: Option<(u32, Exit)>,
    },
    Up(Up),
}

/// It runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Up {
    pub pid: u32,
    pub bounded: Bounded,
    pub since: Ticks,
    pub online: bool,
    pub stop: Option<Stop>,
    pub readiness: Asked,
    pub looks_alive: Asked,
    pub is_alive: Asked,
}

/// It is being stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stop {
    pub why: StopWhy,
    /// When it is killed; `None` while only the guard has asked it to stop, at the end of the lease.
    pub kill_at: Option<Ticks>,
    pub killed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StopWhy {
    Unwanted,
    Lease,
    /// What it depends on is no longer online. It starts again once it is.
    Dependency,
    /// It failed and still runs; the failure is counted already.
    Failed,
}

/// Whether a started service was expected.
pub(super) enum Took {
    Yes,
    No,
    /// It was, and has ended already.
    Exited,
}

impl Up {
    /// A service that runs since `since`; its probes are asked from `now` on.
    pub fn new(guarded: &Guarded, online: bool, now: Ticks) -> Self {
        let due = Asked { next_at: now, ..Asked::default() };
        Self {
            pid: guarded.pid,
            bounded: guarded.bounded,
            since: guarded.started_at,
            online,
            stop: None,
            readiness: due,
            looks_alive: due,
            is_alive: due,
        }
    }

    /// Goes on under a new agent process: what was asked before is not answered any more.
    pub fn resume(&mut self, now: Ticks) {
        for asked in [&mut self.readiness, &mut self.looks_alive, &mut self.is_alive] {
            (asked.in_flight, asked.outdated) = (false, false);
        }
        if !self.online {
            self.since = now;
        }
    }

    pub fn asked(&mut self, which: ProbeKind) -> &mut Asked {
        match which {
            ProbeKind::Readiness => &mut self.readiness,
            ProbeKind::LooksAlive => &mut self.looks_alive,
            ProbeKind::IsAlive => &mut self.is_alive,
        }
    }

    /// Goes on under a changed spec: a probe that differs is asked anew.
    pub fn change(&mut self, before: &ResourceSpec, wanted: &ResourceSpec, now: Ticks) {
        for which in [ProbeKind::Readiness, ProbeKind::LooksAlive, ProbeKind::IsAlive] {
            if probe_spec(before, which) != probe_spec(wanted, which) {
                let asked = self.asked(which);
                (asked.outdated, asked.next_at) = (asked.in_flight, now);
            }
        }
        if !self.online && probe_spec(wanted, ProbeKind::Readiness).is_none() {
            self.come_online(wanted, now);
        }
    }

    pub fn come_online(&mut self, spec: &ResourceSpec, now: Ticks) {
        self.online = true;
        self.looks_alive.next_at = now.plus(interval(spec, ProbeKind::LooksAlive));
        self.is_alive.next_at = now.plus(interval(spec, ProbeKind::IsAlive));
    }
}
