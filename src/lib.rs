//! Locum: a control plane for clustered hosts, services that must run on exactly one node at a time.
//!
//! | module | question | may use |
//! | --- | --- | --- |
//! | [`domain`] | what do the words mean? | nothing of ours |
//! | [`planner`] | what should be done now? | domain |
//! | [`advice`] | what is wrong with a topology before it hurts? | domain |
//! | [`lease`] | may it run? has it stopped? | domain |
//! | [`wire`] | what do control plane and agents say? | domain |
//! | [`board`] | what is seen now? | domain, planner |
//! | [`store`] | what is kept? | domain, planner |
//! | [`client`] | how is either side called? | domain, wire, api::views, board::status, planner's summary, explanation, what_if and resilience, advice |
//! | [`reconciler`] | how does wanted become true? | domain, planner, lease, wire, board, store, clock |
//! | [`api`] | what do callers see? | domain, planner, advice, board, store, reconciler::Nudge, clock |
//! | [`agent`] | how is it run on a node? | domain, lease, wire, clock, client |
//! | [`cli`], [`server`] | how is it put together? | everything |
//!
//! A test reads every path into our modules and checks this table.

pub mod advice;
pub mod agent;
pub mod api;
pub mod board;
pub mod cli;
pub mod client;
pub mod clock;
pub mod domain;
pub mod lease;
pub mod planner;
pub mod reconciler;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod wire;

/// Of every program of ours.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
