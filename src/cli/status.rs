//! `locum status`: what is wanted and seen now, once or as it changes?

use std::time::Duration;

use clap::Args;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::board::StatusDocument;
use crate::client::control_plane::{ControlPlane, Reply};
use crate::clock::{Clock, SystemClock};
use crate::domain::ClusterName;

/// How long one question waits for a change.
const WAIT: Duration = Duration::from_secs(30);

/// How long to wait before a server that went away is asked again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  locum status
  locum status integration --watch
  locum status integration --output json | jq '.groups[] | {name, owner, state}'")]
pub struct StatusArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// Go on showing it as it changes: drawn anew on a terminal, appended elsewhere
    #[arg(short, long)]
    pub watch: bool,
}

pub async fn run(remote: &Remote, args: StatusArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    let first = plane.status(&name, None, Duration::ZERO).await?;
    let Some(first) = first else { return Ok(()) };
    show(remote, &first.reply, args.watch);
    if !args.watch {
        return Ok(());
    }
    follow(remote, &plane, &name, first.tag).await
}

/// Only a refusal ends it: a server that is restarted comes back.
async fn follow(remote: &Remote, plane: &ControlPlane, name: &ClusterName, mut tag: String) -> Result<(), Failure> {
    let mut told = false;
    loop {
        match plane.status(name, Some(&tag), WAIT).await {
            Ok(Some(seen)) => {
                show(remote, &seen.reply, true);
                tag = seen.tag;
                told = false;
            }
            Ok(None) => told = false,
            Err(error) if error.may_pass() => {
                if !told {
                    out::remark(format!("{error}; asking again every second"));
                }
                told = true;
                SystemClock.sleep(RETRY).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn show(remote: &Remote, reply: &Reply<StatusDocument>, again: bool) {
    if remote.json() {
        // One document per line, where more follow.
        if again {
            out::result(&reply.json)
        } else {
            out::json(&reply.json)
        }
        return;
    }
    if again && out::is_terminal() {
        out::clear_screen();
    }
    out::result(tables::status(&reply.value));
    if again && !out::is_terminal() {
        out::result("");
    }
}
