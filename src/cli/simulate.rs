//! `locum simulate`: where would the groups of a document run, and where after faults, without a server?

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Failure;
use super::input::Input;
use super::remote::Remote;
use super::{out, tables};
use crate::clock::{Clock, SystemClock};
use crate::domain::{DependencyName, NodeName, TopologySpec};
use crate::planner::what_if::{self, counted_ids};
use crate::planner::{self, Faults, Snapshot, WhatIf};

#[derive(Debug, Args)]
#[command(after_help = "\
Every node counts as up, with every driver. The groups start where the plan for an empty cluster puts them; then all faults
strike at once, and planning goes on until nothing is left to do. Downtimes are bounds by the timers, not forecasts.

With `--output json`: `plan` (the lines of the plan that answers the faults), `plan_ms` (how long that plan alone took to
make), `moves`, `downtime`, and `end` (every group with its state and owner).

Examples:
  locum simulate -f examples/ftp-receive.yaml
  locum simulate -f examples/ftp-receive.yaml --lose bts1 --lose bts2
  locum simulate -f topology.yaml --pause bts2 --down secrets --output json | jq '.end[] | select(.state != \"online\")'")]
pub struct SimulateArgs {
    /// The topology, YAML or JSON; `-` is standard input
    #[arg(short, long)]
    pub file: PathBuf,
    #[command(flatten)]
    pub faults: FaultArgs,
}

#[derive(Debug, Clone, Default, Args)]
pub struct FaultArgs {
    /// A node that is lost; may be repeated
    #[arg(long, value_name = "NODE")]
    pub lose: Vec<NodeName>,
    /// A node that is paused; may be repeated
    #[arg(long, value_name = "NODE")]
    pub pause: Vec<NodeName>,
    /// A common dependency that is down; may be repeated
    #[arg(long, value_name = "DEPENDENCY")]
    pub down: Vec<DependencyName>,
}

impl From<FaultArgs> for Faults {
    fn from(FaultArgs { lose, pause, down }: FaultArgs) -> Self {
        Self {
            lose: lose.into_iter().collect(),
            pause: pause.into_iter().collect(),
            dependencies_down: down.into_iter().collect(),
        }
    }
}

pub fn run(remote: &Remote, args: SimulateArgs) -> Result<(), Failure> {
    let spec = Input::read(&args.file)?.topology()?;
    let (found, took) = simulate(&spec, &args.faults.into())?;
    if remote.json() {
        out::json(&document(&found, took));
    } else {
        out::result(tables::what_if::what_if(&found));
    }
    Ok(())
}

/// The cluster as it runs once it has been started from nothing.
pub fn started(spec: &TopologySpec) -> (WhatIf, Snapshot) {
    let cold = planner::cold(spec, SystemClock.now());
    what_if::play(&cold, cold.clone(), &mut counted_ids())
}

/// Also gives how long the plan that answers the faults took, or without faults that from cold.
fn simulate(spec: &TopologySpec, faults: &Faults) -> Result<(WhatIf, Duration), Failure> {
    let cold = planner::cold(spec, SystemClock.now());
    let unknown = faults.unknown(&cold);
    if !unknown.is_empty() {
        let lines: Vec<String> = unknown.into_iter().map(|(_, detail)| detail).collect();
        return Err(Failure::Failed(lines.join("\n")));
    }
    let took = time_of_plan(&cold);
    let (found, running) = what_if::play(&cold, cold.clone(), &mut counted_ids());
    if faults.is_empty() {
        return Ok((found, took));
    }
    let struck = planner::with_faults(&running, faults);
    let took = time_of_plan(&struck);
    Ok((what_if::play(&running, struck, &mut counted_ids()).0, took))
}

fn time_of_plan(snapshot: &Snapshot) -> Duration {
    let begun = SystemClock.ticks();
    let plan = planner::plan(snapshot);
    let took = SystemClock.ticks().since(begun);
    drop(plan);
    took
}

fn document(found: &WhatIf, took: Duration) -> Value {
    json!({
        "plan_ms": took.as_secs_f64() * 1e3,
        "plan": found.plan.lines,
        "instances": found.plan.instances,
        "reasons": found.reasons,
        "moves": found.moves,
        "downtime": found.downtime,
        "end": found.end,
        "settled": found.settled,
        "looked_ahead": found.looked_ahead,
    })
}
