//! Everything that needs the real parts: databases, sockets, processes.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // tests are a home of real time and of output
mod cli;
