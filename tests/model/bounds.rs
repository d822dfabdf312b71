//! How large is the world that is explored, and how long are its times?

use super::protocol::Action;
use super::state::{EVERYONE, Faults, Set};

/// The timers, in ticks. Small numbers with the real proportions: what counts is which comes before which.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    pub ttl: u8,
    /// A group starts only while more than this is left of the lease.
    pub stop_budget: u8,
    /// What is left is killed that long before the lease ends, and the control plane waits that much longer.
    pub margin: u8,
    /// A kill takes that long at the most: both margins together.
    pub kill: u8,
    /// A slow clock skips one of so many ticks.
    pub cycle: u8,
    /// How long a promise lasts that keeps an owner going; 0: there is no peer hold.
    pub hold: u8,
}

impl Timers {
    pub const SHORT: Self = Self { ttl: 2, stop_budget: 1, margin: 1, kill: 2, cycle: 3, hold: 0 };
    pub const HOLDING: Self = Self { hold: 3, ..Self::SHORT };

    /// How long any clock within the drift needs at the most for `ticks` of a slow one.
    pub const fn stretch(&self, ticks: u8) -> u8 {
        (ticks * self.cycle).div_ceil(self.cycle - 1)
    }
}

/// What is explored.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub timers: Timers,
    /// No decision above it is made.
    pub decisions: u8,
    /// Orders under way at once, and answers under way from one node: 0 if they are heard at once.
    pub requests: usize,
    pub answers: usize,
    /// Words between peers under way.
    pub peer_words: usize,
    pub faults: Faults,
    /// The owner sets that may be wanted; the first is.
    pub sets: &'static [Set],
    /// Which clocks are slow, each tried.
    pub slow: &'static [Set],
    pub peer_hold: bool,
    /// Whether nodes that are assigned nothing get heartbeats with leases too.
    pub idle_leases: bool,
    /// Whether a stamp is fetched, a decision taken up and an order sent in steps of their own, between which time may
    /// pass. Else an order rests on a stamp that has just come, and what is stored is what grants name: a grant on the
    /// decision before, sent right after a commit, is the same as one sent right before it.
    pub fine: bool,
    /// Whether what can matter no more is dropped.
    pub reduced: bool,
    /// Whether states that differ by the names of their nodes count as one.
    pub nameless: bool,
    /// What may happen of all that can: a mutant's story needs little, and is found the sooner.
    pub may: fn(&Action) -> bool,
    /// From an empty database, or from a group that runs on the first node.
    pub blank: bool,
}

impl Bounds {
    pub const fn small() -> Self {
        Self {
            timers: Timers::SHORT,
            decisions: 2,
            requests: 1,
            answers: 0,
            peer_words: 0,
            faults: Faults { restarts: 0, reboots: 0, reigns: 0, restores: 0, edits: 0 },
            sets: &[EVERYONE],
            slow: &[0],
            peer_hold: false,
            idle_leases: false,
            fine: false,
            reduced: true,
            nameless: true,
            may: |_| true,
            blank: false,
        }
    }
}
