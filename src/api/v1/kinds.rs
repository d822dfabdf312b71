//! Which kinds of objects does a topology have, and where in the document does one stand?

use serde_json::Value;

use crate::api::problem::ApiError;
use crate::domain::{ChangeAction, ClusterName, Generation, TopologySpec};
use crate::store::{Generations, Stored};

/// A kind of object.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub word: &'static str,
    /// The field of the document, or of the parent, that lists them.
    pub list: &'static str,
    /// The field that tells one from the others.
    pub key: &'static str,
    /// Fields that keep their value where a PUT has none.
    pub kept: &'static [&'static str],
    pub put: ChangeAction,
    pub delete: ChangeAction,
}

pub const NODE: Kind = Kind {
    word: "node",
    list: "nodes",
    key: "name",
    kept: &["wanted", "maintenance"],
    put: ChangeAction::PutNode,
    delete: ChangeAction::DeleteNode,
};
pub const GROUP: Kind = Kind {
    word: "group",
    list: "groups",
    key: "name",
    kept: &["wanted", "maintenance"],
    put: ChangeAction::PutGroup,
    delete: ChangeAction::DeleteGroup,
};
pub const RESOURCE: Kind = Kind {
    word: "resource",
    list: "resources",
    key: "name",
    kept: &[],
    put: ChangeAction::PutResource,
    delete: ChangeAction::DeleteResource,
};
pub const HOST: Kind = Kind {
    word: "host",
    list: "hosts",
    key: "name",
    kept: &[],
    put: ChangeAction::PutHost,
    delete: ChangeAction::DeleteHost,
};
pub const INSTANCE: Kind = Kind {
    word: "instance",
    list: "instances",
    key: "node",
    kept: &[],
    put: ChangeAction::PutInstance,
    delete: ChangeAction::DeleteInstance,
};
pub const HANDLER: Kind = Kind {
    word: "handler",
    list: "handlers",
    key: "name",
    kept: &[],
    put: ChangeAction::PutHandler,
    delete: ChangeAction::DeleteHandler,
};

/// Objects of one kind: of the document, or of another object.
#[derive(Debug, Clone, Copy)]
pub struct List<'a> {
    pub kind: &'static Kind,
    pub of: Option<(&'static Kind, &'a str)>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct One<'a> {
    pub list: List<'a>,
    pub name: &'a str,
}

/// What a path below a cluster names.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// What belongs to the cluster as a whole.
    Whole,
    Object(One<'a>),
}

/// The path of what belongs to a cluster as a whole.
const CLUSTER: &str = "cluster";

impl<'a> Target<'a> {
    /// One for each target, however it was spelled.
    pub fn path(self) -> String {
        match self {
            Self::Whole => CLUSTER.to_owned(),
            Self::Object(one) => one.path(),
        }
    }

    /// Reads a path as events and findings spell it: `nodes/bts1`, `groups/ftp/resources/ip`, `cluster`.
    pub fn of(path: &'a str) -> Option<Self> {
        let objects = |word: &str| [&NODE, &GROUP, &HOST, &HANDLER].into_iter().find(|kind| kind.list == word);
        let parts: Vec<&'a str> = path.split('/').collect();
        let one = match parts.as_slice() {
            [""] | ["cluster"] => return Some(Self::Whole),
            [list, name] => List::of_all(objects(list)?).one(name),
            ["groups", group, "resources", name] => List::of(&RESOURCE, &GROUP, group).one(name),
            ["hosts", host, "instances", node] => List::of(&INSTANCE, &HOST, host).one(node),
            _ => return None,
        };
        Some(Self::Object(one))
    }
}

impl<'a> List<'a> {
    pub fn of_all(kind: &'static Kind) -> Self {
        Self { kind, of: None }
    }

    pub fn of(kind: &'static Kind, parent: &'static Kind, name: &'a str) -> Self {
        Self { kind, of: Some((parent, name)) }
    }

    pub fn one(self, name: &'a str) -> One<'a> {
        One { list: self, name }
    }

    /// By what an object is told from the others.
    pub fn name_of(self, item: &Value) -> Option<&str> {
        item.get(self.kind.key).and_then(Value::as_str)
    }

    /// Its path in the API.
    pub fn url(self, cluster: &ClusterName) -> String {
        let of = self.of.map(|(parent, name)| format!("{}/{name}/", parent.list)).unwrap_or_default();
        format!("/v1/clusters/{cluster}/{of}{}", self.kind.list)
    }

    /// Where it stands in the document, which may have no such list.
    pub fn pointer(self, document: &Value) -> Result<String, ApiError> {
        let Some((parent, name)) = self.of else { return Ok(format!("/{}", self.kind.list)) };
        let index = List::of_all(parent).one(name).index(document)?;
        let index = index.ok_or_else(|| ApiError::not_found(parent.word, name))?;
        Ok(format!("/{}/{index}/{}", parent.list, self.kind.list))
    }

    pub fn items(self, document: &Value) -> Result<&[Value], ApiError> {
        let list = document.pointer(&self.pointer(document)?);
        Ok(list.and_then(Value::as_array).map_or(&[], Vec::as_slice))
    }

    pub fn items_mut(self, document: &mut Value) -> Result<&mut Vec<Value>, ApiError> {
        let pointer = self.pointer(document)?;
        let (parent, field) = pointer.rsplit_once('/').unwrap_or(("", &pointer));
        let parent = document.pointer_mut(parent).and_then(Value::as_object_mut).ok_or_else(ApiError::internal)?;
        let list = parent.entry(field).or_insert_with(|| Value::Array(Vec::new()));
        list.as_array_mut().ok_or_else(ApiError::internal)
    }
}

impl One<'_> {
    /// `nodes/bts1`, `groups/ftp/resources/ip`.
    pub fn path(self) -> String {
        let own = format!("{}/{}", self.list.kind.list, self.name);
        self.list.of.map_or(own.clone(), |(parent, name)| format!("{}/{name}/{own}", parent.list))
    }

