//! How is one object of the topology read and written? The same for every kind.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::edit::{self, Answer, Made, Reach, document};
use super::hosts::with_what_is_seen;
use super::kinds::{GROUP, List, One};
use super::references;
use crate::api::AppState;
use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::api::views::{Page, READ_ONLY};
use crate::domain::{ClusterName, Finding, Generation, TopologySpec};
use crate::store::Stored;

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
    answer(list, stored.generation, &Page { items, next_cursor: None })
}

/// One object.
pub async fn get(state: &AppState, cluster: &ClusterName, one: One<'_>) -> Result<Response, ApiError> {
    let stored = state.store.topology(cluster).await?;
    let value = one.value_in(&stored.spec)?.ok_or_else(|| one.missing())?;
    let generation = one.generation(&stored.objects).unwrap_or_default();
    let value = view(state, &stored.spec, one, value, generation);
    answer(one.list, generation, &value)
}

/// With an ETag that changes whenever the body may: what is seen of hosts is in theirs, behind the generation.
fn answer(list: List<'_>, generation: Generation, body: &impl Serialize) -> Result<Response, ApiError> {
    let mut answer = Answer::new(StatusCode::OK, generation, body)?;
    if shows_what_is_seen(list) {
        answer.tag_body(generation);
    }
    Ok(answer.into_response())
}

fn shows_what_is_seen(list: List<'_>) -> bool {
    ["hosts", "instances"].contains(&list.kind.list)
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
    if !patch.is_object() {
        let detail = "a merge patch is a JSON object with the fields to change; null removes one";
        return Err(ApiError::invalid(vec![Finding::new("", "wrong_type", detail)]));
    }
    write(state, cluster, one, asked, |present| {
        let mut patched = present.cloned().ok_or_else(|| one.missing())?;
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
    let change = |stored: &Stored, document: &mut Value| {
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
    };
    edit::edit_within(state, cluster, &asked, reach(one), change, |done| {
        let found = one.value_in(&done.before.spec)?.and_then(|_| one.generation(&done.before.objects));
        let generation = if done.changed && !asked.dry_run { done.generation } else { found.unwrap_or_default() };
        let object = of_spec(state, &done.spec, one, generation)?;
        edit::answer(done, object, found, asked.dry_run)
    })
    .await
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
    let change = |stored: &Stored, document: &mut Value| {
        let found = one.found(stored, document)?.ok_or_else(|| one.missing())?;
        edit::expected(one.list.kind.word, one.name, Some(found), asked.expect)?;
        references::refuse_if_needed(&stored.spec, one)?;
        one.list.items_mut(document)?.retain(|item| !one.is(item));
        let message = format!("deleted {}", one.words());
        Ok(Made { at: one.list.pointer(document)?, action: one.list.kind.delete, object: one.path(), message })
    };
    edit::edit(state, cluster, &asked, change, |done| {
        let found = one.generation(&done.before.objects);
        edit::answer(done, None, found, asked.dry_run)
    })
    .await
}

/// What a change of it may touch.
fn reach(one: One<'_>) -> Reach<'_> {
    match one.list.of.unwrap_or((one.list.kind, one.name)) {
        (kind, name) if *kind == GROUP => Reach::Group(name),
        _ => Reach::Whole,
    }
}

/// An object of a topology as readers see it, if it is there.
pub fn of_spec(
    state: &AppState,
    spec: &TopologySpec,
    one: One<'_>,
    generation: Generation,
) -> Result<Option<Value>, ApiError> {
    Ok(one.value_in(spec)?.map(|value| view(state, spec, one, value, generation)))
}

/// An object as readers see it.
fn view(state: &AppState, spec: &TopologySpec, one: One<'_>, mut value: Value, generation: Generation) -> Value {
    if shows_what_is_seen(one.list) {
        value = with_what_is_seen(state, spec, one, value);
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
