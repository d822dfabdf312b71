//! What do rules need to know of what is seen?

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{GroupName, GroupState, NodeName, NodeState, ResourceType};

/// What rules need to know of what is seen. A node or group that is absent here is not known, and rules that look at it
/// say nothing of it; empty, as for a file on a desk, they are all silent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    pub nodes: BTreeMap<NodeName, SeenNode>,
    pub groups: BTreeMap<GroupName, SeenGroup>,
}

/// A node that has been heard of under the present reign, or is known to be down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNode {
    pub state: NodeState,
    /// What its agent can run; empty: it has not said yet.
    pub drivers: BTreeSet<ResourceType>,
}

/// A group as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenGroup {
    /// The node that runs it or may still do so.
    pub owner: Option<NodeName>,
    pub state: GroupState,
}
