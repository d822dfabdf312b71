//! The story: everything fails in turn while files arrive. Is each received once?

use std::time::Duration;

use nix::sys::signal::Signal;

use super::LastLine;
use super::account::{Account, longest_overlap, millis_up, newest_gap};
use super::processes;
use super::sender::Sender;
use super::stage::Stage;
use crate::api::views::MoveRequest;
use crate::cli::exit::Failure;
use crate::cli::{history, out, tables};
use crate::client::control_plane::{Action, ControlPlane, Target};
use crate::clock::{Clock, SystemClock};
use crate::domain::{FailoverRecord, GroupName, NodeName, Outcome, Ticks};
use waiting::{runs_with_other_pid, seat_in};

mod waiting;

const FILES: u64 = 500;

/// Steps during which files arrive, and how many are kept for each that is still to come, however long those before it
/// take.
const STEPS: u64 = 8;
const KEPT_FOR_A_STEP: u64 = 20;

/// So that the files last a little longer than the steps.
const FILE_EVERY: Duration = Duration::from_millis(45);

/// The story ends after this, with what it has.
const WHOLE: Duration = Duration::from_secs(80);

/// Enough for a failover at the default lease.
const STEP: Duration = Duration::from_secs(20);

/// Fewer failovers than this, and the story did not happen.
const LEAST_FAILOVERS: u64 = 4;

struct Story<'a> {
    stage: &'a mut Stage,
    plane: ControlPlane,
    sender: Sender,
    started_at: Ticks,
    steps_begun: u64,
    ftp: GroupName,
    sftp: GroupName,
}

/// Plays it on a stage that is set.
pub async fn tell(stage: &mut Stage, started_at: Ticks) -> Result<LastLine, Failure> {
    let name = |text: &str| text.parse().map_err(|e| Failure::Failed(format!("{text:?} is no group: {e}")));
    let (ftp, sftp) = (name("ftp-receive")?, name("sftp-receive")?);
    let (plane, sender) = (stage.plane()?, Sender::start(stage.inboxes(), FILE_EVERY));
    let mut story = Story { stage, plane, sender, started_at, steps_begun: 0, ftp, sftp };
    story.all_online("both groups are online").await?;
    story.say("both receive handlers run; files begin to arrive");
    story.service_killed().await?;
    story.agent_killed().await?;
    story.agent_frozen().await?;
    story.machine_lost().await?;
    story.group_moved().await?;
    story.node_drained().await?;
    story.server_killed().await?;
    story.end().await
}

