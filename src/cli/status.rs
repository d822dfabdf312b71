//! `locum status`: what is wanted and seen now, once or as it changes?

use std::time::Duration;

use clap::Args;
use serde::Deserialize as _;
use serde_json::Value;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::board::StatusDocument;
use crate::client::control_plane::{ControlPlane, Reply};
use crate::clock::{Clock, SystemClock};
use crate::domain::ClusterName;

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
    if args.watch {
        return follow(remote, &plane, &name).await;
    }
    if let Some(seen) = plane.status(&name, None, Duration::ZERO).await? {
        show(remote, &seen.reply, false);
    }
    Ok(())
}

/// Only a refusal ends it: a server that is restarted comes back.
async fn follow(remote: &Remote, plane: &ControlPlane, name: &ClusterName) -> Result<(), Failure> {
    let path = format!("/v1/clusters/{name}/status");
    let (mut shown, mut told) = (String::new(), false);
    loop {
        match plane.follow(&path, None).await {
            Ok(mut following) => {
                told = false;
                while let Ok(heard) = following.next().await {
                    // After a connection that broke the same comes again.
                    if heard.event == "status" && heard.id != shown {
                        let (json, value) = read(&heard.data)
                            .map_err(|why| Failure::Failed(format!("a status can't be read: {why}")))?;
                        show(remote, &Reply { value, json }, true);
                        shown = heard.id;
                    }
                }
            }
            Err(error) if error.may_pass() => {
                if !told {
                    out::remark(format!("{error}; asking again every second"));
                }
                told = true;
            }
            Err(error) => return Err(error.into()),
        }
        SystemClock.sleep(RETRY).await;
    }
}

fn read(data: &str) -> serde_json::Result<(Value, StatusDocument)> {
    let json: Value = serde_json::from_str(data)?;
    let value = StatusDocument::deserialize(&json)?;
    Ok((json, value))
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
