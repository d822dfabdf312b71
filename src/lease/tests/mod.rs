//! Do the two halves keep their promises? Each rule alone, then both against an adversarial network.

mod grantor;
mod holder;
mod machine;
mod network;
mod world;

use std::time::Duration;

use uuid::Uuid;

use super::{GrantTimers, Stamp};
use crate::domain::{Drift, NodeName, Ticks};

fn node() -> NodeName {
    "bts1".parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Ticks {
    Ticks::from_millis(millis)
}

fn stamp(incarnation: u128, millis: u64) -> Stamp {
    Stamp { incarnation: id(incarnation), ticks: at(millis) }
}

/// A lease of 1000 ms has passed 1110 ms after the receipt of its stamp; three heartbeats are 300 ms.
fn timers() -> GrantTimers {
    GrantTimers { heartbeat: ms(100), ttl: ms(1_000), drift: Drift::from_ppm(10_000), margin: ms(100) }
}
