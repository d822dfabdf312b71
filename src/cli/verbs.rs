//! `locum move`, `drain` and the other actions: how is one asked for, and followed until it ends?

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::exit::Failure;
use super::out;
use super::remote::{Remote, cluster};
use crate::api::views::{ActionRequest, MoveRequest};
use crate::client::control_plane::{Action, ControlPlane, Reply, Target};
use crate::clock::{Clock, SystemClock};
use crate::domain::{ClusterName, GroupName, HumanDuration, NodeName, Operation, OperationState, Progress};

/// How often an operation is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub struct Follow {
    /// Why, for the history
    #[arg(long)]
    pub reason: Option<String>,
    /// How long to wait for the end of the operation
    #[arg(long, default_value = "60s", value_name = "DURATION", conflicts_with = "no_wait")]
    pub wait: HumanDuration,
    /// Return as soon as the server has accepted it
    #[arg(long)]
    pub no_wait: bool,
    /// The operation fails if it is not done within this time; else within 24h. Nothing that is wanted changes by that
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<HumanDuration>,
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
#[command(after_help = "\
Examples:
  locum move integration ftp-receive --to bts2 --reason 'patch day'
  locum move ftp-receive            (to the best node)")]
pub struct MoveArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    pub group: GroupName,
    /// The node to move to; without it the best one
    #[arg(long, value_name = "NODE")]
    pub to: Option<NodeName>,
    #[command(flatten)]
    pub follow: Follow,
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub struct NodeArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    pub node: NodeName,
    #[command(flatten)]
    pub follow: Follow,
}

#[derive(Debug, Args)]
pub struct ConfirmDownArgs {
    #[command(flatten)]
    pub node: NodeArgs,
    /// You have made sure that the node runs nothing: do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub struct GroupArgs {
    /// The cluster; not needed where the server has one, or LOCUM_CLUSTER names it
    pub cluster: Option<ClusterName>,
    pub group: GroupName,
    #[command(flatten)]
    pub follow: Follow,
}

pub async fn move_group(remote: &Remote, args: MoveArgs) -> Result<(), Failure> {
    let body = MoveRequest { to: args.to, reason: args.follow.reason.clone() };
    act(remote, args.cluster, Target::Group(&args.group), ("move", &body), &args.follow).await
}

/// `verb` as the API's path spells it.
pub async fn on_node(remote: &Remote, verb: &str, args: NodeArgs) -> Result<(), Failure> {
    let body = ActionRequest { reason: args.follow.reason.clone() };
    act(remote, args.cluster, Target::Node(&args.node), (verb, &body), &args.follow).await
}

/// `verb` as the API's path spells it.
pub async fn on_group(remote: &Remote, verb: &str, args: GroupArgs) -> Result<(), Failure> {
    let body = ActionRequest { reason: args.follow.reason.clone() };
    act(remote, args.cluster, Target::Group(&args.group), (verb, &body), &args.follow).await
}

/// The one action that can make a service run twice, if what the operator says is wrong: it wants a yes.
pub async fn confirm_down(remote: &Remote, args: ConfirmDownArgs) -> Result<(), Failure> {
    if !args.yes {
        let node = &args.node.node;
        let question = format!(
            "If {node} still runs anything, its services will run twice. Is it off, or cut off from all it works on?"
        );
        match out::ask(&question) {
            Some(true) => {}
            Some(false) => return Err(Failure::NeedsYes("nothing was changed".to_owned())),
            None => {
                return Err(Failure::NeedsYes(format!(
                    "make sure that {node} runs nothing, then say so with --yes; nothing was changed"
                )));
            }
        }
    }
    on_node(remote, "confirm-down", args.node).await
}

async fn act(
    remote: &Remote,
    named: Option<ClusterName>,
    target: Target<'_>,
    (verb, body): (&str, &impl Serialize),
    follow: &Follow,
) -> Result<(), Failure> {
    let plane = remote.control_plane()?;
    let name = cluster(&plane, named).await?;
    let accepted = plane.act(&name, target, Action { verb, body, timeout: follow.timeout }).await?;
    if follow.no_wait {
        show(remote, &accepted);
        return Ok(());
    }
    let ended = until_ended(&plane, accepted, follow.wait.get(), |operation| {
        if !remote.json() {
            out::remark(stands(operation));
        }
    })
    .await?;
    show(remote, &ended);
    judge(&ended.value, follow.wait)
}

/// Where an operation stands, as a line.
fn stands(operation: &Operation) -> String {
    let Operation { kind, target, phase, message, .. } = operation;
    // Of a single group the phase tells more.
    let progress = operation.progress.filter(|progress| progress.total > 1);
    let counted = progress.map_or_else(String::new, |Progress { done, total }| format!(", {done} of {total}"));
    format!("{} {target} ({}{counted}): {message}", kind.as_str(), phase.as_str())
}

/// Follows an operation until it ends or `wait` has passed; `progress` hears each time that it stands elsewhere.
pub async fn until_ended(
    plane: &ControlPlane,
    accepted: Reply<Operation>,
    wait: Duration,
    mut progress: impl FnMut(&Operation),
) -> Result<Reply<Operation>, Failure> {
    let give_up_at = SystemClock.ticks().plus(wait);
    let mut last = accepted;
    let mut told = String::new();
    while last.value.is_running() {
        let now = stands(&last.value);
        if now != told {
            progress(&last.value);
            told = now;
        }
        if SystemClock.ticks() >= give_up_at {
            break;
        }
        SystemClock.sleep(LOOK_EVERY).await;
        last = plane.operation(last.value.id).await?;
    }
    Ok(last)
}

fn judge(operation: &Operation, wait: HumanDuration) -> Result<(), Failure> {
    let Operation { id, kind, target, message, state, .. } = operation;
    let what = format!("{} {target}", kind.as_str());
    match state {
        OperationState::Succeeded => Ok(()),
        OperationState::Failed => Err(Failure::OperationFailed(failed(operation))),
        OperationState::Superseded | OperationState::Cancelled => {
            Err(Failure::OperationFailed(format!("{what} was {}: {message}", state.as_str())))
        }
        OperationState::Running => Err(Failure::OperationGoesOn(format!(
            "{what} did not end within {wait} and goes on (operation {id}): {message}"
        ))),
    }
}

/// Why it failed, and what to do next.
pub fn failed(operation: &Operation) -> String {
    let Operation { kind, target, message, next_step, .. } = operation;
    let next = next_step.as_ref().map_or_else(String::new, |next| format!("; {next}"));
    format!("{} {target} failed: {message}{next}", kind.as_str())
}

fn show(remote: &Remote, reply: &Reply<Operation>) {
    if remote.json() {
        out::json(&reply.json);
    } else if matches!(reply.value.state, OperationState::Succeeded | OperationState::Running) {
        let Operation { kind, target, state, message, .. } = &reply.value;
        out::result(format!("{} {target} {}: {message}", kind.as_str(), state.as_str()));
    }
}
