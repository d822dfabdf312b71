//! Everything that needs the real parts: databases, sockets, processes.
// Tests are a home of real time and of output, and their helpers fail by panicking too.
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::unwrap_used)]

mod api;
mod api_advice;
mod api_batch;
mod api_changes;
mod api_concurrency;
mod api_create;
mod api_history;
mod api_hosts;
mod api_lists;
mod api_objects;
mod api_operations;
mod api_operators;
mod api_parameters;
mod api_preconditions;
mod api_replay;
mod api_statistics;
mod api_streams;
mod architecture;
mod bad_input;
mod board;
mod cli;
mod cli_intent;
mod cli_offline;
mod cli_server;
mod demo;
mod examples;
mod first_minutes;
mod guard;
mod http_crowds;
mod http_limits;
mod http_streams;
mod nudges;
mod one_group;
mod openapi;
mod plan;
mod recreated;
mod retention;
mod store;
mod store_file;
mod store_memory;
mod store_writer;
mod support;
