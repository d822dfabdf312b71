//! What do control plane and agents say to each other? Few calls, all idempotent, each naming reign and term.
//!
//! The shapes are versioned apart from `domain`: agents of one release talk to control planes of another.

use async_trait::async_trait;

mod answer;
mod order;
mod refusal;

pub use answer::{
    AgentIdentity, AppliedDecision, LeaseAnswer, Observation, ObservedFailure, ObservedGroup, ObservedInstance,
    ObservedResource, Stamp,
};
pub use order::{AssignmentRequest, Grant, LeaseRequest, ObservationQuery, Order, WireAssignment};
pub use refusal::{Refusal, RefusalCode};

/// Where an agent is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentAddress {
    /// An `http://` address with host and port.
    pub url: String,
}

/// Why a call to an agent gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// Nothing came back in time; whether the request was acted on is unknown.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The agent understood and refused; nothing was changed there.
    #[error("refused: {}", .0.detail)]
    Refused(Box<Refusal>),
    /// Something answered that does not speak this protocol.
    #[error("the answer is not an agent's: {0}")]
    Garbled(String),
}

/// A node's agent, as the control plane sees it.
#[async_trait]
pub trait NodeAgent: Send + Sync + 'static {
    /// Hands over the node's whole wanted state, with a grant on it.
    async fn assign(&self, at: &AgentAddress, request: &AssignmentRequest) -> Result<Observation, AgentError>;

    /// Renews the node's lease and gets a fresh stamp.
    async fn renew(&self, at: &AgentAddress, request: &LeaseRequest) -> Result<LeaseAnswer, AgentError>;

    /// What the node runs; with `after` and `wait_ms`, once that differs from revision `after`.
    async fn observe(&self, at: &AgentAddress, query: &ObservationQuery) -> Result<Observation, AgentError>;
}
