//! Does a whole cluster keep its promises, whatever goes wrong? Seeded worlds of the shipped planner, reconciler, leases
//! and agents, in one thread and in simulated time.
#![allow(clippy::unwrap_used)] // a test that can't go on says so and ends
#![allow(clippy::disallowed_methods)] // the home of simulated time
#![allow(dead_code)] // the world that uses all of it is not here yet

mod chance;
mod checker;
mod clock;
mod history;
mod machine;
#[path = "../planner/check.rs"]
mod same;
mod story;
