//! Which shapes does the API answer with, beside those of the domain and the status document?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{ClusterName, Finding, Generation, NodeName};
use crate::planner::PlanSummary;

/// Header in which a caller says who acts. Without identity configured it is believed.
pub const ACTOR_HEADER: &str = "locum-actor";

/// What a PUT of a topology did or, with `dry_run`, would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopologyResult {
    pub cluster: ClusterName,
    /// The generation after it; with `dry_run` the present one, 0 for a cluster that does not exist.
    pub generation: Generation,
    pub created: bool,
    /// Whether the document differs from what is stored.
    pub changed: bool,
    pub dry_run: bool,
    pub summary: PlanSummary,
}

/// A slice of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T: ToSchema> {
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next slice; null at the end.
    pub next_cursor: Option<String>,
}

/// Body of an action on a group or node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActionRequest {
    /// Why, for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Body of a move.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MoveRequest {
    /// The node to move to; absent: the best one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<NodeName>,
    /// Why, for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An error as RFC 9457 has it, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable for programs: `https://locum.invalid/problems/...`.
    #[serde(rename = "type")]
    pub problem_type: String,
    pub title: String,
    pub status: u16,
    /// What was wrong and what would be right, as a sentence.
    pub detail: String,
    /// For a document that was refused: every finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Finding>,
}
