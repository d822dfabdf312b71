//! How does a program ask the control plane? The CLI's calls, with errors that a person understands.

mod intent;
mod operations;
mod past;
mod stream;

pub use intent::Revert;
pub use operations::{Action, Target, Which};
pub use past::During;
pub use stream::{Following, Told};

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{ACCEPT, ETAG, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::api::views::{ACTOR_HEADER, Page, Problem, TopologyResult};
use crate::board::status::StatusDocument;
use crate::domain::{ClusterName, Event, FailoverRecord, Generation, GroupName, HumanDuration};

/// An address that does not take a connection within this time is not reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An answer takes at most this long, beside the time that the caller asks the server to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A server sends something every 15 s on a stream: one that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(40);

/// Why a call did not bring what it was for.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Not something that can be called.
    #[error("{address:?} is not the address of a server: {why}; write it like http://127.0.0.1:7400")]
    BadAddress { address: String, why: String },
    /// Nothing answered; whether a write was done is not known.
    #[error("no Locum server answers at {server}: {why}")]
    Unreachable { server: String, why: String },
    /// The server understood and refused; nothing was changed.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// Something answered that does not speak this API.
    #[error("what answers at {server} is not a Locum server of this version: {why}")]
    Garbled { server: String, why: String },
}

impl CallError {
    /// Whether asking again may help: nobody answered, or a server that is not ready yet.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(problem) => problem.status == StatusCode::SERVICE_UNAVAILABLE.as_u16(),
            Self::BadAddress { .. } | Self::Garbled { .. } => false,
        }
    }
}

/// An answer as a value and as the server wrote it.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    pub value: T,
    pub json: Value,
}

/// A status document and the tag that stands for it.
#[derive(Debug, Clone)]
pub struct SeenStatus {
    pub reply: Reply<StatusDocument>,
    pub tag: String,
}

/// What the writer of a topology expects to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    /// Nothing: the cluster does not exist.
    Nothing,
    /// The topology of this generation.
    Generation(Generation),
}

/// A control plane at an address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    http: reqwest::Client,
    /// For streams, which have no end that could be late.
    streams: reqwest::Client,
    server: String,
    actor: String,
}

#[derive(Deserialize)]
struct Named {
    name: ClusterName,
}

#[derive(Deserialize)]
struct NamedPage {
    items: Vec<Named>,
}

