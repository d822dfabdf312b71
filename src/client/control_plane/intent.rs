//! Which calls are about what is wanted, what it was, and what would be?

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;

use super::{CallError, ControlPlane, Replaces, Reply, expecting};
use crate::advice::{Advice, Severity};
use crate::api::views::{ActionRequest, ChangeView, Page, TopologyResult, WhatIfView};
use crate::domain::{Change, ClusterName, Generation, GroupName, TopologySpec};
use crate::planner::explanation::Explanation;
use crate::planner::resilience::Resilience;
use crate::planner::what_if::Faults;

/// A large cluster's pairs of nodes take their time.
const RESILIENCE_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
struct AtGeneration {
    generation: Generation,
}

/// A revert as it is asked for.
#[derive(Debug, Clone)]
pub struct Revert {
    /// What is wanted was right after this one.
    pub generation: Generation,
    pub request: ActionRequest,
    /// Also what operators wanted then.
    pub operator_state: bool,
}

impl ControlPlane {
    /// The desired state as a document.
    pub async fn topology(&self, cluster: &ClusterName) -> Result<Reply<TopologySpec>, CallError> {
        self.call(self.get(&format!("/v1/clusters/{cluster}/topology"))).await
    }

    /// What the rules say of it: findings of this severity or worse, or all.
    pub async fn advice(&self, cluster: &ClusterName, severity: Option<Severity>) -> Result<Reply<Advice>, CallError> {
        let request = self.get(&format!("/v1/clusters/{cluster}/advice"));
        self.call(request.query(&severity.map(|severity| [("severity", severity)]))).await
    }

    /// A slice of the changes, newest first.
    pub async fn changes(
        &self,
        cluster: &ClusterName,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Reply<Page<Change>>, CallError> {
        let request = self.get(&format!("/v1/clusters/{cluster}/changes")).query(&[("limit", limit)]);
        self.call(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// The change that made a generation, and what it changed.
    pub async fn change(&self, cluster: &ClusterName, generation: Generation) -> Result<Reply<ChangeView>, CallError> {
        self.call(self.get(&format!("/v1/clusters/{cluster}/changes/{generation}"))).await
    }

    /// What there is to replace now.
    pub async fn present(&self, cluster: &ClusterName) -> Result<Replaces, CallError> {
        match self.call::<AtGeneration>(self.get(&format!("/v1/clusters/{cluster}"))).await {
            Ok(reply) => Ok(Replaces::Generation(reply.value.generation)),
            Err(CallError::Refused(problem)) if problem.status == 404 => Ok(Replaces::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Makes what is wanted what it was after a generation or, with `dry_run`, asks what that would do.
    pub async fn revert(
        &self,
        cluster: &ClusterName,
        revert: &Revert,
        replaces: Replaces,
        dry_run: bool,
    ) -> Result<Reply<TopologyResult>, CallError> {
        let Revert { generation, request, operator_state } = revert;
        let path = format!("/v1/clusters/{cluster}/changes/{generation}/revert");
        let how = [("operator_state", *operator_state), ("dry_run", dry_run)];
        let request = self.request(Method::POST, &path).query(&how).json(request);
        self.call(expecting(request, replaces)).await
    }

    /// Why a group is where it is, and what would change it.
    pub async fn explain(&self, cluster: &ClusterName, group: &GroupName) -> Result<Reply<Explanation>, CallError> {
        self.call(self.get(&format!("/v1/clusters/{cluster}/groups/{group}/explain"))).await
    }

    /// What faults would lead to, under the present topology or under `topology`.
    pub async fn what_if(
        &self,
        cluster: &ClusterName,
        faults: &Faults,
        topology: Option<&serde_json::Value>,
    ) -> Result<Reply<WhatIfView>, CallError> {
        let mut body = serde_json::json!({ "faults": faults });
        if let Some(topology) = topology {
            body["topology"] = topology.clone();
        }
        self.call(self.request(Method::POST, &format!("/v1/clusters/{cluster}/plan")).json(&body)).await
    }

    /// What the loss of each node, and of pairs of nodes, would do now.
    pub async fn resilience(&self, cluster: &ClusterName) -> Result<Reply<Resilience>, CallError> {
        self.call(self.get(&format!("/v1/clusters/{cluster}/resilience")).timeout(RESILIENCE_TIMEOUT)).await
    }
}
