//! `locum history`: which failovers were there, why, and with which proof?

use clap::Args;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::client::control_plane::ControlPlane;
use crate::domain::{ClusterName, FailoverRecord, GroupName};

/// The most that one page of the API may hold.
const PAGE: u32 = 100;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  locum history
  locum history integration --group ftp-receive --limit 5
  locum history --report --limit 1000 > failovers.md
  locum history integration --output json | jq '.items[] | {cause, release_proof, phases_ms}'")]
pub struct HistoryArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// Only those of this group
    #[arg(long)]
    pub group: Option<GroupName>,
    /// At most so many, the newest
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// As a report in Markdown, to be kept or sent on
    #[arg(long)]
    pub report: bool,
}

pub async fn run(remote: &Remote, args: HistoryArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    if args.report {
        out::result(plane.report(&name, args.group.as_ref(), args.limit).await?.trim_end());
        return Ok(());
    }
    let reply = plane.failovers(&name, args.group.as_ref(), args.limit, None).await?;
    if remote.json() {
        out::json(&reply.json);
        return Ok(());
    }
    out::result(tables::history(&reply.value.items));
    if reply.value.next_cursor.is_some() {
        out::remark(format!("older ones follow; these are the newest {}", args.limit));
    }
    Ok(())
}

/// Every failover of a cluster, oldest first.
pub async fn all(plane: &ControlPlane, cluster: &ClusterName) -> Result<Vec<FailoverRecord>, Failure> {
    let mut records = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = plane.failovers(cluster, None, PAGE, cursor.as_deref()).await?.value;
        records.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            records.reverse();
            return Ok(records);
        }
    }
}
