//! `locum explain`: why is a group here and not there, and what would change it?

use clap::Args;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::domain::{ClusterName, GroupName};

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
#[command(after_help = "\
Examples:
  locum explain integration ftp-receive
  locum explain ftp-receive --output json | jq '.nodes[] | {node, eligible, obstacles}'")]
pub struct ExplainArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    pub group: GroupName,
}

pub async fn run(remote: &Remote, args: ExplainArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    let reply = plane.explain(&name, &args.group).await?;
    if remote.json() {
        out::json(&reply.json);
    } else {
        out::result(tables::what_if::explanation(&reply.value));
    }
    Ok(())
}
