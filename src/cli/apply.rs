//! `locum apply` and `locum plan`: how does a document become the desired state, with its plan seen first?

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use super::input::Input;
use super::remote::Remote;
use super::{out, tables};
use crate::api::views::TopologyResult;
use crate::client::control_plane::{CallError, Replaces, Reply};
use crate::domain::Generation;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  locum apply -f examples/ftp-receive.yaml
  generate-topology | locum apply -f - --yes")]
pub struct ApplyArgs {
    /// The topology, YAML or JSON; `-` is standard input
    #[arg(short, long)]
    pub file: PathBuf,
    /// Apply it even if a running group stops, restarts or moves
    #[arg(short, long)]
    pub yes: bool,
    /// Show the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  locum plan -f examples/ftp-receive.yaml")]
pub struct PlanArgs {
    /// The topology, YAML or JSON; `-` is standard input
    #[arg(short, long)]
    pub file: PathBuf,
}

/// `locum plan` is `locum apply --dry-run`.
pub async fn plan(remote: &Remote, args: PlanArgs) -> Result<(), Failure> {
    apply(remote, ApplyArgs { file: args.file, yes: false, dry_run: true }).await
}

pub async fn apply(remote: &Remote, args: ApplyArgs) -> Result<(), Failure> {
    let input = Input::read(&args.file)?;
    let cluster = input.topology()?.cluster;
    let plane = remote.control_plane()?;
    let explain = |error: CallError| input.explain(error);
    let put = |replaces, dry_run| plane.put_topology(&cluster, &input.document.value, replaces, dry_run);
    let dry = put(Replaces::Anything, true).await.map_err(explain)?;
    if !remote.json() {
        show_plan(&dry.value);
    }
    if args.dry_run {
        return if_json(remote, &dry);
    }
    if dry.value.summary.disturbs && !args.yes {
        confirm(remote, &dry)?;
    }
    // What was shown is what is applied: a change in between is refused.
    let done = put(replaces(&dry.value), false).await.map_err(explain)?;
    if remote.json() {
        return if_json(remote, &done);
    }
    let TopologyResult { cluster, generation, created, changed, .. } = done.value;
    let what = match (created, changed) {
        (true, _) => "created",
        (false, true) => "changed",
        (false, false) => "unchanged",
    };
    out::result(format!("cluster {cluster} {what}, generation {generation}"));
    Ok(())
}

fn show_plan(result: &TopologyResult) {
    if result.changed || !result.summary.lines.is_empty() {
        out::result(tables::plan(&result.summary));
    } else {
        out::result("The document says what is stored: nothing changes.");
    }
}

fn if_json(remote: &Remote, reply: &Reply<TopologyResult>) -> Result<(), Failure> {
    if remote.json() {
        out::json(&reply.json);
    }
    Ok(())
}

fn replaces(dry: &TopologyResult) -> Replaces {
    if dry.generation == Generation(0) { Replaces::Nothing } else { Replaces::Generation(dry.generation) }
}

fn confirm(remote: &Remote, dry: &Reply<TopologyResult>) -> Result<(), Failure> {
    if remote.json() {
        out::json(&dry.json);
    }
    match out::ask("A group that runs now would stop, restart or move. Go on?") {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::NeedsYes("nothing was changed".to_owned())),
        None => Err(Failure::NeedsYes(
            "a group that runs now would stop, restart or move: say --yes to apply it; nothing was changed".to_owned(),
        )),
    }
}
