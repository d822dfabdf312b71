//! How does the control plane call a node's agent? One HTTP client for all, every failure told apart.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::wire::{
    AgentAddress, AgentError, AssignmentRequest, LeaseAnswer, LeaseRequest, NodeAgent, Observation, ObservationQuery,
    Refusal,
};

/// A connection that does not open within this is no answer; callers bound the whole call more tightly.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// No call takes longer, whatever its caller does: the longest wait for an observation, and some.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);

/// An observation of thousands of groups fits; an endless answer does not.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Agents over HTTP.
#[derive(Debug, Clone)]
pub struct HttpAgents {
    client: reqwest::Client,
}

impl HttpAgents {
    /// Fails only where the machine can't give an HTTP client at all.
    #[allow(clippy::disallowed_methods)] // the home of HTTP clients
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .tcp_nodelay(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client })
    }

    fn request(&self, method: Method, at: &AgentAddress, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", at.url.trim_end_matches('/')))
    }
}

#[async_trait]
impl NodeAgent for HttpAgents {
    async fn assign(&self, at: &AgentAddress, request: &AssignmentRequest) -> Result<Observation, AgentError> {
        call(self.request(Method::PUT, at, "/v1/assignment").json(request)).await
    }

    async fn renew(&self, at: &AgentAddress, request: &LeaseRequest) -> Result<LeaseAnswer, AgentError> {
        call(self.request(Method::POST, at, "/v1/lease").json(request)).await
    }

    async fn observe(&self, at: &AgentAddress, query: &ObservationQuery) -> Result<Observation, AgentError> {
        call(self.request(Method::GET, at, "/v1/observation").query(query)).await
    }
}

async fn call<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, AgentError> {
    let response = request.send().await.map_err(|error| AgentError::Unreachable(root_cause(&error)))?;
    let status = response.status();
    let body = read_bounded(response).await?;
    match status {
        StatusCode::OK => serde_json::from_slice(&body).map_err(|error| AgentError::Garbled(error.to_string())),
        StatusCode::CONFLICT => match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => Err(AgentError::Refused(Box::new(refusal))),
            Err(error) => Err(AgentError::Garbled(format!("a refusal that is none: {error}"))),
        },
        other => Err(AgentError::Garbled(format!("status {other}"))),
    }
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, AgentError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| AgentError::Unreachable(root_cause(&error)))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(AgentError::Garbled(format!("an answer of more than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost error says what happened ("Connection refused"); the outer ones only where.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