impl ControlPlane {
    /// `server`: an `http://` address; `actor`: who asks, for the history.
    #[allow(clippy::disallowed_methods)] // the home of HTTP clients
    pub fn new(server: &str, actor: &str) -> Result<Self, CallError> {
        let bad = |why: String| CallError::BadAddress { address: server.to_owned(), why };
        let url = Url::parse(server).map_err(|e| bad(e.to_string()))?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(bad("it must begin with http:// and name a host".to_owned()));
        }
        // No proxy: a control plane is on a network of its own, and a proxy would answer in its place.
        let builder = || reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT);
        let http = builder().build().map_err(|e| bad(e.to_string()))?;
        let streams = builder().read_timeout(SILENCE).build().map_err(|e| bad(e.to_string()))?;
        let actor: String = actor.chars().filter(|c| c.is_ascii_graphic()).collect();
        Ok(Self { http, streams, server: server.trim_end_matches('/').to_owned(), actor })
    }

    /// The address that is called.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether it answers that it is ready for work.
    pub async fn ready(&self) -> Result<bool, CallError> {
        Ok(self.send(self.get("/readyz")).await?.status().is_success())
    }

    /// The names of the clusters.
    pub async fn clusters(&self) -> Result<Vec<ClusterName>, CallError> {
        let page: Reply<NamedPage> = self.call(self.get("/v1/clusters")).await?;
        Ok(page.value.items.into_iter().map(|cluster| cluster.name).collect())
    }

    /// Replaces a cluster's topology or, with `dry_run`, asks what that would do.
    pub async fn put_topology(
        &self,
        cluster: &ClusterName,
        document: &Value,
        replaces: Replaces,
        dry_run: bool,
    ) -> Result<Reply<TopologyResult>, CallError> {
        let mut request = self.request(Method::PUT, &format!("/v1/clusters/{cluster}/topology")).json(document);
        if dry_run {
            request = request.query(&[("dry_run", "true")]);
        }
        self.call(expecting(request, replaces)).await
    }

    /// The observed state. With `after`, the tag of the last one seen, it comes once it differs, or `None` after `wait`.
    pub async fn status(
        &self,
        cluster: &ClusterName,
        after: Option<&str>,
        wait: Duration,
    ) -> Result<Option<SeenStatus>, CallError> {
        let mut request = self.get(&format!("/v1/clusters/{cluster}/status"));
        if let Some(tag) = after {
            let wait_text = HumanDuration::from(wait).to_string();
            request = request.query(&[("wait", wait_text.as_str()), ("since", tag)]).timeout(wait + ANSWER_TIMEOUT);
        }
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let tag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let reply = self.read(response).await?;
        Ok((after != Some(tag.as_str())).then_some(SeenStatus { reply, tag }))
    }

    /// A slice of the history, newest first.
    pub async fn failovers(
        &self,
        cluster: &ClusterName,
        group: Option<&GroupName>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Reply<Page<FailoverRecord>>, CallError> {
        let mut request = self.get(&format!("/v1/clusters/{cluster}/failovers")).query(&[("limit", limit)]);
        if let Some(group) = group {
            request = request.query(&[("group", group.as_str())]);
        }
        if let Some(cursor) = cursor {
            request = request.query(&[("cursor", cursor)]);
        }
        self.call(request).await
    }

    /// The failovers as a report in Markdown, the newest first.
    pub async fn report(
        &self,
        cluster: &ClusterName,
        group: Option<&GroupName>,
        limit: u32,
    ) -> Result<String, CallError> {
        let request = self.get(&format!("/v1/clusters/{cluster}/failovers"));
        self.markdown(request.query(&[("limit", limit)]).query(&group.map(|name| [("group", name)]))).await
    }

    async fn markdown(&self, request: RequestBuilder) -> Result<String, CallError> {
        let response = self.send(request.header(ACCEPT, "text/markdown")).await?;
        if response.status().is_success() {
            return response.text().await.map_err(|error| self.unreachable(&error));
        }
        let why = "a report was expected".to_owned();
        let garbled = CallError::Garbled { server: self.server.clone(), why };
        Err(self.read::<Value>(response).await.err().unwrap_or(garbled))
    }

    /// Events after a number, oldest first.
    pub async fn events(&self, cluster: &ClusterName, after: u64, limit: u32) -> Result<Reply<Page<Event>>, CallError> {
        let query = [("cursor", after), ("limit", u64::from(limit))];
        self.call(self.get(&format!("/v1/clusters/{cluster}/events")).query(&query)).await
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.server);
        self.http.request(method, url).header(ACTOR_HEADER, &self.actor).timeout(ANSWER_TIMEOUT)
    }

    fn streaming(&self, path: &str) -> RequestBuilder {
        self.streams.get(format!("{}{path}", self.server)).header(ACTOR_HEADER, &self.actor)
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Reply<T>, CallError> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, CallError> {
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<Reply<T>, CallError> {
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let garbled = |why: String| CallError::Garbled { server: self.server.clone(), why };
        let json: Value = serde_json::from_slice(&body)
            .map_err(|_| garbled(format!("it answered {status} with something that is not JSON")))?;
        if !status.is_success() {
            let problem = serde_json::from_value(json).map_err(|_| garbled(format!("it answered {status}")))?;
            return Err(CallError::Refused(Box::new(problem)));
        }
        let value = T::deserialize(&json).map_err(|e| garbled(format!("its answer can't be read ({e})")))?;
        Ok(Reply { value, json })
    }

    fn unreachable(&self, error: &reqwest::Error) -> CallError {
        let why = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(error) };
        CallError::Unreachable { server: self.server.clone(), why }
    }
}

fn expecting(request: RequestBuilder, replaces: Replaces) -> RequestBuilder {
    match replaces {
        Replaces::Nothing => request.header(IF_NONE_MATCH, "*"),
        Replaces::Generation(generation) => request.header(IF_MATCH, format!("\"{generation}\"")),
    }
}

/// The last cause in the chain is the one a person can act on: "Connection refused".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    // "Connection refused (os error 111)": the number helps nobody.
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_must_be_one_that_can_be_called() {
        for bad in ["127.0.0.1:7400", "https://a.example", "ftp://a", "http://", ""] {
            let error = ControlPlane::new(bad, "me").unwrap_err().to_string();
            assert!(error.contains("is not the address of a server"), "{bad}: {error}");
        }
        assert_eq!(ControlPlane::new("http://127.0.0.1:7400/", "me").unwrap().server(), "http://127.0.0.1:7400");
    }
}
