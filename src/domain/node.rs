//! What is a node: the machine with an agent, what is wanted of it and what is seen?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Actor, NodeName};

/// A machine with a Locum agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub name: NodeName,
    /// Where its agent listens: an `http://` address with host and port, no path. Unique in the cluster.
    #[schema(format = "uri", example = "http://10.0.0.11:7441")]
    pub agent: String,
    /// What is wanted of it. Absent keeps the present value; a new node is `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wanted: Option<NodeWanted>,
}

/// What the operator wants of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeWanted {
    /// It runs what is placed on it.
    #[default]
    Active,
    /// It keeps what it runs and gets nothing new.
    Paused,
    /// What it runs moves away, and it gets nothing new.
    Drained,
}

/// What is seen of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Its agent answers.
    Up,
    /// No answer; what it ran may still be running.
    Unreachable,
    /// Proven to run nothing: its lease has passed, or an operator confirmed it.
    Down,
}

/// An operator's word that a silent node runs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    pub actor: Actor,
    pub reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}