    /// `node bts1`, `resource ip of group ftp`.
    pub fn words(self) -> String {
        let own = match self.list.kind.key {
            "node" => format!("{} on {}", self.list.kind.word, self.name),
            _ => format!("{} {}", self.list.kind.word, self.name),
        };
        self.list.of.map_or(own.clone(), |(parent, name)| format!("{own} of {} {name}", parent.word))
    }

    /// Its path in the API.
    pub fn url(self, cluster: &ClusterName) -> String {
        format!("{}/{}", self.list.url(cluster), self.name)
    }

    pub fn missing(self) -> ApiError {
        ApiError::not_found(self.list.kind.word, self.name)
    }

    pub fn is(self, item: &Value) -> bool {
        self.list.name_of(item) == Some(self.name)
    }

    pub fn index(self, document: &Value) -> Result<Option<usize>, ApiError> {
        Ok(self.list.items(document)?.iter().position(|item| self.is(item)))
    }

    /// As the document of a topology has it, if it is there; only that is written out.
    pub fn value_in(self, spec: &TopologySpec) -> Result<Option<Value>, ApiError> {
        let (kind, name) = self.list.of.unwrap_or((self.list.kind, self.name));
        let found = match kind.list {
            "nodes" => spec.nodes.iter().find(|one| one.name.as_str() == name).map(serde_json::to_value),
            "groups" => spec.groups.iter().find(|one| one.name.as_str() == name).map(serde_json::to_value),
            "hosts" => spec.hosts.iter().find(|one| one.name.as_str() == name).map(serde_json::to_value),
            _ => spec.handlers.iter().find(|one| one.name.as_str() == name).map(serde_json::to_value),
        };
        let found = found.transpose().map_err(|_| ApiError::internal())?;
        let Some((parent, name)) = self.list.of else { return Ok(found) };
        let parent = found.ok_or_else(|| ApiError::not_found(parent.word, name))?;
        let parts = parent.get(self.list.kind.list).and_then(Value::as_array);
        Ok(parts.into_iter().flatten().find(|item| self.is(item)).cloned())
    }

    /// The change that last touched it, if it is there.
    pub fn found(self, stored: &Stored) -> Result<Option<Generation>, ApiError> {
        // Of a part the generation is that of a whole which may be there without it.
        let absent = self.list.of.is_some() && self.value_in(&stored.spec)?.is_none();
        Ok(self.generation(&stored.objects).filter(|_| !absent))
    }

    /// The change that last touched it or, for a part of an object, that object.
    pub fn generation(self, objects: &Generations) -> Option<Generation> {
        let (kind, name) = self.list.of.unwrap_or((self.list.kind, self.name));
        match kind.list {
            "nodes" => objects.nodes.get(name),
            "groups" => objects.groups.get(name),
            "hosts" => objects.hosts.get(name),
            _ => objects.handlers.get(name),
        }
        .copied()
    }

    /// The object whose generation it has: itself or, for a part, what it is a part of.
    pub fn owner(self) -> Self {
        self.list.of.map_or(self, |(parent, name)| List::of_all(parent).one(name))
    }

    /// Where it stands in the document.
    pub fn pointer(self, document: &Value) -> Result<Option<String>, ApiError> {
        let (list, index) = (self.list.pointer(document)?, self.index(document)?);
        Ok(index.map(|index| format!("{list}/{index}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_what_it_spells() {
        for path in ["nodes/a", "groups/g", "groups/g/resources/r", "hosts/h", "hosts/h/instances/n", "handlers/x"] {
            assert!(matches!(Target::of(path), Some(Target::Object(one)) if one.path() == path), "{path}");
        }
        for path in ["", "cluster"] {
            assert!(matches!(Target::of(path), Some(Target::Whole)));
        }
        for path in ["/nodes/a", "nodes", "waivers/R1", "groups/g/hosts/h", "hosts/h/instances/n/x", "resources/r"] {
            assert!(Target::of(path).is_none(), "{path}");
        }
    }
}
