//! Which shapes does the API answer with, beside those of the domain and the status document?

mod change_set;
mod cluster;
mod object;

pub use change_set::{ChangeOp, ChangeSet, ChangeSetResult, ChangeStep, StepResult};
pub use cluster::{ClusterSpec, ClusterView, WholeCluster};
pub use object::{GroupView, HandlerView, HostView, InstanceView, MergePatch, NodeView, READ_ONLY, ResourceView};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::advice::FindingChanges;
use crate::domain::{
    Change, ClusterName, Decision, Difference, Finding, Generation, GroupName, HumanDuration, NodeName,
};
use crate::planner::replay::GroupDecision;
use crate::planner::{PlanSummary, WhatIf};

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
    /// What it does to the findings of the rules.
    #[serde(default)]
    pub findings: FindingChanges,
    /// With `dry_run`: why it would be refused, as a sentence; null if it would not.
    #[serde(default)]
    pub refused: Option<String>,
}

/// What a write of one object did or, with `dry_run`, would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectResult<T: ToSchema> {
    /// The object after it; null if it is deleted.
    pub object: Option<T>,
    /// The generation that last changed the object; of a deleted one, that of its end. With `dry_run` the present one, 0 for
    /// an object that does not exist.
    pub generation: Generation,
    pub created: bool,
    /// Whether anything differs from what was stored.
    pub changed: bool,
    pub dry_run: bool,
    /// What else to know, as a sentence.
    pub message: Option<String>,
    pub summary: PlanSummary,
    /// What it does to the findings of the rules.
    pub findings: FindingChanges,
    /// With `dry_run`: why it would be refused, as a sentence; null if it would not.
    pub refused: Option<String>,
}

/// What faults, or another topology, would lead to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfView {
    #[serde(flatten)]
    pub what_if: WhatIf,
    /// What the topology does to the findings of the rules.
    pub findings: FindingChanges,
    /// Why the topology would be refused, as a sentence; null if it would not.
    pub refused: Option<String>,
}

/// A slice of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T: ToSchema> {
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next slice; null at the end.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> Page<T> {
    /// The first `limit` of `items`, which were asked for with one more than that: it tells whether there are others. `cursor`: how
    /// to go on after an item.
    pub fn of(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = items.last().filter(|_| more).map(cursor);
        Self { items, next_cursor }
    }
}

/// A slice of a list of which only some `fields` were asked for: its items have those of them that they have.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct SparsePage {
    #[schema(value_type = Vec<Object>)]
    items: Vec<serde_json::Value>,
    /// Give it back as `cursor` for the next slice; null at the end.
    next_cursor: Option<String>,
}

/// Body of an action on a group or node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActionRequest {
    /// Why, for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Body of an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AcknowledgeRequest {
    /// What there is to say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
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

/// Body of clustering a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterRequest {
    /// The group whose resource it becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub group: Option<GroupName>,
    /// Why, for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Body of a mark that lasts until a time: maintenance, or the word that something is down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MarkRequest {
    /// Who is responsible; absent: who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub reason: Option<String>,
    /// When it ends by itself; this or `for`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// After how long it ends by itself; this or `until`.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[schema(example = "2h")]
    pub length: Option<HumanDuration>,
}

/// A moment as a caller writes it.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let read = |text: String| {
        let wrong = || de::Error::custom(format!("{text:?} is not a time; write it like \"2026-01-31T12:00:00Z\""));
        text.parse().map_err(|_| wrong())
    };
    text.map(read).transpose()
}

/// Body of a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverRequest {
    /// The rule's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false, example = "R33")]
    pub rule: Option<String>,
    /// The object that the finding names first: `hosts/FtpReceive`. Absent: all of that rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub reason: Option<String>,
    /// Who accepts it; absent: who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When it ends; this or `for`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// After how long it ends; this or `expires`.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[schema(example = "720h")]
    pub length: Option<HumanDuration>,
}

/// A change, and what it changed by the names of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    #[serde(flatten)]
    pub change: Change,
    /// In the order of the paths.
    pub diff: Vec<Difference>,
}

/// A failover's decisions, made again by the planner of today on what was known then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayView {
    pub failover: Uuid,
    pub group: GroupName,
    /// Whether every plan is the same as it was made then, byte for byte.
    pub same: bool,
    /// The node that is chosen; null when none is.
    pub chosen: Option<NodeName>,
    /// Why, as a sentence.
    pub reason: Option<String>,
    /// For every node: why this one, or why not that one.
    pub verdicts: BTreeMap<NodeName, String>,
    /// The version of the planner that decided then, and that of today's.
    pub planner_then: u32,
    pub planner_now: u32,
    pub planner_changed: bool,
    /// What that means, as a sentence.
    pub message: String,
    /// Each plan that opened the failover, went on with it or ended it; oldest first.
    pub decisions: Vec<ReplayedDecision>,
}

/// One plan of a failover, made again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayedDecision {
    pub decision: Decision,
    /// When it was made; null if it can't be read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    pub same: bool,
    pub planner_then: u32,
    /// What the planner of today decides for the group; null if what was kept can't be read.
    pub now: Option<GroupDecision>,
    /// What was decided then, where that is something else.
    pub then: Option<GroupDecision>,
    /// Why it can't be made again, as a sentence.
    pub problem: Option<String>,
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
    /// For a document that was refused: every finding, of more than 100 the first ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Finding>,
    /// Of a precondition that failed: the ETag that was expected, if any was, and the present one, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub actual: Option<String>,
}
