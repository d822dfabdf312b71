//! Does the lease protocol keep its promises, whatever is lost, repeated, late, slow or restarted?
#![allow(clippy::unwrap_used)] // a test that can't go on says so and ends

mod bounds;
mod control;
mod network;
mod node;
mod peers;
mod protocol;
mod recovery;
mod reduce;
mod rules;
mod same_code;
mod state;
mod symmetry;
