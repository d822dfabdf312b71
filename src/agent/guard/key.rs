//! Which service is it: a resource of a group, or an instance of a host that is not clustered?

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{GroupName, HostName, ResourceName};

/// Which service: at most one runs per key. No instance has the key of a resource, whatever their names: so neither is
/// ever taken for the other.
///
/// A guard or agent that knows of no instances can't read the key of one, and says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ServiceKey {
    /// Runs under the node's lease, and ends with it.
    Resource { group: GroupName, resource: ResourceName },
    /// Runs whatever becomes of the lease.
    Instance { host: HostName },
}

impl ServiceKey {
    /// Whether it must end with the node's lease.
    pub const fn is_leased(&self) -> bool {
        matches!(self, Self::Resource { .. })
    }

    /// The resource's name; an instance is named like its host.
    pub fn name(&self) -> &str {
        match self {
            Self::Resource { resource, .. } => resource.as_str(),
            Self::Instance { host } => host.as_str(),
        }
    }

    /// The folder and the file's stem for what is kept of it. `:` is in no name, so no two keys share them.
    pub fn folder_and_stem(&self) -> (&str, &str) {
        match self {
            Self::Resource { group, resource } => (group.as_str(), resource.as_str()),
            Self::Instance { host } => (":hosts", host.as_str()),
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource { group, resource } => write!(f, "{group}/{resource}"),
            Self::Instance { host } => write!(f, "the instance of {host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_on_the_wire_and_a_resource_is_written_as_ever() {
        let resource = ServiceKey::Resource { group: "a".parse().unwrap(), resource: "b".parse().unwrap() };
        let instance = ServiceKey::Instance { host: "b".parse().unwrap() };
        assert_eq!(serde_json::to_string(&resource).unwrap(), r#"{"group":"a","resource":"b"}"#);
        for key in [resource, instance] {
            let text = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<ServiceKey>(&text).unwrap(), key);
        }
    }
}
