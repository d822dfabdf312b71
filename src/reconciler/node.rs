//! How is one node talked to? Three tasks: heartbeats renew its lease, a long poll hears its news, pushes bring its
//! assignment.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Deps;
use super::account::{Account, Heading, Moment, Next};
use super::node_account::NodeWakers;
use super::seen::wire_grant;
use crate::domain::{NodeName, Settings, Ticks};
use crate::wire::{
    AgentAddress, AgentError, AssignmentRequest, LeaseRequest, Observation, ObservationQuery, RefusalCode,
    WireAssignment,
};

/// How long an agent may hold a question for news. Shorter than what proxies cut, longer than a lease.
const OBSERVE_WAIT: Duration = Duration::from_secs(20);

/// An agent answers the push of an assignment after writing it to disk, before acting on it.
const PUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a node is and how it is spoken to; the node's tasks live as long as this stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    address: AgentAddress,
    heartbeat: Duration,
    /// A renewal that takes longer is given up: several fit into a lease, so that one lost packet does not cost it.
    patience: Duration,
}

impl Contact {
    pub(super) fn new(agent: &str, settings: &Settings) -> Self {
        let patience = (settings.lease.get() / 4).max(settings.heartbeat.get()).min(Duration::from_secs(5));
        Self { address: AgentAddress { url: agent.to_owned() }, heartbeat: settings.heartbeat.get(), patience }
    }
}

/// What the tasks of one node share.
#[derive(Clone)]
struct Node {
    deps: Deps,
    account: Arc<Account>,
    name: NodeName,
    contact: Contact,
    wakers: Arc<NodeWakers>,
}

/// Starts the tasks of a node that the account tracks; they end with `token`.
pub(super) fn spawn(deps: &Deps, account: Arc<Account>, name: NodeName, contact: Contact, token: CancellationToken) {
    let Some(wakers) = account.wakers(&name) else { return };
    let node = Node { deps: deps.clone(), account, name, contact, wakers };
    let (pushing, observing) = (node.clone(), node.clone());
    tokio::spawn(until(token.clone(), async move { pushing.push().await }));
    tokio::spawn(until(token.clone(), async move { observing.observe().await }));
    tokio::spawn(until(token, async move { node.beat().await }));
}

async fn until(token: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        biased; // nothing more is sent once the contact is over
        () = token.cancelled() => {}
        () = task => {}
    }
}

impl Node {
    fn now(&self) -> Moment {
        Moment { ticks: self.deps.clock.ticks(), wall: self.deps.clock.now() }
    }

    /// Renews the lease at every heartbeat. One request at a time: a slow agent is not asked faster than it answers.
    async fn beat(&self) {
        loop {
            let next = self.deps.clock.ticks().plus(self.contact.heartbeat);
            let asked_at = self.deps.clock.ticks();
            let grant = wire_grant(&self.account.grant(&self.name, self.deps.clock.ticks()));
            let request = LeaseRequest { order: self.account.order(&self.name), grant };
            let call = self.deps.agents.renew(&self.contact.address, &request);
            match self.within(self.contact.patience, call).await {
                Ok(answer) => {
                    let heading = Heading {
                        agent: answer.identity.agent_id,
                        stamp: answer.stamp,
                        revision: answer.revision,
                        applied: answer.applied,
                        asked_at,
                    };
                    self.heard(&heading).await;
                }
                Err(error) => self.failed(&error),
            }
            self.deps.clock.sleep_until(next).await;
        }
    }

    /// Hears what is new as it happens.
    async fn observe(&self) {
        loop {
            if !self.account.in_contact(&self.name) {
                self.wakers.observe.notified().await;
                continue;
            }
            let mut asked_at = self.deps.clock.ticks();
            let after = self.account.observed_revision(&self.name);
            let order = self.account.order(&self.name);
            let query = ObservationQuery {
                cluster_id: order.cluster_id,
                cluster: order.cluster,
                node: order.node,
                reign: order.reign,
                term: order.term,
                after,
                wait_ms: after.map(|_| u64::try_from(OBSERVE_WAIT.as_millis()).unwrap_or(u64::MAX)),
            };
            let patience = if after.is_some() { OBSERVE_WAIT + self.contact.patience } else { self.contact.patience };
            let call = self.deps.agents.observe(&self.contact.address, &query);
            let answer = tokio::select! {
                biased;
                // An answer that is there is not thrown away; the waker is still set when the next question hangs.
                answer = self.within(patience, call) => answer,
                // A heartbeat saw news, or another agent process: the question that hangs may hang on a dead connection.
                () = self.wakers.observe.notified(), if after.is_some() => {
                    asked_at = self.deps.clock.ticks();
                    self.ask_at_once(&query).await
                }
            };
            match answer {
                Ok(observation) => {
                    if !self.observed(observation, asked_at).await {
                        // Not believed, or its agent can't be noted: what it knows is asked again, but not in a hurry.
                        self.deps.clock.sleep(self.contact.heartbeat).await;
                    }
                }
                Err(error) => {
                    self.failed(&error);
                    self.deps.clock.sleep(self.contact.heartbeat).await;
                }
            }
        }
    }

