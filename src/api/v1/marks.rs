//! How is a mark set that lasts until a time: maintenance, or the word that something is down? It is part of what is wanted.

use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;

use super::edit::{self, Made};
use super::kinds::One;
use super::{precondition, written};
use crate::api::AppState;
use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::api::views::MarkRequest;
use crate::domain::{Actor, ChangeAction, ClusterName, DependencyName, Finding, Generation, HumanDuration};
use crate::store::{Expect, Stored};

/// What is marked: the field that is set, and whose.
pub struct Mark<'a> {
    pub cluster: &'a ClusterName,
    pub of: Of<'a>,
    /// `begin_maintenance`, `mark_up`.
    pub action: ChangeAction,
    /// `began maintenance of node bts1`.
    pub message: String,
}

/// The object that has the field.
pub enum Of<'a> {
    Cluster,
    Object(One<'a>),
    Dependency(&'a DependencyName),
}

impl Of<'_> {
    pub fn words(&self) -> String {
        match self {
            Self::Cluster => "the cluster".to_owned(),
            Self::Object(one) => one.words(),
            Self::Dependency(name) => format!("common dependency {name}"),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Cluster => "cluster".to_owned(),
            Self::Object(one) => one.path(),
            Self::Dependency(name) => format!("common_dependencies/{name}"),
        }
    }

    const fn field(&self) -> &'static str {
        if matches!(self, Self::Dependency(_)) { "down" } else { "maintenance" }
    }

    /// Where the object stands that has the field.
    fn pointer(&self, stored: &Stored, document: &Value) -> Result<String, ApiError> {
        match self {
            Self::Cluster => Ok(String::new()),
            Self::Object(one) => one.pointer(document)?.ok_or_else(|| one.missing()),
            Self::Dependency(name) => {
                let index = stored.spec.common_dependencies.iter().position(|dependency| dependency.name == **name);
                let index = index.ok_or_else(|| ApiError::not_found("common dependency", name.as_str()))?;
                Ok(format!("/common_dependencies/{index}"))
            }
        }
    }

    fn generation(&self, stored: &Stored) -> Generation {
        match self {
            Self::Object(one) => one.generation(&stored.objects).unwrap_or_default(),
            Self::Cluster | Self::Dependency(_) => stored.generation,
        }
    }
}

/// Sets the field, or clears it.
pub async fn write(state: &AppState, mark: Mark<'_>, asked: Edit, value: Option<Value>) -> Result<Response, ApiError> {
    let Mark { cluster, of, action, message } = mark;
    let field = of.field();
    let change = |stored: &Stored, document: &mut Value| {
        let at = of.pointer(stored, document)?;
        let object = document.pointer_mut(&at).and_then(Value::as_object_mut).ok_or_else(ApiError::internal)?;
        let marked = asked.expect != Expect::Absent || object.contains_key(field);
        asked.expect.check("mark on", &of.path(), marked.then(|| of.generation(stored)))?;
        let unsaid = precondition::unsaid(stored, &asked, || Some(of.generation(stored)));
        match value.clone() {
            Some(value) => drop(object.insert(field.to_owned(), value)),
            None => drop(object.remove(field)),
        }
        Ok(Made { at: format!("{at}/{field}").into(), action, object: of.path(), message: message.clone(), unsaid })
    };
    edit::edit(state, cluster, &asked, change, |done| {
        let found = of.generation(&done.before);
        written::answer(done, value.clone(), Some(found), asked.dry_run)
    })
    .await
}

/// Until when, and who and why, with all that is wrong with what was asked.
pub fn checked(request: MarkRequest, actor: &Actor, now: Timestamp) -> Result<(String, String, Timestamp), ApiError> {
    let MarkRequest { owner, reason, until, length } = request;
    let reason = reason.ok_or_else(|| Finding::new("/reason", "missing_field", "say why, for those who find it"));
    match (reason, end("until", until, length, now)) {
        (Ok(reason), Ok(until)) => Ok((owner.unwrap_or_else(|| actor.0.clone()), reason, until)),
        (reason, until) => Err(ApiError::invalid(reason.err().into_iter().chain(until.err()).collect())),
    }
}

/// When something ends that lasts until a moment, which the field `named` says, or `for` a length of time.
pub fn end(
    named: &str,
    moment: Option<Timestamp>,
    length: Option<HumanDuration>,
    now: Timestamp,
) -> Result<Timestamp, Finding> {
    let wrong = |field: &str, code: &str, detail: String| Err(Finding::new(format!("/{field}"), code, detail));
    match (moment, length) {
        (Some(moment), None) if moment > now => Ok(moment),
        (Some(_), None) => {
            wrong(named, "bad_time", "it is over already; name a moment that is still to come".to_owned())
        }
        (None, Some(length)) if length.get().is_zero() => {
            wrong("for", "bad_time", "it would be over at once; say how long, like \"2h\"".to_owned())
        }
        // A moment beyond the end of time is the end of time.
        (None, Some(length)) => Ok(now.checked_add(length.get()).unwrap_or(Timestamp::MAX)),
        (Some(_), Some(_)) => wrong("for", "duplicate_field", format!("say `{named}` or `for`, not both")),
        (None, None) => {
            let detail = format!("say how long, like {{\"for\": \"2h\"}}, or until when, as `{named}`");
            wrong("for", "missing_field", detail)
        }
    }
}
