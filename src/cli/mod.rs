//! How does a person use Locum from a terminal? One file per command.

use clap::{Parser, Subcommand};

pub mod advice;
pub mod agent;
pub mod apply;
pub mod check;
#[cfg(unix)]
pub mod demo;
pub mod diff;
pub mod document;
pub mod events;
pub mod exit;
pub mod explain;
pub mod export;
pub mod guard;
pub mod history;
pub mod input;
pub mod openapi;
pub mod operations;
pub mod out;
pub mod remote;
pub mod resilience;
pub mod server;
pub mod signals;
pub mod simulate;
pub mod statistics;
pub mod status;
pub mod tables;
pub mod verbs;
pub mod yaml;

use exit::{EXIT_CODES, Failure};
use remote::Remote;

/// Runs services on exactly one node at a time, and moves them when theirs fails.
///
/// `locum demo` shows it on this machine; `locum server` and `locum agent` are the real thing; the other commands ask
/// a server.
#[derive(Debug, Parser)]
#[command(name = "locum", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub remote: Remote,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it all on this machine: a control plane, three agents, two clustered receive handlers
    #[cfg(unix)]
    Demo(demo::DemoArgs),
    /// Run the control plane
    Server(server::ServerArgs),
    /// Run a node's agent
    Agent(agent::AgentArgs),
    /// Make a document the desired state, after showing its plan
    Apply(apply::ApplyArgs),
    /// Show what a document would change, or what faults would lead to, and change nothing
    Plan(apply::PlanArgs),
    /// Say what is wrong with a document before it hurts, and how to mend it; needs no server
    Check(check::CheckArgs),
    /// Show where a document's groups would run, and where after faults; needs no server
    Simulate(simulate::SimulateArgs),
    /// Show what the loss of any one node would do, and of any two
    Resilience(resilience::ResilienceArgs),
    /// Show what the rules say of a cluster, and for each host whether it should be clustered
    Advice(advice::AdviceArgs),
    /// Show what differs: a document and what is wanted, or two generations
    Diff(diff::DiffArgs),
    /// Print what is wanted as a document that can be applied
    Export(export::ExportArgs),
    /// Make what is wanted what it was after an earlier change, after showing the plan
    Revert(diff::RevertArgs),
    /// Show what is wanted and what is seen
    Status(status::StatusArgs),
    /// Show why a group is where it is, what speaks for and against each node, and what would change that
    Explain(explain::ExplainArgs),
    /// Move a group to another node
    Move(verbs::MoveArgs),
    /// Place nothing new on a node; what it runs stays
    Pause(verbs::NodeArgs),
    /// Move everything off a node, and place nothing new on it
    Drain(verbs::NodeArgs),
    /// Let a paused or drained node run groups again
    Resume(verbs::NodeArgs),
    /// Say that a silent node runs nothing, so that its groups may start elsewhere at once
    ConfirmDown(verbs::ConfirmDownArgs),
    /// Want a group to run
    Online(verbs::GroupArgs),
    /// Want a group not to run
    Offline(verbs::GroupArgs),
    /// Forget that a group failed and what it spent of its failover budget
    Reset(verbs::GroupArgs),
    /// Show the operations, newest first: how far each has come, and what it waits for
    Operations(operations::OperationsArgs),
    /// Take an operation back, as long as nothing was stopped for it
    Cancel(operations::CancelArgs),
    /// Show what happened, and go on showing it as it happens
    Events(events::EventsArgs),
    /// Show the failovers, newest first
    History(history::HistoryArgs),
    /// Show how long each group was up, and how its failovers went
    Statistics(statistics::StatisticsArgs),
    /// Print an API's OpenAPI document
    Openapi(openapi::OpenapiArgs),
    /// The small process that parents an agent's services; agents start it
    #[command(hide = true)]
    Guard(guard::GuardArgs),
    /// The demo's receive handler
    #[cfg(unix)]
    #[command(hide = true)]
    Receive(demo::receive::ReceiveArgs),
}

/// Runs a command to its end.
pub fn run(remote: &Remote, command: Command) -> Result<(), Failure> {
    match command {
        // No runtime may be there before it.
        Command::Guard(args) => guard::run(&args),
        #[cfg(unix)]
        Command::Receive(args) => demo::receive::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::Check(args) => check::run(remote, &args),
        Command::Simulate(args) => simulate::run(remote, args),
        #[cfg(unix)]
        Command::Demo(args) => wait_for(demo::run(args)),
        Command::Server(args) => wait_for(server::run(args)),
        Command::Agent(args) => wait_for(agent::run(args)),
        Command::Apply(args) => wait_for(apply::apply(remote, args)),
        Command::Plan(args) => wait_for(apply::plan(remote, args)),
        Command::Resilience(args) => wait_for(resilience::run(remote, args)),
        Command::Advice(args) => wait_for(advice::run(remote, args)),
        Command::Diff(args) => wait_for(diff::run(remote, args)),
        Command::Export(args) => wait_for(export::run(remote, args)),
        Command::Revert(args) => wait_for(diff::revert(remote, args)),
        Command::Status(args) => wait_for(status::run(remote, args)),
        Command::Explain(args) => wait_for(explain::run(remote, args)),
        Command::Move(args) => wait_for(verbs::move_group(remote, args)),
        Command::Pause(args) => wait_for(verbs::on_node(remote, "pause", args)),
        Command::Drain(args) => wait_for(verbs::on_node(remote, "drain", args)),
        Command::Resume(args) => wait_for(verbs::on_node(remote, "resume", args)),
        Command::ConfirmDown(args) => wait_for(verbs::confirm_down(remote, args)),
        Command::Online(args) => wait_for(verbs::on_group(remote, "online", args)),
        Command::Offline(args) => wait_for(verbs::on_group(remote, "offline", args)),
        Command::Reset(args) => wait_for(verbs::on_group(remote, "reset", args)),
        Command::Operations(args) => wait_for(operations::list(remote, args)),
        Command::Cancel(args) => wait_for(operations::cancel(remote, args)),
        Command::Events(args) => wait_for(events::run(remote, args)),
        Command::History(args) => wait_for(history::run(remote, args)),
        Command::Statistics(args) => wait_for(statistics::run(remote, args)),
    }
}

fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cluster_may_be_left_out() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.command);
        let named = |command: Command| match command {
            Command::Move(args) => (args.cluster.map(|c| c.to_string()), args.group.to_string()),
            other => panic!("not a move: {other:?}"),
        };
        assert_eq!(named(parse("locum move prod ftp --to b").unwrap()), (Some("prod".to_owned()), "ftp".to_owned()));
        assert_eq!(named(parse("locum move ftp").unwrap()), (None, "ftp".to_owned()));
        assert!(parse("locum move").is_err());
        assert!(parse("locum agent").is_err());
        assert!(parse("locum agent reset --state-dir x").is_ok());
        assert!(parse("locum agent --name a --state-dir x").is_ok());
    }
}
