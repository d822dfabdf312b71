//! `locum apply` and `locum plan`: how does a document become the desired state, with its plan seen first?

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use super::input::Input;
use super::remote::{Remote, cluster};
use super::simulate::FaultArgs;
use super::{out, tables};
use crate::api::views::TopologyResult;
use crate::client::control_plane::{CallError, Reply};
use crate::domain::ClusterName;
use crate::planner::Faults;

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
With a file alone: what `locum apply` would do. With faults: what Locum would do if they struck now, and where every group
would end, under the present topology or that of the file. Nothing is changed.

Examples:
  locum plan -f examples/ftp-receive.yaml
  locum plan integration --lose bts1 --pause bts2
  locum plan -f topology.yaml --lose bts1 --output json | jq '.end[] | {name, state, owner}'")]
pub struct PlanArgs {
    /// The cluster; not needed where the server has one, the document or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    /// The topology, YAML or JSON; `-` is standard input
    #[arg(short, long, required_unless_present_any = ["lose", "pause", "down"])]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub faults: FaultArgs,
}

/// `locum plan` without faults is `locum apply --dry-run`.
pub async fn plan(remote: &Remote, args: PlanArgs) -> Result<(), Failure> {
    let faults = Faults::from(args.faults);
    match args.file {
        Some(file) if faults.is_empty() => apply(remote, ApplyArgs { file, yes: false, dry_run: true }).await,
        file => what_if(remote, args.cluster, file, &faults).await,
    }
}

async fn what_if(
    remote: &Remote,
    named: Option<ClusterName>,
    file: Option<PathBuf>,
    faults: &Faults,
) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let input = file.map(|file| Input::read(&file)).transpose()?;
    let named = match (&input, named) {
        (Some(input), None) => Some(input.topology()?.cluster),
        (_, named) => named,
    };
    let name = cluster(&plane, named).await?;
    let reply = plane.what_if(&name, faults, input.as_ref().map(|input| &input.document.value)).await?;
    if remote.json() {
        out::json(&reply.json);
        return Ok(());
    }
    out::result(tables::what_if::what_if(&reply.value.what_if));
    let changes = tables::findings::changes(&reply.value.findings);
    if !changes.is_empty() {
        out::result(format!("\n{changes}"));
    }
    Ok(())
}

pub async fn apply(remote: &Remote, args: ApplyArgs) -> Result<(), Failure> {
    let input = Input::read(&args.file)?;
    let cluster = input.topology()?.cluster;
    let plane = remote.control_plane()?;
    let explain = |error: CallError| input.explain(error);
    let put = |replaces, dry_run| plane.put_topology(&cluster, &input.document.value, replaces, dry_run);
    // What is shown is what is applied: a change in between is refused.
    let present = plane.present(&cluster).await?;
    let dry = put(present, true).await.map_err(explain)?;
    if !remote.json() {
        show_plan(&dry.value);
    }
    if args.dry_run {
        return end_of_dry_run(remote, &dry);
    }
    if dry.value.summary.disturbs && !args.yes {
        confirm(remote, &dry)?;
    }
    let done = put(present, false).await.map_err(explain)?;
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

pub fn show_plan(result: &TopologyResult) {
    if result.changed || !result.summary.lines.is_empty() {
        out::result(tables::plan(&result.summary));
    } else {
        out::result("The document says what is stored: nothing changes.");
    }
    let changes = tables::findings::changes(&result.findings);
    if !changes.is_empty() {
        out::result(format!("\n{changes}"));
    }
}

/// Ends a question: it fails if the answer is that it would be refused.
pub fn end_of_dry_run(remote: &Remote, dry: &Reply<TopologyResult>) -> Result<(), Failure> {
    if_json(remote, dry)?;
    dry.value.refused.as_ref().map_or(Ok(()), |why| Err(Failure::Failed(format!("it would be refused: {why}"))))
}

fn if_json(remote: &Remote, reply: &Reply<TopologyResult>) -> Result<(), Failure> {
    if remote.json() {
        out::json(&reply.json);
    }
    Ok(())
}

pub fn confirm(remote: &Remote, dry: &Reply<TopologyResult>) -> Result<(), Failure> {
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
