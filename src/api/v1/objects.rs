//! How is one object of the topology read and written? The same for every kind.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;

use super::edit::{self, Made, Reach, document};
use super::hosts::with_what_is_seen;
use super::kinds::{GROUP, List, One};
use super::lists::{Asked, Entry};
use super::writing::{self, Step};
use super::written::{self, Answer};
use super::{changes, cursors, precondition, references};
use crate::api::AppState;
use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::domain::{ClusterName, Finding, Generation, TopologySpec};
use crate::store::{Expect, Stored};

/// A page of the objects of a list.
pub async fn list(
    state: &AppState,
    cluster: &ClusterName,
    list: List<'_>,
    asked: &Asked,
) -> Result<Response, ApiError> {
    let stored = state.store.topology(cluster).await?;
    let document = document(&stored.spec)?;
    let entry = |value| {
        let name = list.name_of(value).unwrap_or_default();
        Entry { name, generation: list.one(name).generation(&stored.objects).unwrap_or_default(), value }
    };
    let mut entries: Vec<Entry<'_>> = list.items(&document)?.iter().map(entry).collect();
    asked.sort(&mut entries);
    if let Some(mark) = &asked.after {
        // The document that the first page was made of: itself, unless others have written since.
        let first = if asked.is_by_document() && mark.generation != stored.generation {
            Some(
                changes::at(state, cluster, mark.generation)
                    .await?
                    .and_then(|change| change.after)
                    .ok_or_else(unknown)?,
            )
        } else {
            None
        };
        let stood = list.items(first.as_ref().unwrap_or(&document)).map_err(|_| unknown())?;
        let names: Vec<&str> = stood.iter().filter_map(|item| list.name_of(item)).collect();
        asked.go_on(mark, &names, &mut entries);
    }
    let page = asked.page(&entries, stored.generation, |entry| {
        view(state, &stored.spec, list.one(entry.name), entry.value.clone(), entry.generation)
    });
    let response = answer(list, stored.generation, &asked.fields.shown(&page)?)?;
    Ok(asked.fields.mark(response))
}

fn unknown() -> ApiError {
    cursors::refused("nobody knows the document any more that this cursor was made of: begin without one")
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
        answer.tag_seen(generation, body)?;
    }
    Ok(answer.into_response())
}

fn shows_what_is_seen(list: List<'_>) -> bool {
    ["hosts", "instances"].contains(&list.kind.list)
}

/// Creates an object of the name in the body, where there is none.
pub async fn create(
    state: &AppState,
    cluster: &ClusterName,
    list: List<'_>,
    asked: Edit,
    body: Value,
) -> Result<Response, ApiError> {
    let key = list.kind.key;
    let Some(name) = body.get(key).and_then(Value::as_str).map(str::to_owned) else {
        let detail =
            format!("the field `{key}` is needed here, as a text: it is what the new {} is called by", list.kind.word);
        return Err(ApiError::invalid(vec![Finding::new(format!("/{key}"), "missing_field", detail)]));
    };
    write(state, cluster, list.one(&name), Edit { expect: Expect::Absent, ..asked }, &Step::Put(&body)).await
}

/// Makes a change of one object.
pub async fn write(
    state: &AppState,
    cluster: &ClusterName,
    one: One<'_>,
    asked: Edit,
    step: &Step<'_>,
) -> Result<Response, ApiError> {
    let change = |stored: &Stored, document: &mut Value| {
        let gone = writing::change(stored, document, one, step, asked.expect)?;
        gone.map_or(Ok(()), |gone| references::refuse_if_needed(&stored.spec, one, &gone))?;
        let (at, action, verb) = match step {
            Step::Delete => (one.list.pointer(document)?, one.list.kind.delete, "deleted"),
            _ => (one.pointer(document)?.unwrap_or_default(), one.list.kind.put, "put"),
        };
        let unsaid = precondition::unsaid(stored, &asked, || one.found(stored).ok().flatten());
        Ok(Made { at: at.into(), action, object: one.path(), message: format!("{verb} {}", one.words()), unsaid })
    };
    edit::edit_within(state, cluster, (&asked, reach(one)), change, |done| {
        let found = one.found(&done.before)?;
        let generation = if done.changed && !asked.dry_run { done.generation } else { found.unwrap_or_default() };
        let object = of_spec(state, &done.spec, one, generation)?;
        let seen = seen_in(one, object.as_ref(), asked.dry_run);
        let mut answer = written::answer(done, object, found, asked.dry_run)?.at(&one.url(cluster));
        seen.map_or(Ok(()), |seen| answer.tag_seen(generation, &seen))?;
        Ok(answer)
    })
    .await
}

/// What the ETag of an object that was written changes with, beside its generation.
pub fn seen_in(one: One<'_>, object: Option<&Value>, dry_run: bool) -> Option<Value> {
    object.filter(|_| shows_what_is_seen(one.list) && !dry_run).cloned()
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
