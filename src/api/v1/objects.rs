//! How is one object of the topology read and written? The same for every kind.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};

use super::edit::{self, Made, etag};
use super::hosts::with_what_is_seen;
use super::references;
use crate::api::AppState;
use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::api::views::{Page, READ_ONLY};
use crate::domain::{ChangeAction, ClusterName, Finding, Generation, TopologySpec};
use crate::store::{Generations, Stored};

/// A kind of object.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub word: &'static str,
    /// The field of the document, or of the parent, that lists them.
    list: &'static str,
    /// The field that tells one from the others.
    key: &'static str,
    /// Fields that keep their value where a PUT has none.
    kept: &'static [&'static str],
    put: ChangeAction,
    delete: ChangeAction,
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

    /// Where it stands in the document, which may have no such list.
    fn pointer(self, document: &Value) -> Result<String, ApiError> {
        let Some((parent, name)) = self.of else { return Ok(format!("/{}", self.kind.list)) };
        let index = List::of_all(parent).one(name).index(document)?;
        let index = index.ok_or_else(|| ApiError::not_found(parent.word, name))?;
        Ok(format!("/{}/{index}/{}", parent.list, self.kind.list))
    }

    fn items(self, document: &Value) -> Result<&[Value], ApiError> {
        let list = document.pointer(&self.pointer(document)?);
        Ok(list.and_then(Value::as_array).map_or(&[], Vec::as_slice))
    }

    fn items_mut(self, document: &mut Value) -> Result<&mut Vec<Value>, ApiError> {
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

    pub fn missing(self) -> ApiError {
        ApiError::not_found(self.list.kind.word, self.name)
    }

    fn is(self, item: &Value) -> bool {
        item.get(self.list.kind.key).and_then(Value::as_str) == Some(self.name)
    }

    fn index(self, document: &Value) -> Result<Option<usize>, ApiError> {
        Ok(self.list.items(document)?.iter().position(|item| self.is(item)))
    }

    pub fn value(self, document: &Value) -> Result<Option<Value>, ApiError> {
        Ok(self.list.items(document)?.iter().find(|item| self.is(item)).cloned())
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

    /// Where it stands in the document.
    pub fn pointer(self, document: &Value) -> Result<Option<String>, ApiError> {
        let (list, index) = (self.list.pointer(document)?, self.index(document)?);
        Ok(index.map(|index| format!("{list}/{index}")))
    }

    /// That generation, if it is in the document.
    fn found(self, stored: &Stored, document: &Value) -> Result<Option<Generation>, ApiError> {
        Ok(self.index(document)?.and_then(|_| self.generation(&stored.objects)))
    }
}

/// All objects of a list, in the order of the document.
pub async fn list(state: &AppState, cluster: &ClusterName, list: List<'_>) -> Result<Response, ApiError> {
    let stored = state.store.topology(cluster).await?;
    let document = document(&stored.spec)?;
    let view = |item: &Value| {
        let name = item.get(list.kind.key).and_then(Value::as_str).unwrap_or_default();
        let generation = list.one(name).generation(&stored.objects).unwrap_or_default();
        view(state, &stored.spec, list.one(name), item.clone(), generation)
    };
    let items: Vec<Value> = list.items(&document)?.iter().map(view).collect();
    Ok(Json(Page { items, next_cursor: None }).into_response())
}

/// One object.
pub async fn get(state: &AppState, cluster: &ClusterName, one: One<'_>) -> Result<Response, ApiError> {
    let stored = state.store.topology(cluster).await?;
    let document = document(&stored.spec)?;
    let value = one.value(&document)?.ok_or_else(|| one.missing())?;
    let generation = one.generation(&stored.objects).unwrap_or_default();
    let value = view(state, &stored.spec, one, value, generation);
    Ok(([(header::ETAG, etag(generation))], Json(value)).into_response())
}

/// Creates or replaces an object. What an operator set stays where the body says nothing of it.
pub async fn put(
    state: &AppState,
    cluster: &ClusterName,
    one: One<'_>,
    asked: Edit,
    body: Value,
) -> Result<Response, ApiError> {
    write(state, cluster, one, asked, |present| {
        let mut body = body.clone();
        if let (Some(fields), Some(present)) = (body.as_object_mut(), present) {
            for kept in one.list.kind.kept.iter().filter_map(|field| Some((*field, present.get(*field)?))) {
                fields.entry(kept.0).or_insert_with(|| kept.1.clone());
            }
        }
        Ok(body)
    })
    .await
}

/// Changes an object by a merge patch.
pub async fn patch(
    state: &AppState,
    cluster: &ClusterName,
    one: One<'_>,
    asked: Edit,
    patch: Value,
) -> Result<Response, ApiError> {
    write(state, cluster, one, asked, |present| {
        let mut patched = present.cloned().ok_or_else(|| one.missing())?;
        if !patch.is_object() {
            let detail = "a merge patch is a JSON object with the fields to change; null removes one";
            return Err(ApiError::invalid(vec![Finding::new("", "wrong_type", detail)]));
        }
        merge(&mut patched, patch.clone());
        Ok(patched)
    })
    .await
}

/// A merge patch as RFC 7396 has it.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), value);
        }
    }
}

