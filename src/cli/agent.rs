//! `locum agent`: how is a node's agent started from a terminal, and released from its cluster?

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::Failure;
use super::{out, signals};
use crate::agent::{self, AgentConfig};
use crate::domain::NodeName;
use crate::telemetry;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  locum agent --name bts1 --state-dir /var/lib/locum-agent
  locum agent reset --state-dir /var/lib/locum-agent")]
pub struct AgentArgs {
    #[command(subcommand)]
    pub command: Option<AgentCommand>,
    #[command(flatten)]
    pub run: Option<RunArgs>,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The node's name, as the topology has it
    #[arg(long)]
    pub name: NodeName,
    /// Where the control plane reaches it
    #[arg(long, default_value = "127.0.0.1:7441", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// What it must remember over a restart: a folder on a local disk
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Forget the cluster that the agent obeys; only while nothing runs under it
    Reset {
        /// The agent's folder
        #[arg(long, value_name = "DIR")]
        state_dir: PathBuf,
    },
}

pub async fn run(args: AgentArgs) -> Result<(), Failure> {
    match (args.command, args.run) {
        (Some(AgentCommand::Reset { state_dir }), _) => {
            out::result(agent::reset(&state_dir).await?);
            Ok(())
        }
        (None, Some(run)) => serve(run).await,
        (None, None) => Err(Failure::Failed("say --name and --state-dir".to_owned())),
    }
}

async fn serve(args: RunArgs) -> Result<(), Failure> {
    let RunArgs { name, listen, state_dir } = args;
    telemetry::log_to_stderr();
    let stop = signals::stop_on_signal()?;
    let bound = agent::bind(AgentConfig { name: name.clone(), listen, state_dir }).await?;
    out::result(format!("locum agent {name} listening on http://{}", bound.local_addr()));
    bound.run(stop).await?;
    Ok(())
}
