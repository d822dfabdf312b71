//! Who keeps Locum from acting by itself, and who says that something is down? Both are part of what is wanted, until a time.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::edit::{self, Made};
use super::groups::WantedGroup;
use super::kinds::One;
use super::nodes::WantedNode;
use super::{OneCluster, precondition, written};
use crate::api::AppState;
use crate::api::answers::{Deleting, Replacing};
use crate::api::extract::{Body, DryRun, Edit, Path};
use crate::api::problem::ApiError;
use crate::api::views::{MarkRequest, ObjectResult};
use crate::domain::{Actor, ChangeAction, ClusterName, DependencyName, DownMark, Finding, Generation, Maintenance};
use crate::store::{Expect, Stored};

/// A common dependency in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneDependency {
    /// The cluster's name.
    cluster: ClusterName,
    /// The common dependency's name.
    dependency: DependencyName,
}

/// What is marked: the field that is set, and whose.
struct Mark<'a> {
    cluster: &'a ClusterName,
    of: Of<'a>,
    /// `begin_maintenance`, `mark_up`.
    action: ChangeAction,
    /// `began maintenance of node bts1`.
    message: String,
}

enum Of<'a> {
    Cluster,
    Object(One<'a>),
    Dependency(&'a DependencyName),
}

impl Of<'_> {
    fn words(&self) -> String {
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
async fn write(state: &AppState, mark: Mark<'_>, asked: Edit, value: Option<Value>) -> Result<Response, ApiError> {
    let Mark { cluster, of, action, message } = mark;
    let field = of.field();
    let change = |stored: &Stored, document: &mut Value| {
        let at = of.pointer(stored, document)?;
        let object = document.pointer_mut(&at).and_then(Value::as_object_mut).ok_or_else(ApiError::internal)?;
        let marked = asked.expect != Expect::Absent || object.contains_key(field);
        asked.expect.check("mark on", &of.path(), marked.then(|| of.generation(stored)))?;
        let unsaid = precondition::unsaid(stored, &asked, Some(of.generation(stored)));
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
fn checked(request: MarkRequest, actor: &Actor, now: Timestamp) -> Result<(String, String, Timestamp), ApiError> {
    let mut findings = Vec::new();
    let mut wrong = |at: &str, code: &str, detail: &str| findings.push(Finding::new(at, code, detail));
    let MarkRequest { owner, reason, until, length } = request;
    if reason.is_none() {
        wrong("/reason", "missing_field", "say why, for those who find it");
    }
    let until = match (until, length) {
        (Some(until), None) if until > now => Some(until),
        (Some(_), None) => {
            wrong("/until", "bad_time", "it is over already; name a moment that is still to come");
            None
        }
        // A moment beyond the end of time is the end of time.
        (None, Some(length)) => Some(now.checked_add(length.get()).unwrap_or(Timestamp::MAX)),
        (Some(_), Some(_)) => {
            wrong("/for", "duplicate_field", "say `until` or `for`, not both");
            None
        }
        (None, None) => {
            wrong("/for", "missing_field", "say how long, like {\"for\": \"2h\"}, or until when, as `until`");
            None
        }
    };
    match (reason, until) {
        (Some(reason), Some(until)) => Ok((owner.unwrap_or_else(|| actor.0.clone()), reason, until)),
        _ => Err(ApiError::invalid(findings)),
    }
}

async fn begin(
    state: &AppState,
    cluster: &ClusterName,
    of: Of<'_>,
    asked: Edit,
    request: MarkRequest,
) -> Result<Response, ApiError> {
    let (owner, reason, until) = checked(request, &asked.actor, state.clock.now())?;
    let message = format!("began maintenance of {} until {until}: {reason}", of.words());
    let mark = Mark { cluster, of, action: ChangeAction::BeginMaintenance, message };
    write(state, mark, asked, Some(json!(Maintenance { owner, reason, until }))).await
}

async fn end(state: &AppState, cluster: &ClusterName, of: Of<'_>, asked: Edit) -> Result<Response, ApiError> {
    let message = format!("ended maintenance of {}", of.words());
    write(state, Mark { cluster, of, action: ChangeAction::EndMaintenance, message }, asked, None).await
}

/// Begin maintenance of a cluster
///
/// Until it ends, Locum moves and fails over nothing of it by itself; what an operator asks for is done. One that is there
/// already is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/maintenance", tag = "actions",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Replacing,
))]
pub async fn begin_cluster_maintenance(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    begin(&state, &at.cluster, Of::Cluster, asked, request).await
}

/// End maintenance of a cluster
///
/// What was held back meanwhile is done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/maintenance", tag = "actions",
    params(OneCluster, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    responses(
    (status = 200, description = "It is over, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Deleting,
))]
pub async fn end_cluster_maintenance(
    State(state): State<AppState>,
    Path(at): Path<OneCluster>,
    asked: Edit,
) -> Result<Response, ApiError> {
    end(&state, &at.cluster, Of::Cluster, asked).await
}

/// Begin maintenance of a node
///
/// Until it ends, Locum moves and fails over nothing of it by itself; what an operator asks for is done. One that is there
/// already is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/maintenance", tag = "actions",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the node's ETag")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Replacing,
))]
pub async fn begin_node_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    begin(&state, &at.cluster, Of::Object(at.one()), asked, request).await
}

