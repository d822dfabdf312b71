//! What resources does a group have? One list for all who hold it, and what a choice of node asks of it, found out once.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{ResourceSpec, ResourceType};

/// Resources in the order of the document. Copies share the list: what is wanted of a group and what its owner was told
/// are the same, and are compared in every turn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Vec<ResourceSpec>")]
pub struct ResourceList(Arc<List>);

#[derive(Debug, PartialEq, Eq, Default)]
struct List {
    resources: Vec<ResourceSpec>,
    types: [Option<ResourceType>; ResourceType::COUNT],
    restricted: bool,
}

impl ResourceList {
    /// Their types, each once, in the order in which they come first.
    pub fn types(&self) -> impl Iterator<Item = ResourceType> {
        self.0.types.iter().copied().flatten()
    }

    /// Whether any of them lists its possible owners.
    pub fn is_restricted(&self) -> bool {
        self.0.restricted
    }

    /// Whether it is that very list, which takes no comparing.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl From<Vec<ResourceSpec>> for ResourceList {
    fn from(resources: Vec<ResourceSpec>) -> Self {
        let mut types = [None; ResourceType::COUNT];
        for resource in &resources {
            let own = Some(resource.resource_type());
            if let Some(free) = types.iter_mut().find(|known| known.is_none() || **known == own) {
                *free = own;
            }
        }
        let restricted = resources.iter().any(|resource| resource.possible_owners.is_some());
        Self(Arc::new(List { resources, types, restricted }))
    }
}

impl FromIterator<ResourceSpec> for ResourceList {
    fn from_iter<T: IntoIterator<Item = ResourceSpec>>(resources: T) -> Self {
        resources.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for ResourceList {
    type Target = [ResourceSpec];
    fn deref(&self) -> &[ResourceSpec] {
        &self.0.resources
    }
}

impl<'a> IntoIterator for &'a ResourceList {
    type Item = &'a ResourceSpec;
    type IntoIter = std::slice::Iter<'a, ResourceSpec>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for ResourceList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.resources.serialize(serializer)
    }
}
