//! `locum events`: what happened in a cluster, and what happens next?

use std::time::Duration;

use clap::Args;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::client::control_plane::ControlPlane;
use crate::clock::{Clock, SystemClock};
use crate::domain::{ClusterName, Event};

/// How long to wait before a server that went away is asked again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "\
Events are numbered without gaps, and kept for as long as the cluster's `policy.retention` says. With `--follow` they are shown as they
happen; a server that is restarted is waited for, and nothing is missed meanwhile. With `--output json` each is a line of its own.

Examples:
  locum events
  locum events integration --after 1200 --limit 100
  locum events --follow --output json | jq -r 'select(.kind == \"failover_closed\") | .message'")]
pub struct EventsArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// Only those after this number; with --follow all of them first
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u64>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with = "follow")]
    pub limit: u32,
    /// Go on showing them as they happen
    #[arg(short, long)]
    pub follow: bool,
}

pub async fn run(remote: &Remote, args: EventsArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    if args.follow {
        return follow(remote, &plane, &name, args.after).await;
    }
    let page = plane.events(&name, args.after.unwrap_or(0), args.limit).await?;
    if remote.json() {
        out::json(&page.json);
        return Ok(());
    }
    page.value.items.iter().for_each(|event| out::result(tables::event(event)));
    if let Some(next) = page.value.next_cursor {
        out::remark(format!("more follow: --after {next}"));
    }
    Ok(())
}

/// Only a refusal ends it: a server that is restarted comes back, and goes on where it was.
async fn follow(remote: &Remote, plane: &ControlPlane, name: &ClusterName, after: Option<u64>) -> Result<(), Failure> {
    let path = format!("/v1/clusters/{name}/events");
    let (mut at, mut told) = (after.map(|after| after.to_string()), false);
    loop {
        let mut following = match plane.follow(&path, at.as_deref()).await {
            Ok(following) => following,
            Err(error) if error.may_pass() => {
                if !told {
                    out::remark(format!("{error}; asking again every second"));
                }
                told = true;
                SystemClock.sleep(RETRY).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        told = false;
        while let Ok(heard) = following.next().await {
            match serde_json::from_str::<Event>(&heard.data) {
                Ok(event) if remote.json() => out::result(serde_json::json!(event)),
                Ok(event) => out::result(tables::event(&event)),
                // A word of the server's about the stream itself.
                Err(_) => out::remark(&heard.data),
            }
        }
        at = following.place().map(str::to_owned).or(at);
        SystemClock.sleep(RETRY).await;
    }
}
