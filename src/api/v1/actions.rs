//! What does an operator do to groups and nodes? Each action is an operation: accepted at once, ended by a plan.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::operations::until_ended;
use super::{Wait, bounded};
use crate::api::AppState;
use crate::api::extract::{Body, Caller, Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::{ActionRequest, MoveRequest, Problem};
use crate::domain::{
    Actor, ClusterName, GroupName, HumanDuration, NodeName, NodeState, Operation, OperationKind, OperationState,
};
use crate::store::NewOperation;

/// An action as it came in.
struct Action {
    cluster: ClusterName,
    kind: OperationKind,
    target: String,
    request: MoveRequest,
    actor: Actor,
    wait: Option<HumanDuration>,
}

async fn accept(state: &AppState, action: Action) -> Result<Response, ApiError> {
    let Action { cluster, kind, target, request: MoveRequest { to, reason }, actor, wait } = action;
    let new = NewOperation { id: state.ids.next_id(), kind, target, to, reason, actor, at: state.clock.now() };
    let accepted = state.store.begin_operation(&cluster, &new).await?;
    state.nudge.cluster(&cluster);
    let operation = match wait {
        Some(_) => until_ended(state, accepted.id, bounded(wait)).await?,
        None => accepted,
    };
    let status = if operation.state == OperationState::Running { StatusCode::ACCEPTED } else { StatusCode::OK };
    let location = format!("/v1/operations/{}", operation.id);
    Ok((status, [(header::LOCATION, location)], Json(operation)).into_response())
}

/// A node that answers runs what it says: nobody's word is needed, and a wrong one would be dangerous.
fn refuse_if_up(state: &AppState, cluster: &ClusterName, node: &NodeName) -> Result<(), ApiError> {
    let view = state.boards.view(cluster);
    let seen = view.as_ref().and_then(|view| view.snapshot.nodes.get(node)).map(|node| node.seen.state);
    match seen {
        Some(NodeState::Up) => {
            Err(ApiError::conflict(format!("{node} answers, so it is not down: drain it if nothing should run there")))
        }
        _ => Ok(()),
    }
}

/// Move a group
///
/// Stops it where it runs and starts it on the named node, or on the best other one. An operation, never a constraint left behind.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/move", tag = "actions",
    params(("cluster" = ClusterName, Path), ("group" = GroupName, Path), Wait), request_body = MoveRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or group", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn move_group(
    State(state): State<AppState>,
    Path((cluster, group)): Path<(ClusterName, GroupName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<MoveRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (group.to_string(), OperationKind::Move);
    accept(&state, Action { cluster, kind, target, request, actor, wait }).await
}

/// Want a group online
///
/// It starts on the best node.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/online", tag = "actions",
    params(("cluster" = ClusterName, Path), ("group" = GroupName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or group", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn online_group(
    State(state): State<AppState>,
    Path((cluster, group)): Path<(ClusterName, GroupName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (group.to_string(), OperationKind::Online);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}

/// Want a group offline
///
/// It stops and stays so.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/offline", tag = "actions",
    params(("cluster" = ClusterName, Path), ("group" = GroupName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or group", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn offline_group(
    State(state): State<AppState>,
    Path((cluster, group)): Path<(ClusterName, GroupName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (group.to_string(), OperationKind::Offline);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}

/// Forget that a group failed
///
/// It begins again at once, with a whole failover budget.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/groups/{group}/reset", tag = "actions",
    params(("cluster" = ClusterName, Path), ("group" = GroupName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or group", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn reset_group(
    State(state): State<AppState>,
    Path((cluster, group)): Path<(ClusterName, GroupName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (group.to_string(), OperationKind::Reset);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}

/// Place nothing new on a node
///
/// It keeps what it runs.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/pause", tag = "actions",
    params(("cluster" = ClusterName, Path), ("node" = NodeName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or node", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn pause_node(
    State(state): State<AppState>,
    Path((cluster, node)): Path<(ClusterName, NodeName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (node.to_string(), OperationKind::Pause);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}

/// Move everything off a node
///
/// And place nothing new on it.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/drain", tag = "actions",
    params(("cluster" = ClusterName, Path), ("node" = NodeName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or node", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn drain_node(
    State(state): State<AppState>,
    Path((cluster, node)): Path<(ClusterName, NodeName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (node.to_string(), OperationKind::Drain);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}

/// Let a node run groups again
///
/// Nothing moves back by itself.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/resume", tag = "actions",
    params(("cluster" = ClusterName, Path), ("node" = NodeName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or node", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn resume_node(
    State(state): State<AppState>,
    Path((cluster, node)): Path<(ClusterName, NodeName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let (target, kind) = (node.to_string(), OperationKind::Resume);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}

/// Confirm that a silent node runs nothing
///
/// Your word is the release proof: its groups start elsewhere at once. Only for a node that does not answer. If it still runs them, they run twice.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/nodes/{node}/confirm-down", tag = "actions",
    params(("cluster" = ClusterName, Path), ("node" = NodeName, Path), Wait), request_body = ActionRequest, responses(
    (status = 200, description = "It has ended", body = Operation),
    (status = 202, description = "Accepted; Location is the operation", body = Operation),
    (status = 404, description = "There is no such cluster or node", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The node answers", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A rule refuses it", body = Problem, content_type = "application/problem+json"),
))]
pub async fn confirm_node_down(
    State(state): State<AppState>,
    Path((cluster, node)): Path<(ClusterName, NodeName)>,
    Query(Wait { wait }): Query<Wait>,
    Caller(actor): Caller,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    refuse_if_up(&state, &cluster, &node)?;
    let (target, kind) = (node.to_string(), OperationKind::ConfirmDown);
    accept(
        &state,
        Action { cluster, kind, target, request: MoveRequest { to: None, reason: request.reason }, actor, wait },
    )
    .await
}
