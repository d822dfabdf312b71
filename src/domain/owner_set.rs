//! Which nodes may own a group? One list for all groups that may run on the same nodes.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::NodeName;

/// A list of nodes in the order of their names. Copies share it: in a large cluster thousands of groups name the same nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(from = "Vec<NodeName>")]
pub struct OwnerSet(Arc<Vec<NodeName>>);

impl OwnerSet {
    /// The nodes, in the order of their names.
    pub fn as_slice(&self) -> &[NodeName] {
        &self.0
    }
}

impl From<Vec<NodeName>> for OwnerSet {
    fn from(nodes: Vec<NodeName>) -> Self {
        Self(Arc::new(nodes))
    }
}

impl FromIterator<NodeName> for OwnerSet {
    fn from_iter<T: IntoIterator<Item = NodeName>>(nodes: T) -> Self {
        Self(Arc::new(nodes.into_iter().collect()))
    }
}

impl Serialize for OwnerSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}
