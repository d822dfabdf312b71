//! Which calls are about actions that take time?

use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

use super::{CallError, ControlPlane, Reply};
use crate::api::views::{ActionRequest, Page};
use crate::domain::{ClusterName, GroupName, HumanDuration, NodeName, Operation};

/// Whom an action is for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    Node(&'a NodeName),
    Group(&'a GroupName),
}

/// What is asked for of a group or a node.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a, B> {
    /// As the API's path spells it.
    pub verb: &'a str,
    pub body: &'a B,
    pub timeout: Option<HumanDuration>,
}

/// Which operations are asked for, as the API's parameters.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Which {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub limit: u32,
}

impl ControlPlane {
    /// Asks for an action on a group or node.
    pub async fn act(
        &self,
        cluster: &ClusterName,
        target: Target<'_>,
        action: Action<'_, impl Serialize>,
    ) -> Result<Reply<Operation>, CallError> {
        let Action { verb, body, timeout } = action;
        let path = match target {
            Target::Node(node) => format!("/v1/clusters/{cluster}/nodes/{node}/{verb}"),
            Target::Group(group) => format!("/v1/clusters/{cluster}/groups/{group}/{verb}"),
        };
        let request = self.request(Method::POST, &path).json(body);
        self.call(request.query(&timeout.map(|timeout| [("timeout", timeout.to_string())]))).await
    }

    /// Where an operation stands.
    pub async fn operation(&self, id: Uuid) -> Result<Reply<Operation>, CallError> {
        self.call(self.get(&format!("/v1/operations/{id}"))).await
    }

    /// The newest operations that are asked for.
    pub async fn operations(&self, which: &Which) -> Result<Reply<Page<Operation>>, CallError> {
        self.call(self.get("/v1/operations").query(which)).await
    }

    /// Takes an operation back.
    pub async fn cancel(&self, id: Uuid, body: &ActionRequest) -> Result<Reply<Operation>, CallError> {
        self.call(self.request(Method::POST, &format!("/v1/operations/{id}/cancel")).json(body)).await
    }
}
