//! `locum export`: what is wanted of a cluster, as a document that can be applied?

use clap::Args;

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, yaml};
use crate::domain::ClusterName;

#[derive(Debug, Args)]
#[command(after_help = "\
Applying an export changes nothing. It is whole: what was left to its default is written out, and what operators want of
nodes and groups (`wanted`) stands in it; take that out of a document that is kept, so that applying it resumes nothing.

Examples:
  locum export integration > integration.yaml
  locum export --output json | jq '.groups[].name'")]
pub struct ExportArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
}

pub async fn run(remote: &Remote, args: ExportArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    let reply = plane.topology(&name).await?;
    if remote.json() {
        out::json(&reply.json);
    } else {
        out::result(yaml::write(&reply.value)?);
    }
    Ok(())
}
