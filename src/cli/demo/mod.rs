//! `locum demo`: what does Locum do, seen on one machine? Real programs, real sockets, real processes.

use std::time::Duration;

use clap::Args;

pub mod account;
mod example;
mod part;
mod processes;
pub mod receive;
mod sender;
mod stage;
mod story;

use super::exit::Failure;
use super::signals::Signals;
use super::{out, tables};
use crate::client::control_plane::SeenStatus;
use crate::clock::{Clock, SystemClock};
use sender::Sender;
use stage::Stage;

/// In a demo to play with, a file arrives this often.
const FILE_EVERY: Duration = Duration::from_secs(1);

/// How often the counts are drawn anew on a terminal.
const REDRAW_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  locum demo            (to play with; Ctrl-C ends it and leaves nothing behind)
  locum demo --story    (plays alone, for about a minute)")]
pub struct DemoArgs {
    /// Play alone: 500 files arrive while services, agents, a machine and the control plane fail
    #[arg(long)]
    pub story: bool,
}

pub async fn run(args: DemoArgs) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let mut stage = Stage::new()?;
    let played = tokio::select! {
        played = play(&mut stage, args.story) => played,
        () = signals.next() => interrupted(args.story),
    };
    let played = played.map_err(|failure| with_logs(failure, &stage, args.story));
    out::remark("ending the demo ...");
    let struck = tokio::select! {
        struck = stage.strike() => struck,
        // Whoever asks twice is in a hurry.
        () = signals.next() => Err(Failure::Failed("interrupted again".to_owned())),
    };
    if struck.is_err() {
        stage.clear().await?;
    }
    let last_line = played?;
    if let Some(line) = last_line {
        out::result(line.text);
        return line.complaint.map_or(Ok(()), |text| Err(Failure::Failed(text)));
    }
    Ok(())
}

/// What the story ends with on standard output, and what is wrong with it, if anything is.
struct LastLine {
    text: String,
    complaint: Option<String>,
}

/// Ctrl-C is the way to end a demo, and the way not to end a story.
fn interrupted(story: bool) -> Result<Option<LastLine>, Failure> {
    if story { Err(Failure::Failed("the story was interrupted".to_owned())) } else { Ok(None) }
}

fn with_logs(failure: Failure, stage: &Stage, story: bool) -> Failure {
    match failure {
        Failure::Failed(text) if story => Failure::Failed(format!("{text}{}", stage.log_tails())),
        other => other,
    }
}

async fn play(stage: &mut Stage, story: bool) -> Result<Option<LastLine>, Failure> {
    let started_at = SystemClock.ticks();
    stage.set().await?;
    announce(stage);
    if story { story::tell(stage, started_at).await.map(Some) } else { show_until_interrupted(stage).await }
}

fn announce(stage: &Stage) {
    out::result(format!("control plane at {}", stage.server.url()));
    for (name, agent) in &stage.agents {
        out::result(format!("agent of {name} at {}", agent.url()));
    }
}

async fn show_until_interrupted(stage: &Stage) -> Result<Option<LastLine>, Failure> {
    let sender = Sender::start(stage.inboxes(), FILE_EVERY);
    sender.allow(u64::MAX);
    let plane = stage.plane()?;
    let mut last: Option<SeenStatus> = None;
    loop {
        let tag = last.as_ref().map(|seen| seen.tag.clone());
        match plane.status(&stage.cluster, tag.as_deref(), REDRAW_EVERY).await {
            Ok(Some(seen)) => {
                show(stage, &seen, &sender, last.is_none());
                last = Some(seen);
            }
            Ok(None) => {
                if let Some(seen) = last.as_ref().filter(|_| out::is_terminal()) {
                    show(stage, seen, &sender, true);
                }
            }
            // Who plays with it may end the server too.
            Err(error) => {
                out::remark(error);
                SystemClock.sleep(REDRAW_EVERY).await;
            }
        }
    }
}

/// On a terminal the picture is drawn anew, whole; elsewhere the suggestions come once.
fn show(stage: &Stage, seen: &SeenStatus, sender: &Sender, suggest: bool) {
    let receipts = stage.receipts();
    let status = tables::status(&seen.reply.value);
    let counts =
        format!("{} files arrived, {} received, {} received twice", sender.sent(), receipts.files, receipts.duplicates);
    if out::is_terminal() {
        out::clear_screen();
    }
    out::result(format!("{status}\n\n{counts}\n"));
    if suggest || out::is_terminal() {
        out::result(suggestions(stage));
    }
}

fn suggestions(stage: &Stage) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "locum".to_owned());
    let (url, cluster) = (stage.server.url(), &stage.cluster);
    let agent = stage.agents.iter().find_map(|(name, part)| Some((name, part.pid()?)));
    let kill = agent.map_or_else(String::new, |(name, pid)| format!("\n  kill -STOP {pid}   (the agent of {name})"));
    format!(
        "Try in another terminal:
  {program} move ftp-receive --server {url}
  {program} drain bts1 --server {url}
  {program} resume bts1 --server {url}
  {program} history --server {url}
  kill -9 PID   (of a receive handler, from the table above; twice for a failover){kill}
See {url}/docs and {url}/v1/clusters/{cluster}/status
Ctrl-C ends it all.\n"
    )
}
