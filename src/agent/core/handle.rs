//! How is the core asked, and what does it answer when it can't obey?

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::Inbox;
use crate::agent::drivers::logs;
use crate::agent::guard::client::ServiceKey;
use crate::clock::Clock;
use crate::domain::{ClusterName, NodeName, Revision, Ticks};
use crate::wire::{
    AssignmentRequest, LeaseAnswer, LeaseRequest, Observation, ObservationQuery, ObservedGroup, ObservedInstance,
    Refusal,
};

/// The longest time that a question for news is held.
const MAX_OBSERVE_WAIT: Duration = Duration::from_secs(60);

/// Why an order was not obeyed.
#[derive(Debug)]
pub enum CoreError {
    /// By the rules of the protocol; nothing was changed.
    Refused(Box<Refusal>),
    /// The disk failed, or the agent is stopping.
    Failed(String),
}

/// What is worth showing without asking the core.
#[derive(Debug, Clone)]
pub struct Overview {
    pub node: NodeName,
    pub cluster: Option<ClusterName>,
    pub groups: Vec<ObservedGroup>,
    pub instances: Vec<ObservedInstance>,
    pub lease_ends: Ticks,
    pub revision: Revision,
}

/// Where an answer is awaited.
pub(super) type Answer<T> = oneshot::Sender<Result<T, CoreError>>;

/// The way to the core's task. Cheap to clone.
#[derive(Clone)]
pub struct CoreHandle {
    pub(super) inbox: UnboundedSender<Inbox>,
    pub(super) overview: watch::Receiver<Overview>,
    /// Another revision is shown. Wakes those who wait in the order in which they came; `overview` would in a random one.
    pub(super) news: Arc<Notify>,
    pub(super) state_dir: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stopping: CancellationToken,
}

impl CoreHandle {
    /// Takes in an assignment and the grant on it; answers once it is on disk.
    pub async fn assign(&self, request: AssignmentRequest) -> Result<Observation, CoreError> {
        self.ask(|answer| Inbox::Assign(Box::new(request), answer)).await
    }

    /// Takes in a grant.
    pub async fn renew(&self, request: LeaseRequest) -> Result<LeaseAnswer, CoreError> {
        self.ask(|answer| Inbox::Renew(Box::new(request), answer)).await
    }

    /// What the node runs, once that differs from what the asker knows, or when the wait is over.
    pub async fn observe(&self, query: ObservationQuery) -> Result<Observation, CoreError> {
        let first = self.ask(|answer| Inbox::Observe(Box::new(query.clone()), answer)).await?;
        let wait = Duration::from_millis(query.wait_ms.unwrap_or(0)).min(MAX_OBSERVE_WAIT);
        if query.after != Some(first.revision) || wait.is_zero() {
            return Ok(first);
        }
        tokio::select! {
            biased;
            // All lead to the same answer, so the order says nothing; it is fixed so that a run can be repeated.
            () = self.stopping.cancelled() => {}
            () = self.inbox.closed() => {}
            () = self.other_than(first.revision) => {}
            () = self.clock.sleep(wait) => {}
        }
        self.ask(|answer| Inbox::Observe(Box::new(query), answer)).await
    }

    /// Where a service's output is kept.
    pub fn log_path(&self, key: &ServiceKey) -> PathBuf {
        logs::path(&self.state_dir, key)
    }

    pub fn overview(&self) -> Overview {
        self.overview.borrow().clone()
    }

    /// What is left of the lease.
    pub fn lease_left(&self) -> Duration {
        self.overview.borrow().lease_ends.since(self.clock.ticks())
    }

    async fn other_than(&self, revision: Revision) {
        loop {
            // Before the look: from here on no news is missed.
            let news = self.news.notified();
            if self.overview.borrow().revision != revision {
                return;
            }
            news.await;
        }
    }

    async fn ask<T>(&self, message: impl FnOnce(Answer<T>) -> Inbox) -> Result<T, CoreError> {
        let stopping = || CoreError::Failed("the agent is stopping".to_owned());
        let (answer, answered) = oneshot::channel();
        self.inbox.send(message(answer)).map_err(|_| stopping())?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }
}
