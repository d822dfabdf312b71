//! Does exactly one run, whatever is killed, frozen, lost or delayed? Real processes, real sockets, real leases.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // tests are a home of real time and of output

mod agents;
mod callers;
mod hosts;
mod network;
mod notes;
mod operations;
mod servers;
mod site;
