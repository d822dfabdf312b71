//! How are several changes asked for at once, and what did they do?

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::advice::FindingChanges;
use crate::domain::{ClusterName, Generation};
use crate::planner::PlanSummary;

/// Several changes of one cluster, all of them or none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSet {
    /// In the order in which they are made, at most 1000.
    #[serde(default)]
    #[schema(value_type = Vec<ChangeStep>, required = true, min_items = 1, max_items = 1000)]
    pub changes: Vec<Value>,
    /// Why, for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One change of several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeStep {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub op: Option<ChangeOp>,
    /// What is changed, by its path below the cluster; `cluster`, or nothing, for the cluster as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        required = true,
        nullable = false,
        example = "groups/ftp-receive/resources/ip",
        pattern = "^(cluster)?$|^(nodes|groups|hosts|handlers)/[A-Za-z0-9][A-Za-z0-9._-]{0,62}$|^(groups/[A-Za-z0-9][A-Za-z0-9._-]{0,62}/resources|hosts/[A-Za-z0-9][A-Za-z0-9._-]{0,62}/instances)/[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
    )]
    pub path: Option<String>,
    /// Of a `put` the object, of a `patch` the merge patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub body: Option<Value>,
    /// Only if this is still its ETag, as it was before the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r#"^"[0-9]{1,18}(-[0-9a-f]{1,64})?"$"#, example = "\"7\"")]
    pub if_match: Option<String>,
    /// `*`: only if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[*]$", example = "*")]
    pub if_none_match: Option<String>,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOp {
    /// Created or replaced, as by PUT.
    Put,
    /// Changed by a merge patch, as by PATCH.
    Patch,
    /// Deleted, as by DELETE: the cluster as a whole can't be.
    Delete,
}

/// What several changes did or, with `dry_run`, would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeSetResult {
    pub cluster: ClusterName,
    /// The generation after them; with `dry_run` the present one.
    pub generation: Generation,
    /// Whether anything differs from what was stored.
    pub changed: bool,
    pub dry_run: bool,
    /// For each change, in their order.
    pub changes: Vec<StepResult>,
    pub summary: PlanSummary,
    /// What they do to the findings of the rules.
    pub findings: FindingChanges,
    /// With `dry_run`: why they would be refused, as a sentence; null if they would not.
    pub refused: Option<String>,
}

/// What became of an object by all changes of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepResult {
    pub path: String,
    /// The object after them; null if it is deleted.
    #[schema(value_type = Option<Object>)]
    pub object: Option<Value>,
    /// Its ETag after them; 0 for an object that is new in a dry run.
    pub generation: Generation,
    pub created: bool,
    pub changed: bool,
}
