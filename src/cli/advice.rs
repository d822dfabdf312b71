//! `locum advice`: what do the rules say of a cluster that a server knows?

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::remote::{Remote, cluster};
use super::{out, tables};
use crate::advice::Severity;
use crate::domain::ClusterName;

#[derive(Debug, Args)]
#[command(after_help = "\
Errors stand in the way of changes that newly bring them in; warnings will hurt when something fails; advice could be better.
`locum check -f FILE` asks the same of a document, without a server.

Examples:
  locum advice integration
  locum advice --severity warning --output json | jq -r '.findings[].rule'")]
pub struct AdviceArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// Only findings of this severity or worse
    #[arg(long, value_enum)]
    pub severity: Option<Least>,
}

/// The least severity that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Least {
    Error,
    Warning,
    Advice,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Error => Self::Error,
            Least::Warning => Self::Warning,
            Least::Advice => Self::Advice,
        }
    }
}

pub async fn run(remote: &Remote, args: AdviceArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    let reply = plane.advice(&name, args.severity.map(Severity::from)).await?;
    if remote.json() {
        out::json(&reply.json);
    } else {
        out::result(tables::findings::advice(&reply.value));
    }
    Ok(())
}
