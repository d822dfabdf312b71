//! What keeps a service from outliving its lease when the agent can't? A small process that parents the services.
//!
//! | module | question |
//! | --- | --- |
//! | [`client`] | how does the agent talk to its guard? |
//! | `key` | which service is it? |
//! | `link` | what does a connection to the guard carry? |
//! | `launch` | how is a guard found or started? |
//! | `remains` | how is what a dead guard left brought to nothing? |
//! | `server` | what does the guard process do? |
//! | `service` | what does the guard know of one service? |
//! | `child` | how does a forked child become the service? |
//! | `connection` | how does the guard talk without ever waiting? |
//! | `cgroup`, `procfs` | what does the kernel say of trees and processes? |
//! | [`protocol`] | what do agent and guard say to each other? |

mod cgroup;
mod child;
pub mod client;
mod connection;
mod key;
mod launch;
mod link;
mod procfs;
pub mod protocol;
mod remains;
mod server;
mod service;

pub use launch::GuardLauncher;
pub use server::{GuardFailure, run};