/// End maintenance of a node
///
/// What was held back meanwhile is done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/nodes/{node}/maintenance", tag = "actions",
    params(WantedNode, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the node's ETag")),
    responses(
    (status = 200, description = "It is over, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Deleting,
))]
pub async fn end_node_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedNode>,
    asked: Edit,
) -> Result<Response, ApiError> {
    end(&state, &at.cluster, Of::Object(at.one()), asked).await
}

/// Begin maintenance of a group
///
/// Until it ends, Locum moves and fails over nothing of it by itself; what an operator asks for is done. One that is there
/// already is replaced.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/maintenance", tag = "actions",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the group's ETag")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Replacing,
))]
pub async fn begin_group_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    begin(&state, &at.cluster, Of::Object(at.one()), asked, request).await
}

/// End maintenance of a group
///
/// What was held back meanwhile is done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/groups/{group}/maintenance", tag = "actions",
    params(WantedGroup, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the group's ETag")),
    responses(
    (status = 200, description = "It is over, or with dry_run: what would happen", body = ObjectResult<Maintenance>),
    Deleting,
))]
pub async fn end_group_maintenance(
    State(state): State<AppState>,
    Path(at): Path<WantedGroup>,
    asked: Edit,
) -> Result<Response, ApiError> {
    end(&state, &at.cluster, Of::Object(at.one()), asked).await
}

/// Say that a common dependency is down
///
/// An operator or an external check says so, and says it again before the time is over. Until then, failovers of groups that
/// need it are held back, because they can't help.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/common-dependencies/{dependency}/down", tag = "actions",
    params(OneDependency, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    request_body = MarkRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<DownMark>),
    Replacing,
))]
pub async fn mark_down(
    State(state): State<AppState>,
    Path(at): Path<OneDependency>,
    asked: Edit,
    Body(request): Body<MarkRequest>,
) -> Result<Response, ApiError> {
    let of = Of::Dependency(&at.dependency);
    let (owner, reason, until) = checked(request, &asked.actor, state.clock.now())?;
    let message = format!("said that {} is down, until {until}: {reason}", of.words());
    let mark = Mark { cluster: &at.cluster, of, action: ChangeAction::MarkDown, message };
    write(&state, mark, asked, Some(json!(DownMark { owner, reason, until }))).await
}

/// Say that a common dependency is no longer down
///
/// Failovers that were held back for it are done now.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}/common-dependencies/{dependency}/down", tag = "actions",
    params(OneDependency, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the ETag of the topology")),
    responses(
    (status = 200, description = "It counts as up, or with dry_run: what would happen", body = ObjectResult<DownMark>),
    Deleting,
))]
pub async fn mark_up(
    State(state): State<AppState>,
    Path(at): Path<OneDependency>,
    asked: Edit,
) -> Result<Response, ApiError> {
    let of = Of::Dependency(&at.dependency);
    let message = format!("said that {} is no longer down", of.words());
    write(&state, Mark { cluster: &at.cluster, of, action: ChangeAction::MarkUp, message }, asked, None).await
}
