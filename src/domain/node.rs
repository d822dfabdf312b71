//! What is a node: the machine with an agent, what is wanted of it and what is seen?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Actor, Maintenance, NodeName};

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
    /// What fails together with it: a rack, a room, a site. A group that loses its owner rather goes to another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 63, example = "rack-a")]
    pub fault_domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub software: Option<Software>,
    /// Whether a network load balancer's driver is installed on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub load_balanced: bool,
    /// Absent keeps the present value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maintenance: Option<Maintenance>,
}

/// The software that runs the hosts of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Software {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub edition: Option<Edition>,
    /// The group of servers that the node belongs to: those that share configuration and databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 256)]
    pub group: Option<String>,
}

/// Which edition of the software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edition {
    Enterprise,
    Standard,
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

/// When a node was lost without having been drained, and whether it still is: what quarantine counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Losses {
    /// Whether it is lost now, so that one loss is counted once.
    pub lost: bool,
    /// Oldest first, as far back as the cluster's quarantine looks.
    pub moments: Vec<Timestamp>,
}

/// An operator's word that a silent node runs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    pub actor: Actor,
    pub reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}
