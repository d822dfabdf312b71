//! What does a topology document look like, and is this one right?

use serde::{Deserialize, Serialize};

use super::{ClusterName, GroupSpec, NodeSpec, Settings};

/// A cluster's desired state as one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopologySpec {
    pub cluster: ClusterName,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    pub nodes: Vec<NodeSpec>,
    #[serde(default)]
    pub groups: Vec<GroupSpec>,
}
