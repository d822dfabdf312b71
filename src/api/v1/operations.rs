//! Where do actions that take time stand, and how is one taken back?

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::cursors::Seal;
use super::{Wait, bounded, clusters, limit};
use crate::api::AppState;
use crate::api::answers::{Listing, Reading, Writing};
use crate::api::extract::{Body, Caller, Path, Query};
use crate::api::fields::Fields;
use crate::api::problem::ApiError;
use crate::api::repeat::Key;
use crate::api::views::{ActionRequest, Page, Problem, SparsePage};
use crate::domain::operation::DEFAULT_TIMEOUT;
use crate::domain::{ClusterName, HumanDuration, Operation, OperationKind, OperationState};
use crate::store::{Cancellation, KeptAnswer, OperationFilter};

/// An operation ends with a plan, which shows on the board; one that ends otherwise is found at this pace.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long an operation may take.
const TIMEOUTS: std::ops::RangeInclusive<HumanDuration> =
    HumanDuration::from_secs(1)..=HumanDuration::from_secs(720 * 60 * 60);

/// The timeout that was asked for, if an operation may have that.
pub fn timeout(asked: Option<HumanDuration>) -> Result<HumanDuration, ApiError> {
    let timeout = asked.unwrap_or(DEFAULT_TIMEOUT);
    let detail = || format!("timeout is from {} to {}, not {timeout}", TIMEOUTS.start(), TIMEOUTS.end());
    TIMEOUTS.contains(&timeout).then_some(timeout).ok_or_else(|| ApiError::bad_request(detail()))
}

/// An operation in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneOperation {
    /// The operation's id.
    id: Uuid,
}

/// Which operations.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only those of this cluster.
    cluster: Option<ClusterName>,
    /// Only those that are in this state.
    #[param(value_type = Option<OperationState>)]
    state: Option<OperationState>,
    /// Only those of this kind.
    #[param(value_type = Option<OperationKind>)]
    kind: Option<OperationKind>,
    /// Only those about the group or node of this name.
    target: Option<String>,
    /// Only those that were asked for then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only those that were asked for before.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only these fields of each item, with commas between them.
    fields: Option<String>,
    /// 1 to 1000, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the slice before.
    cursor: Option<String>,
}

/// List operations
///
/// Newest first.
#[utoipa::path(get, path = "/v1/operations", tag = "actions", params(Which), responses(
    (status = 200, description = "The operations; with fields, what was asked for of each", content(
        (Page<Operation> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json"))),
    Listing,
))]
pub async fn list_operations(State(state): State<AppState>, Query(which): Query<Which>) -> Result<Response, ApiError> {
    let Which { cluster, state: stands, kind, target, since, until, .. } = which;
    let (limit, fields) = (limit(which.limit), Fields::of::<Operation>(which.fields.as_deref())?);
    let mut filter =
        OperationFilter { cluster, state: stands, kind, target, since, until, ..OperationFilter::default() };
    let of = match &filter.cluster {
        Some(cluster) => clusters::id(&state, cluster).await?,
        None => None,
    };
    let seal = Seal::of("/v1/operations", (of, &filter));
    filter.before = seal.place(which.cursor.as_deref())?;
    // With one more, which tells whether there are others.
    filter.limit = limit + 1;
    let found = state.store.operations(&filter).await?;
    fields.answer(Page::of(found, limit, |last| seal.cursor(last.id)))
}

/// Cancel an operation
///
/// Takes it back, as long as nothing was stopped for it: a move whose group is still held by its owner, an online whose
/// group has no owner yet, an offline whose group is not told to stop yet. A drain can be cancelled as long as it runs:
/// what is wanted of the node is what it was before, and groups that have left stay where they are. Else it is refused,
/// with a sentence that says what to do instead. One that is cancelled already is answered as it is.
#[utoipa::path(post, path = "/v1/operations/{id}/cancel", tag = "actions", params(OneOperation),
    request_body = ActionRequest, responses(
    (status = 200, description = "It is cancelled", body = Operation,
        headers(("location" = String, description = "The path of the operation"))),
    Writing,
    (status = 409, description = "It has ended, or something was stopped for it already", body = Problem,
        content_type = "application/problem+json"),
))]
pub async fn cancel_operation(
    State(state): State<AppState>,
    Path(OneOperation { id }): Path<OneOperation>,
    Caller(actor): Caller,
    key: Option<Extension<Key>>,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let found = state.store.operation(id).await?;
    let location = format!("/v1/operations/{id}");
    if found.state == OperationState::Cancelled {
        return Ok(([(header::LOCATION, location)], Json(found)).into_response());
    }
    // Its cluster may be gone by now.
    if let Some(over) = found.over() {
        return Err(ApiError::conflict(over));
    }
    let cluster = found.cluster;
    let at = state.clock.now();
    let kept = |key: Key| KeptAnswer { location: Some(location.clone()), ..key.answer(StatusCode::OK, at) };
    let answer = key.map(|Extension(key)| kept(key));
    let new = Cancellation { id, reason: request.reason, actor, at, answer };
    let cancelled = state.store.cancel_operation(&cluster, &new).await?;
    state.nudge.cluster(&cluster);
    Ok(([(header::LOCATION, location)], Json(cancelled)).into_response())
}

/// Get an operation
///
/// With `wait` the answer is held until it has ended.
#[utoipa::path(get, path = "/v1/operations/{id}", tag = "actions", params(OneOperation, Wait), responses(
    (status = 200, description = "The operation", body = Operation),
    Reading,
))]
pub async fn get_operation(
    State(state): State<AppState>,
    Path(OneOperation { id }): Path<OneOperation>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<Operation>, ApiError> {
    until_ended(&state, id, bounded(wait)).await.map(Json)
}

/// The operation once it has ended, or as it is when `wait` is over.
pub async fn until_ended(state: &AppState, id: Uuid, wait: Duration) -> Result<Operation, ApiError> {
    let deadline = state.clock.ticks().plus(wait);
    let mut operation = state.store.operation(id).await?;
    let mut watcher = state.boards.subscribe(&operation.cluster);
    while operation.is_running() {
        watcher.borrow_and_update();
        // Once more after the subscription: what ended in between would not wake it.
        operation = state.store.operation(id).await?;
        let now = state.clock.ticks();
        if !operation.is_running() || now >= deadline || state.stopping.is_cancelled() {
            break;
        }
        tokio::select! {
            _ = watcher.changed() => {}
            () = state.clock.sleep_until(deadline.min(now.plus(LOOK_AGAIN))) => {}
            () = state.stopping.cancelled() => {}
        }
        operation = state.store.operation(id).await?;
    }
    Ok(operation)
}