    async fn ask_at_once(&self, query: &ObservationQuery) -> Result<Observation, AgentError> {
        let query = ObservationQuery { after: None, wait_ms: None, ..query.clone() };
        self.within(self.contact.patience, self.deps.agents.observe(&self.contact.address, &query)).await
    }

    /// Brings the assignment whenever the node has not applied what was decided.
    async fn push(&self) {
        loop {
            self.wakers.push.notified().await;
            while let Some((decision, assignment, grant)) = self.account.to_push(&self.name, self.deps.clock.ticks()) {
                let request = AssignmentRequest {
                    order: self.account.order(&self.name),
                    grant: wire_grant(&grant),
                    decision,
                    assignment: WireAssignment(assignment),
                };
                let asked_at = self.deps.clock.ticks();
                match self.within(PUSH_TIMEOUT, self.deps.agents.assign(&self.contact.address, &request)).await {
                    Ok(observation) => drop(self.observed(observation, asked_at).await),
                    Err(error) => {
                        if let AgentError::Refused(refusal) = &error
                            && refusal.code == RefusalCode::ContentDiffers
                        {
                            tracing::error!(node = %self.name, %decision, "the agent knows this decision with other content");
                        }
                        self.failed(&error);
                        self.deps.clock.sleep(self.contact.heartbeat).await;
                    }
                }
            }
        }
    }

    /// Takes in a report. False if it is not to be believed yet.
    async fn observed(&self, observation: Observation, asked_at: Ticks) -> bool {
        let heading = Heading {
            agent: observation.identity.agent_id,
            stamp: observation.stamp,
            revision: observation.revision,
            applied: observation.applied,
            asked_at,
        };
        let believed = self.heard(&heading).await;
        if believed {
            self.account.observed(&self.name, observation, self.deps.clock.now());
        }
        believed
    }

    /// Counts an answer. False if it is not to be believed yet.
    async fn heard(&self, heading: &Heading) -> bool {
        match self.account.heard(&self.name, heading, self.now()) {
            Next::Believe => true,
            Next::Doubt => false,
            // Ordering: noted durably before the first grant, so that a later reign knows who may hold a lease.
            Next::Record(agent) => {
                let cluster = self.account.order(&self.name).cluster;
                match self.deps.store.record_agent(&cluster, &self.name, agent).await {
                    Ok(()) => {
                        self.account.know_agent(&self.name, agent);
                        true
                    }
                    Err(error) => {
                        tracing::error!(node = %self.name, %error, "the agent could not be noted; it is granted nothing");
                        false
                    }
                }
            }
        }
    }

    fn failed(&self, error: &AgentError) {
        tracing::debug!(node = %self.name, %error, "a call failed");
        match error {
            AgentError::Refused(refusal) => self.account.refused(&self.name, refusal, self.deps.clock.now()),
            AgentError::Unreachable(why) => {
                self.account.silent(&self.name, format!("no answer from {}: {why}", self.contact.address.url));
            }
            AgentError::Garbled(why) => {
                let url = &self.contact.address.url;
                self.account.silent(&self.name, format!("what answers at {url} is not a Locum agent: {why}"));
            }
        }
    }

    async fn within<T>(
        &self,
        patience: Duration,
        call: impl Future<Output = Result<T, AgentError>>,
    ) -> Result<T, AgentError> {
        let deadline = self.deps.clock.sleep(patience);
        tokio::select! {
            biased; // an answer that is there came in time
            answer = call => answer,
            () = deadline => Err(AgentError::Unreachable(format!("nothing came back within {patience:?}"))),
        }
    }
}
