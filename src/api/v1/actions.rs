//! What does an operator do to groups and nodes? Each action is an operation: accepted at once, ended by a plan.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::bounded;
use super::operations::{timeout, until_ended};
use super::preview;
use crate::api::AppState;
use crate::api::answers::Writing;
use crate::api::extract::{Body, Caller, Path, Query};
use crate::api::problem::ApiError;
use crate::api::repeat::Key;
use crate::api::views::{ActionRequest, MoveRequest, Problem};
use crate::domain::{Actor, ClusterName, GroupName, HumanDuration, NodeName, NodeState, Operation, OperationKind};
use crate::planner::PlanSummary;
use crate::store::{KeptAnswer, NewOperation};

/// A group in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneGroup {
    /// The cluster's name.
    pub(super) cluster: ClusterName,
    /// The group's name.
    pub(super) group: GroupName,
}

/// A node in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneNode {
    /// The cluster's name.
    cluster: ClusterName,
    /// The node's name.
    node: NodeName,
}

/// How an action is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct How {
    /// Hold the answer until the operation has ended, at most this long: up to 60s.
    #[param(value_type = Option<String>, example = "30s")]
    wait: Option<HumanDuration>,
    /// Answer with the plan, and change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
    /// It fails if it is not done within this time: 1s to 720h, default 24h. That ends the waiting, and changes nothing
    /// that is wanted.
    #[param(value_type = Option<String>, example = "15m")]
    timeout: Option<HumanDuration>,
}

/// How, and by whom.
pub struct Asked {
    how: How,
    actor: Actor,
    key: Option<Key>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(how) = Query::from_request_parts(parts, state).await?;
        let Caller(actor) = Caller::from_request_parts(parts, state).await?;
        let key = parts.extensions.get::<Key>().cloned();
        Ok(Self { how, actor, key })
    }
}

/// What an action answers with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OperationOrPlan {
    /// The operation, ended.
    Operation(Box<Operation>),
    /// With `dry_run`: what it would do.
    Plan(PlanSummary),
}

/// What to do to what.
struct Action {
    cluster: ClusterName,
    kind: OperationKind,
    target: String,
    request: MoveRequest,
}

impl Action {
    fn on_group(kind: OperationKind, at: OneGroup, request: impl Into<MoveRequest>) -> Self {
        Self { cluster: at.cluster, kind, target: at.group.into(), request: request.into() }
    }

    fn on_node(kind: OperationKind, at: OneNode, request: ActionRequest) -> Self {
        Self { cluster: at.cluster, kind, target: at.node.into(), request: request.into() }
    }
}

impl From<ActionRequest> for MoveRequest {
    fn from(ActionRequest { reason }: ActionRequest) -> Self {
        Self { to: None, reason }
    }
}

async fn accept(state: &AppState, asked: Asked, action: Action) -> Result<Response, ApiError> {
    let Asked { how: How { wait, dry_run, timeout: asked }, actor, key } = asked;
    let timeout = timeout(asked)?;
    let Action { cluster, kind, target, request: MoveRequest { to, reason } } = action;
    let (id, at) = (state.ids.next_id(), state.clock.now());
    let location = format!("/v1/operations/{id}");
    let kept = |key: Key| KeptAnswer { location: Some(location.clone()), ..key.answer(StatusCode::ACCEPTED, at) };
    let new = NewOperation { id, kind, target, to, reason, actor, at, timeout, answer: key.map(kept) };
    if dry_run {
        let summary = preview::of_operation(state, &cluster, &new).await?;
        return Ok(Json(OperationOrPlan::Plan(summary)).into_response());
    }
    let accepted = state.store.begin_operation(&cluster, &new).await?;
    state.nudge.cluster(&cluster);
    let operation = match wait {
        Some(_) => until_ended(state, accepted.id, bounded(wait)).await?,
        None => accepted,
    };
    let status = if operation.is_running() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let answer = Json(OperationOrPlan::Operation(Box::new(operation)));
    Ok((status, [(header::LOCATION, location)], answer).into_response())
}

/// A node that answers runs what it says: nobody's word is needed, and a wrong one would be dangerous.
fn refuse_if_up(state: &AppState, at: &OneNode) -> Result<(), ApiError> {
    let view = state.boards.view(&at.cluster);
    match view.as_ref().and_then(|view| view.snapshot.nodes.get(&at.node)).map(|node| node.seen.state) {
        Some(NodeState::Up) => {
            let detail = format!("{} answers, so it is not down: drain it if nothing should run there", at.node);
            Err(ApiError::conflict(detail))
        }
        _ => Ok(()),
    }
}

/// Move a group
///
/// Stops it where it runs and starts it on the named node, or on the best other one. An operation, never a
/// constraint left behind.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/move", tag = "actions",
    params(OneGroup, How), request_body = MoveRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn move_group(
    State(state): State<AppState>,
    Path(at): Path<OneGroup>,
    asked: Asked,
    Body(request): Body<MoveRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_group(OperationKind::Move, at, request)).await
}

/// Want a group online
///
/// It starts on the best node.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/online", tag = "actions",
    params(OneGroup, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn online_group(
    State(state): State<AppState>,
    Path(at): Path<OneGroup>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_group(OperationKind::Online, at, request)).await
}

/// Want a group offline
///
/// It stops and stays so.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/offline", tag = "actions",
    params(OneGroup, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn offline_group(
    State(state): State<AppState>,
    Path(at): Path<OneGroup>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_group(OperationKind::Offline, at, request)).await
}

/// Forget that a group failed
///
/// It begins again at once, with a whole failover budget.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/reset", tag = "actions",
    params(OneGroup, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn reset_group(
    State(state): State<AppState>,
    Path(at): Path<OneGroup>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_group(OperationKind::Reset, at, request)).await
}

/// Place nothing new on a node
///
/// It keeps what it runs.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/pause", tag = "actions",
    params(OneNode, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn pause_node(
    State(state): State<AppState>,
    Path(at): Path<OneNode>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_node(OperationKind::Pause, at, request)).await
}

/// Move everything off a node
///
/// And place nothing new on it.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/drain", tag = "actions",
    params(OneNode, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn drain_node(
    State(state): State<AppState>,
    Path(at): Path<OneNode>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_node(OperationKind::Drain, at, request)).await
}

/// Let a node run groups again
///
/// Nothing moves back by itself.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/resume", tag = "actions",
    params(OneNode, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
))]
pub async fn resume_node(
    State(state): State<AppState>,
    Path(at): Path<OneNode>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    accept(&state, asked, Action::on_node(OperationKind::Resume, at, request)).await
}

/// Confirm that a silent node runs nothing
///
/// Your word is the release proof: its groups start elsewhere at once. Only for a node that does not answer; if it
/// still runs them, they run twice.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/confirm-down", tag = "actions",
    params(OneNode, How), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended; or, with dry_run, what it would do", body = OperationOrPlan),
    (status = 202, description = "Accepted, and not ended yet", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
    (status = 409, description = "The node answers", body = Problem, content_type = "application/problem+json"),))]
pub async fn confirm_node_down(
    State(state): State<AppState>,
    Path(at): Path<OneNode>,
    asked: Asked,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    refuse_if_up(&state, &at)?;
    accept(&state, asked, Action::on_node(OperationKind::ConfirmDown, at, request)).await
}