impl Story<'_> {
    async fn service_killed(&mut self) -> Result<(), Failure> {
        self.next_step();
        let (group, seat) = (self.ftp.clone(), self.seat(&self.ftp).await?);
        processes::signal(seat.pid, Signal::SIGKILL)?;
        let now = self.see("the killed service runs again", |s| runs_with_other_pid(s, &group, &seat)).await?;
        self.say(format!(
            "the {group} handler on {} was killed (pid {}): its agent started it again there (pid {})",
            seat.node, seat.pid, now.pid
        ));
        Ok(())
    }

    async fn agent_killed(&mut self) -> Result<(), Failure> {
        self.next_step();
        let (group, seat) = (self.ftp.clone(), self.seat(&self.ftp).await?);
        self.stage.agent(&seat.node)?.kill().await?;
        self.stage.agent(&seat.node)?.start().await?;
        // Beyond the lease that the old agent had: it was renewed, not merely not yet over.
        let lease = self.status().await?.settings.lease.get();
        let renewed = SystemClock.ticks().plus(lease);
        self.until("the service goes on beyond its old lease", self.give_up_at(), |story| {
            let mut runs = story.stage.runs().flat_map(|(_, runs)| runs);
            runs.any(|run| run.pid == seat.pid && run.to > renewed).then_some(())
        })
        .await?;
        let now = self.seat(&group).await?;
        if now != seat {
            return Err(Failure::Failed(format!(
                "{group} ran on {} as pid {} before its agent was killed, and on {} as pid {} after it",
                seat.node, seat.pid, now.node, now.pid
            )));
        }
        self.say(format!("the agent of {} was killed: the next one adopted pid {}, no failover", seat.node, seat.pid));
        Ok(())
    }

    async fn agent_frozen(&mut self) -> Result<(), Failure> {
        self.next_step();
        let (group, seat) = (self.ftp.clone(), self.seat(&self.ftp).await?);
        self.stage.agent(&seat.node)?.signal(Signal::SIGSTOP)?;
        self.online_elsewhere(&group, &seat).await?;
        let failover = self.failover_of(&group, &seat).await?;
        self.stage.agent(&seat.node)?.signal(Signal::SIGCONT)?;
        self.back_up(&seat.node).await?;
        self.say(format!("the agent of {} was frozen past its lease: {}", seat.node, self.words(&failover)));
        Ok(())
    }

    async fn machine_lost(&mut self) -> Result<(), Failure> {
        self.next_step();
        let (group, seat) = (self.sftp.clone(), self.seat(&self.sftp).await?);
        let status = self.status().await?;
        let services = status.groups.iter().filter_map(seat_in).filter(|s| s.node == seat.node).map(|s| s.pid);
        let guards = self.stage.guards(&seat.node);
        let agent = self.stage.agent(&seat.node)?;
        let victims: Vec<u32> = agent.pid().into_iter().chain(guards).chain(services).collect();
        for pid in &victims {
            processes::signal(*pid, Signal::SIGKILL)?;
        }
        agent.ended().await?;
        self.online_elsewhere(&group, &seat).await?;
        let failover = self.failover_of(&group, &seat).await?;
        self.stage.agent(&seat.node)?.start().await?;
        self.back_up(&seat.node).await?;
        self.say(format!(
            "agent, guard and services of {} were killed at once ({} processes): {}",
            seat.node,
            victims.len(),
            self.words(&failover)
        ));
        Ok(())
    }

    async fn group_moved(&mut self) -> Result<(), Failure> {
        self.next_step();
        let (group, seat) = (self.ftp.clone(), self.seat(&self.ftp).await?);
        let body = MoveRequest { to: None, reason: Some("the story wants it".to_owned()) };
        let asked = self
            .plane
            .act(&self.stage.cluster, Target::Group(&group), Action { verb: "move", body: &body, timeout: None })
            .await?;
        self.succeeded(asked).await?;
        self.online_elsewhere(&group, &seat).await?;
        let failover = self.failover_of(&group, &seat).await?;
        self.say(format!("{group} was moved by hand: {}", self.words(&failover)));
        Ok(())
    }

    async fn node_drained(&mut self) -> Result<(), Failure> {
        self.next_step();
        let (group, seat) = (self.sftp.clone(), self.seat(&self.sftp).await?);
        self.on_node(&seat.node, "drain").await?;
        self.online_elsewhere(&group, &seat).await?;
        let failover = self.failover_of(&group, &seat).await?;
        self.on_node(&seat.node, "resume").await?;
        self.say(format!("{} was drained, and resumed: {}", seat.node, self.words(&failover)));
        Ok(())
    }

    async fn server_killed(&mut self) -> Result<(), Failure> {
        self.next_step();
        let before = (self.seat(&self.ftp).await?, self.seat(&self.sftp).await?);
        self.stage.server.kill().await?;
        let received = self.stage.receipts().files;
        self.until("files are received while the control plane is away", self.give_up_at(), |story| {
            (story.stage.receipts().files >= received + 5).then_some(())
        })
        .await?;
        self.stage.server.start().await?;
        self.all_online("all is well again after the restart of the control plane").await?;
        let after = (self.seat(&self.ftp).await?, self.seat(&self.sftp).await?);
        if before != after {
            return Err(Failure::Failed(format!("a restart of the control plane changed {before:?} to {after:?}")));
        }
        self.say("the control plane was killed and started again: files went on being received by the same processes");
        Ok(())
    }

    async fn end(mut self) -> Result<LastLine, Failure> {
        self.next_step();
        let all = |story: &Self| (story.sender.sent() >= FILES && story.stage.receipts().files >= FILES).then_some(());
        let give_up_at = self.started_at.plus(WHOLE);
        // What is missing then is said by the account.
        let received_all = self.until("every file is received", give_up_at, all).await;
        let failovers = history::all(&self.plane, &self.stage.cluster).await?;
        self.say(if received_all.is_ok() { "the last file was received" } else { "time is up" });
        out::result(format!("\n{}\n", tables::history(&failovers)));
        let receipts = self.stage.receipts();
        let overlap = self.stage.runs().map(|(_, runs)| longest_overlap(&runs)).max().unwrap_or_default();
        let succeeded = failovers.iter().filter(|record| record.outcome == Outcome::Succeeded);
        let account = Account {
            files_sent: self.sender.sent(),
            files_received: receipts.files,
            duplicates: receipts.duplicates,
            failovers: succeeded.count() as u64,
            longest_overlap_ms: millis_up(overlap),
        };
        let text = serde_json::to_string(&account).map_err(|e| Failure::Failed(e.to_string()))?;
        Ok(LastLine { text, complaint: account.complaint(FILES, LEAST_FAILOVERS) })
    }

    /// Files arrive in every step.
    fn next_step(&mut self) {
        self.steps_begun += 1;
        self.sender.allow(FILES - KEPT_FOR_A_STEP * STEPS.saturating_sub(self.steps_begun));
    }

    fn say(&self, what: impl std::fmt::Display) {
        let seconds = SystemClock.ticks().since(self.started_at).as_secs_f64();
        let (sent, received) = (self.sender.sent(), self.stage.receipts().files);
        out::result(format!("[{seconds:5.1} s, {received:3} of {sent:3} files] {what}"));
    }

    /// "sftp-receive runs on bts3 (it did not run for 2.31 s; lease_expired)".
    fn words(&self, failover: &FailoverRecord) -> String {
        let FailoverRecord { group, to, release_proof, .. } = failover;
        let to = to.as_ref().map_or("nowhere", NodeName::as_str);
        let proof = release_proof.map_or("no proof", |proof| proof.as_str());
        let gap = self.stage.runs().find(|(name, _)| *name == group.as_str()).map(|(_, runs)| newest_gap(&runs));
        let gap = gap.unwrap_or_default().as_secs_f64();
        format!("{group} runs on {to} (it did not run for {gap:.2} s; {proof})")
    }
}
