//! What does the story wait for? Conditions of the status, operations that end, and never longer than it has time.

use std::time::Duration;

use super::{STEP, Story, WHOLE};
use crate::api::views::ActionRequest;
use crate::board::{GroupStatus, StatusDocument};
use crate::cli::exit::Failure;
use crate::cli::tables;
use crate::cli::verbs::{failed, until_ended};
use crate::client::control_plane::{Action, Reply, Target};
use crate::clock::{Clock, SystemClock};
use crate::domain::{
    FailoverRecord, GroupName, GroupState, NodeName, NodeState, Operation, OperationState, Outcome, Ticks,
};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where a group runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub node: NodeName,
    pub pid: u32,
}

impl Story<'_> {
    pub async fn on_node(&self, node: &NodeName, verb: &str) -> Result<(), Failure> {
        let body = ActionRequest { reason: Some("the story wants it".to_owned()) };
        let asked = self
            .plane
            .act(&self.stage.cluster, Target::Node(node), Action { verb, body: &body, timeout: None })
            .await?;
        self.succeeded(asked).await
    }

    pub async fn succeeded(&self, asked: Reply<Operation>) -> Result<(), Failure> {
        let ended = until_ended(&self.plane, asked, STEP, |_| ()).await?.value;
        match ended.state {
            OperationState::Succeeded => Ok(()),
            OperationState::Failed => Err(Failure::Failed(failed(&ended))),
            state => Err(Failure::Failed(format!(
                "{} {} is {}: {}",
                ended.kind.as_str(),
                ended.target,
                state.as_str(),
                ended.message
            ))),
        }
    }

    pub async fn seat(&self, group: &GroupName) -> Result<Seat, Failure> {
        self.see(&format!("{group} is online"), |status| seat_of(status, group)).await
    }

    pub async fn online_elsewhere(&self, group: &GroupName, seat: &Seat) -> Result<Seat, Failure> {
        let elsewhere = |status: &StatusDocument| seat_of(status, group).filter(|now| now.node != seat.node);
        self.see(&format!("{group} is online elsewhere than on {}", seat.node), elsewhere).await
    }

    /// A node is back when it answers and nothing is left to be done.
    pub async fn back_up(&self, node: &NodeName) -> Result<(), Failure> {
        self.see(&format!("{node} is up again"), |status| node_up(status, node)).await?;
        self.all_online("all groups are online").await
    }

    pub async fn all_online(&self, what: &str) -> Result<(), Failure> {
        self.see(what, |status| {
            let up = status.nodes.iter().all(|node| node.state == NodeState::Up);
            (up && status.groups.iter().all(|group| seat_in(group).is_some())).then_some(())
        })
        .await
    }

    /// The newest finished failover of a group away from a seat.
    pub async fn failover_of(&self, group: &GroupName, seat: &Seat) -> Result<FailoverRecord, Failure> {
        let give_up_at = self.give_up_at();
        loop {
            let page = self.plane.failovers(&self.stage.cluster, Some(group), 1, None).await?.value;
            let newest = page.items.into_iter().next();
            let done = |r: &FailoverRecord| r.from.as_ref() == Some(&seat.node) && r.outcome == Outcome::Succeeded;
            if let Some(record) = newest.filter(done) {
                return Ok(record);
            }
            self.still_time(give_up_at, &format!("the failover of {group} is recorded as done"))?;
            SystemClock.sleep(LOOK_EVERY).await;
        }
    }

    pub async fn status(&self) -> Result<StatusDocument, Failure> {
        let seen = self.plane.status(&self.stage.cluster, None, Duration::ZERO).await?;
        seen.map(|seen| seen.reply.value).ok_or_else(|| Failure::Failed("the server gave no status".to_owned()))
    }

    /// Looks at the status until `condition` gives something. A server that is away is asked again.
    pub async fn see<T>(&self, what: &str, condition: impl Fn(&StatusDocument) -> Option<T>) -> Result<T, Failure> {
        let give_up_at = self.give_up_at();
        loop {
            let status = self.status().await;
            if let Some(found) = status.as_ref().ok().and_then(&condition) {
                return Ok(found);
            }
            let last = status.map_or_else(|failure| failure.to_string(), |document| tables::status(&document));
            self.still_time(give_up_at, what).map_err(|failure| Failure::Failed(format!("{failure}\n{last}")))?;
            SystemClock.sleep(LOOK_EVERY).await;
        }
    }

    pub async fn until<T>(
        &self,
        what: &str,
        give_up_at: Ticks,
        condition: impl Fn(&Self) -> Option<T>,
    ) -> Result<T, Failure> {
        loop {
            if let Some(found) = condition(self) {
                return Ok(found);
            }
            self.still_time(give_up_at, what)?;
            SystemClock.sleep(LOOK_EVERY).await;
        }
    }

    pub fn give_up_at(&self) -> Ticks {
        SystemClock.ticks().plus(STEP).min(self.started_at.plus(WHOLE))
    }

    fn still_time(&self, give_up_at: Ticks, what: &str) -> Result<(), Failure> {
        if SystemClock.ticks() < give_up_at {
            return Ok(());
        }
        Err(Failure::Failed(format!("the story waited in vain until {what}")))
    }
}

pub fn seat_in(group: &GroupStatus) -> Option<Seat> {
    let pid = group.resources.first().and_then(|resource| resource.pid);
    let node = group.owner.clone().filter(|_| group.state == GroupState::Online);
    Some(Seat { node: node?, pid: pid? })
}

fn seat_of(status: &StatusDocument, name: &GroupName) -> Option<Seat> {
    status.groups.iter().find(|group| group.name == *name).and_then(seat_in)
}

pub fn runs_with_other_pid(status: &StatusDocument, group: &GroupName, seat: &Seat) -> Option<Seat> {
    seat_of(status, group).filter(|now| now.node == seat.node && now.pid != seat.pid)
}

fn node_up(status: &StatusDocument, name: &NodeName) -> Option<()> {
    status.nodes.iter().any(|node| node.name == *name && node.state == NodeState::Up).then_some(())
}