async fn write(
    state: &AppState,
    cluster: &ClusterName,
    one: One<'_>,
    asked: Edit,
    make: impl Fn(Option<&Value>) -> Result<Value, ApiError>,
) -> Result<Response, ApiError> {
    let done = edit::edit(state, cluster, &asked, |stored, document| {
        let found = one.found(stored, document)?;
        edit::expected(one.list.kind.word, one.name, found, asked.expect)?;
        let index = one.index(document)?;
        let items = one.list.items_mut(document)?;
        let mut body = make(index.and_then(|index| items.get(index)))?;
        name(&mut body, one)?;
        let index = index.unwrap_or(items.len());
        match items.get_mut(index) {
            Some(item) => *item = body,
            None => items.push(body),
        }
        let (at, message) = (format!("{}/{index}", one.list.pointer(document)?), format!("put {}", one.words()));
        Ok(Made { at, action: one.list.kind.put, object: one.path(), message })
    })
    .await?;
    let before = document(&done.before.spec)?;
    let found = one.found(&done.before, &before)?;
    let generation = if done.changed && !asked.dry_run { done.generation } else { found.unwrap_or_default() };
    let object = of_spec(state, &done.spec, one, generation)?;
    Ok(edit::answer(done, object, found, asked.dry_run))
}

/// Takes the name from the path where the body has none, and drops what only reads.
fn name(body: &mut Value, one: One<'_>) -> Result<(), ApiError> {
    let Some(fields) = body.as_object_mut() else { return Ok(()) };
    READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
    if let Some(instances) = fields.get_mut("instances").and_then(Value::as_array_mut) {
        let instances = instances.iter_mut().filter_map(Value::as_object_mut);
        instances.for_each(|instance| READ_ONLY.iter().for_each(|field| drop(instance.remove(*field))));
    }
    let key = one.list.kind.key;
    match fields.get(key) {
        None => drop(fields.insert(key.to_owned(), Value::from(one.name))),
        Some(name) if name.as_str().is_some_and(|name| name != one.name) => {
            let detail = format!("the body names {name}, and the path {:?}: they must be the same", one.name);
            return Err(ApiError::invalid(vec![Finding::new(format!("/{key}"), "other_name", detail)]));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Deletes an object that nothing refers to.
pub async fn delete(state: &AppState, cluster: &ClusterName, one: One<'_>, asked: Edit) -> Result<Response, ApiError> {
    let done = edit::edit(state, cluster, &asked, |stored, document| {
        let found = one.found(stored, document)?.ok_or_else(|| one.missing())?;
        edit::expected(one.list.kind.word, one.name, Some(found), asked.expect)?;
        references::refuse_if_needed(&stored.spec, one)?;
        one.list.items_mut(document)?.retain(|item| !one.is(item));
        let message = format!("deleted {}", one.words());
        Ok(Made { at: one.list.pointer(document)?, action: one.list.kind.delete, object: one.path(), message })
    })
    .await?;
    let found = one.generation(&done.before.objects);
    Ok(edit::answer(done, None, found, asked.dry_run))
}

fn document(spec: &TopologySpec) -> Result<Value, ApiError> {
    serde_json::to_value(spec).map_err(|_| ApiError::internal())
}

/// An object of a topology as readers see it, if it is there.
pub fn of_spec(
    state: &AppState,
    spec: &TopologySpec,
    one: One<'_>,
    generation: Generation,
) -> Result<Option<Value>, ApiError> {
    Ok(one.value(&document(spec)?)?.map(|value| view(state, spec, one, value, generation)))
}

/// An object as readers see it.
fn view(state: &AppState, spec: &TopologySpec, one: One<'_>, mut value: Value, generation: Generation) -> Value {
    match one.list.kind.list {
        "hosts" | "instances" => value = with_what_is_seen(state, spec, one, value),
        _ => {}
    }
    if let Some(fields) = value.as_object_mut().filter(|_| one.list.of.is_none()) {
        fields.insert("generation".to_owned(), Value::from(generation.0));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of RFC 7396, appendix A, as far as the target is an object.
    #[test]
    fn a_merge_patch_is_that_of_the_standard() {
        let table = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [1, 2]}), json!({"a": {"b": null}}), json!({"a": {}})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, expected) in table {
            merge(&mut target, patch.clone());
            assert_eq!(target, expected, "{patch}");
        }
    }
}
