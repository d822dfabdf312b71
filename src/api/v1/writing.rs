//! How is one object changed in a document? Put, patched or deleted, if it is what its writer expects to find.

use serde_json::{Map, Value};

use super::kinds::One;
use crate::api::problem::ApiError;
use crate::api::views::READ_ONLY;
use crate::domain::{Finding, Generation};
use crate::store::{Expect, Stored};

/// What is done to an object.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// Created or replaced. What an operator set stays where the body says nothing of it.
    Put(&'a Value),
    /// Changed by a merge patch.
    Patch(&'a Value),
    Delete,
}

/// Makes one change in a document, which was made of what is stored and may have been changed since. Gives what was
/// deleted.
pub fn change(
    stored: &Stored,
    document: &mut Value,
    one: One<'_>,
    step: &Step<'_>,
    expect: Expect,
) -> Result<Option<Value>, ApiError> {
    let index = one.index(document)?;
    // What is there and not stored was made by an earlier change of the same call.
    let found: Option<Generation> = index.map(|_| one.generation(&stored.objects).unwrap_or_default());
    if found.is_none() && !matches!(step, Step::Put(_)) {
        return Err(one.missing());
    }
    expect.check(one.list.kind.word, one.name, found)?;
    let items = one.list.items_mut(document)?;
    let present = index.and_then(|index| items.get(index));
    let new = match (step, present) {
        (Step::Put(body), present) => put((*body).clone(), present, one)?,
        (Step::Patch(patch), Some(present)) => patched(present, patch, one)?,
        (Step::Patch(_) | Step::Delete, None) => return Err(one.missing()),
        (Step::Delete, Some(_)) => return Ok(index.map(|index| items.remove(index))),
    };
    match index.and_then(|index| items.get_mut(index)) {
        Some(item) => *item = new,
        None => items.push(new),
    }
    Ok(None)
}

fn put(mut body: Value, present: Option<&Value>, one: One<'_>) -> Result<Value, ApiError> {
    if let (Some(fields), Some(present)) = (body.as_object_mut(), present) {
        keep(fields, present, one.list.kind.kept);
    }
    named(body, one)
}

/// Gives a body the fields that keep their value where it says nothing of them.
pub fn keep(body: &mut Map<String, Value>, present: &Value, kept: &[&str]) {
    for (field, value) in kept.iter().filter_map(|field| Some((*field, present.get(*field)?))) {
        body.entry(field).or_insert_with(|| value.clone());
    }
}

fn patched(present: &Value, patch: &Value, one: One<'_>) -> Result<Value, ApiError> {
    let mut patched = present.clone();
    merge_object(&mut patched, patch)?;
    named(patched, one)
}

/// Merges a patch that has to be an object, since what it changes is one.
pub fn merge_object(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    if !patch.is_object() {
        let detail = "a merge patch is a JSON object with the fields to change; null removes one";
        return Err(ApiError::invalid(vec![Finding::new("", "wrong_type", detail)]));
    }
    merge(target, patch.clone());
    Ok(())
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

/// Takes the name from the path where the body has none, and drops what only reads.
fn named(mut body: Value, one: One<'_>) -> Result<Value, ApiError> {
    let Some(fields) = body.as_object_mut() else {
        let detail = format!("each of the {} is a JSON object with fields", one.list.kind.list);
        return Err(ApiError::invalid(vec![Finding::new("", "wrong_type", detail)]));
    };
    READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
    if let Some(instances) = fields.get_mut("instances").and_then(Value::as_array_mut) {
        let instances = instances.iter_mut().filter_map(Value::as_object_mut);
        instances.for_each(|instance| READ_ONLY.iter().for_each(|field| drop(instance.remove(*field))));
    }
    let key = one.list.kind.key;
    match fields.get(key) {
        None => drop(fields.insert(key.to_owned(), Value::from(one.name))),
        Some(name) if name.as_str() != Some(one.name) => {
            let detail = format!("the body names {name}, and the path {:?}: they must be the same", one.name);
            return Err(ApiError::invalid(vec![Finding::new(format!("/{key}"), "other_name", detail)]));
        }
        Some(_) => {}
    }
    Ok(body)
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
