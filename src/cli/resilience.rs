//! `locum resilience`: what would the loss of any one node do, and of any two?

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::Failure;
use super::input::Input;
use super::remote::{Remote, cluster};
use super::{out, simulate, tables};
use crate::domain::ClusterName;
use crate::planner;
use crate::planner::what_if::counted_ids;

#[derive(Debug, Args)]
#[command(after_help = "\
A cluster is asked about as it runs now; a document as it would run from cold, without a server.
Downtimes are bounds by the timers, not forecasts. Pairs are shown where they are worse than each of their nodes alone.

Examples:
  locum resilience integration
  locum resilience -f examples/ftp-receive.yaml
  locum resilience --output json | jq '.not_covered'")]
pub struct ResilienceArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    #[arg(conflicts_with = "file")]
    pub cluster: Option<ClusterName>,
    /// A topology instead, YAML or JSON; `-` is standard input
    #[arg(short, long)]
    pub file: Option<PathBuf>,
}

pub async fn run(remote: &Remote, args: ResilienceArgs) -> Result<(), Failure> {
    let (found, json) = match &args.file {
        Some(file) => {
            let (_, running) = simulate::started(&Input::read(file)?.topology()?);
            let found = planner::resilience(&running, &mut counted_ids());
            let json = json!(found);
            (found, json)
        }
        None => {
            let plane = remote.control_plane()?;
            let name = cluster(&plane, args.cluster).await?;
            let reply = plane.resilience(&name).await?;
            (reply.value, reply.json)
        }
    };
    if remote.json() {
        out::json(&json);
    } else {
        out::result(tables::what_if::resilience(&found));
    }
    Ok(())
}
