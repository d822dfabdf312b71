//! `locum statistics`: how did the groups fare, and who owned each of them when?

use clap::Args;
use jiff::Timestamp;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::client::control_plane::During;
use crate::domain::{ClusterName, GroupName};

#[derive(Debug, Args)]
#[command(after_help = "\
Uptime is the share of the time in which a group was up or down: what was wanted offline, and what nothing is known of, counts as
neither.

Examples:
  locum statistics
  locum statistics integration --since 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z --report > november.md
  locum statistics --group ftp-receive
  locum statistics --output json | jq '.groups[] | {group, uptime_percent}'")]
pub struct StatisticsArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// Show who owned this group from when to when
    #[arg(long)]
    pub group: Option<GroupName>,
    /// The beginning; 30 days before the end where it is left out
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// The end; now where it is left out
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// As a report in Markdown, to be kept or sent on
    #[arg(long)]
    pub report: bool,
}

pub async fn run(remote: &Remote, args: StatisticsArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    let during = During { since: args.since, until: args.until };
    match (args.group, args.report) {
        (None, true) => out::result(plane.statistics_report(&name, during).await?.trim_end()),
        (Some(group), true) => out::result(plane.timeline_report(&name, &group, during).await?.trim_end()),
        (None, false) => {
            let reply = plane.statistics(&name, during).await?;
            match remote.json() {
                true => out::json(&reply.json),
                false => out::result(tables::statistics::groups(&reply.value)),
            }
        }
        (Some(group), false) => {
            let reply = plane.timeline(&name, &group, during).await?;
            match remote.json() {
                true => out::json(&reply.json),
                false => out::result(tables::statistics::timeline(&reply.value)),
            }
        }
    }
    Ok(())
}
