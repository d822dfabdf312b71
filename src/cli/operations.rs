//! `locum operations` and `cancel`: where do actions that take time stand, and how is one taken back?

use clap::Args;
use uuid::Uuid;

use super::exit::Failure;
use super::remote::Remote;
use super::{out, tables};
use crate::api::views::ActionRequest;
use crate::client::control_plane::Which;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::ClusterName;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  locum operations                       (of all clusters, the newest first)
  locum operations integration --state running
  locum operations --kind drain --target bts1 --output json | jq '.items[0].phases'")]
pub struct OperationsArgs {
    /// Only those of this cluster
    pub cluster: Option<ClusterName>,
    /// Only those that are running, succeeded, failed, superseded or cancelled
    #[arg(long)]
    pub state: Option<String>,
    /// Only moves, drains, ...: move, online, offline, reset, pause, drain, resume or confirm_down
    #[arg(long)]
    pub kind: Option<String>,
    /// Only those about the group or node of this name
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// At most so many, the newest
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "\
It is refused once anything was stopped for the operation; the sentence says what to do instead. A drain can be
cancelled as long as it runs: what has left the node stays where it is.

Examples:
  locum operations --state running
  locum cancel 01977f3e-8f5c-7b4e-9c53-2d1c5a0e7f10 --reason 'wrong node'")]
pub struct CancelArgs {
    /// The operation's id, as `locum operations` shows it
    pub id: Uuid,
    /// Why, for the history
    #[arg(long)]
    pub reason: Option<String>,
}

pub async fn list(remote: &Remote, args: OperationsArgs) -> Result<(), Failure> {
    let OperationsArgs { cluster, state, kind, target, limit } = args;
    let reply = remote.control_plane()?.operations(&Which { cluster, state, kind, target, limit }).await?;
    if remote.json() {
        out::json(&reply.json);
        return Ok(());
    }
    out::result(tables::operations(&reply.value.items, SystemClock.now()));
    if reply.value.next_cursor.is_some() {
        out::remark(format!("older ones follow; these are the newest {limit}"));
    }
    Ok(())
}

pub async fn cancel(remote: &Remote, args: CancelArgs) -> Result<(), Failure> {
    let reply = remote.control_plane()?.cancel(args.id, &ActionRequest { reason: args.reason }).await?;
    if remote.json() {
        out::json(&reply.json);
    } else {
        let operation = &reply.value;
        out::result(format!("{} {}: {}", operation.kind.as_str(), operation.target, operation.message));
    }
    Ok(())
}
