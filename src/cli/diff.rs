//! `locum diff` and `locum revert`: what differs between two topologies, and how does an earlier one come back?

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Failure;
use super::input::Input;
use super::remote::{Remote, cluster};
use super::{apply, out};
use crate::api::views::ActionRequest;
use crate::client::control_plane::{CallError, ControlPlane, Revert};
use crate::domain::{ClusterName, Difference, Generation, differences};

#[derive(Debug, Args)]
#[command(after_help = "\
A document is compared with what the server wants now, what it leaves out counting as it would when it is applied. Two
generations are compared as they were; `--to` alone is what that change changed.

Examples:
  locum diff -f integration.yaml
  locum diff integration --from 3 --to 7
  locum diff integration --to 7")]
pub struct DiffArgs {
    /// The cluster; not needed where the server has one, the document or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// The topology to compare with the server's, YAML or JSON; `-` is standard input
    #[arg(short, long, conflicts_with_all = ["from", "to"], required_unless_present_any = ["from", "to"])]
    pub file: Option<PathBuf>,
    /// The earlier generation; without it the one before `--to`
    #[arg(long, value_name = "GENERATION")]
    pub from: Option<u64>,
    /// The later generation; without it what is wanted now
    #[arg(long, value_name = "GENERATION")]
    pub to: Option<u64>,
}

pub async fn run(remote: &Remote, args: DiffArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let found = match &args.file {
        Some(file) => of_file(&plane, &Input::read(file)?, args.cluster).await?,
        None => of_generations(&plane, args).await?,
    };
    if remote.json() {
        out::json(&json!({ "differences": found }));
    } else {
        out::result(told(&found));
    }
    Ok(())
}

/// A line for each difference.
pub fn told(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "Nothing differs.".to_owned();
    }
    differences.iter().map(|difference| difference.text.as_str()).collect::<Vec<_>>().join("\n")
}

async fn of_file(plane: &ControlPlane, input: &Input, named: Option<ClusterName>) -> Result<Vec<Difference>, Failure> {
    let spec = input.topology()?;
    if let Some(other) = named.filter(|name| *name != spec.cluster) {
        return Err(Failure::Failed(format!("the document is of cluster {}, not of {other}", spec.cluster)));
    }
    let stored = match plane.topology(&spec.cluster).await {
        Ok(reply) => Some(reply.value),
        Err(CallError::Refused(problem)) if problem.status == 404 => None,
        Err(error) => return Err(error.into()),
    };
    let wanted = value(&spec.with_operator_state(stored.as_ref()))?;
    let stored = stored.as_ref().map(value).transpose()?;
    Ok(differences(stored.as_ref(), Some(&wanted)))
}

async fn of_generations(plane: &ControlPlane, args: DiffArgs) -> Result<Vec<Difference>, Failure> {
    let name = cluster(plane, args.cluster).await?;
    let to = match args.to {
        Some(generation) => plane.change(&name, Generation(generation)).await?.value,
        None => {
            let newest = plane.changes(&name, 1, None).await?.value.items;
            let newest = newest.first().map_or(Generation(0), |change| change.generation);
            plane.change(&name, newest).await?.value
        }
    };
    let Some(from) = args.from else { return Ok(to.diff) };
    let from = plane.change(&name, Generation(from)).await?.value;
    Ok(differences(from.change.after.as_ref(), to.change.after.as_ref()))
}

fn value(spec: &crate::domain::TopologySpec) -> Result<Value, Failure> {
    serde_json::to_value(spec).map_err(|error| Failure::Failed(error.to_string()))
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
#[command(after_help = "\
The plan is shown first. What operators want of nodes and groups stays as it is now, so that a revert resumes no drained
node, unless --operator-state asks for it. A revert is a change like any other: it can be reverted.

Examples:
  locum revert integration 7 --reason 'the new timers were too short'
  locum revert 7 --dry-run")]
pub struct RevertArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// The generation after which what is wanted was right; `locum diff --to` shows what it changed
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub generation: u64,
    /// Why, for the history
    #[arg(long)]
    pub reason: Option<String>,
    /// Also what operators wanted then: nodes paused or drained, groups offline, maintenance
    #[arg(long)]
    pub operator_state: bool,
    /// Revert even if a running group stops, restarts or moves
    #[arg(short, long)]
    pub yes: bool,
    /// Show the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

pub async fn revert(remote: &Remote, args: RevertArgs) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, args.cluster).await?;
    let request = ActionRequest { reason: args.reason };
    let asked = Revert { generation: Generation(args.generation), request, operator_state: args.operator_state };
    // What is shown is what is done: a change in between is refused.
    let present = plane.present(&name).await?;
    let dry = plane.revert(&name, &asked, present, true).await?;
    if !remote.json() {
        apply::show_plan(&dry.value);
    }
    if args.dry_run {
        return apply::end_of_dry_run(remote, &dry);
    }
    if dry.value.summary.disturbs && !args.yes {
        apply::confirm(remote, &dry)?;
    }
    let done = plane.revert(&name, &asked, present, false).await?;
    if remote.json() {
        out::json(&done.json);
        return Ok(());
    }
    let what = if done.value.changed { "reverted" } else { "unchanged" };
    out::result(format!("cluster {name} {what}, generation {}", done.value.generation));
    Ok(())
}
