//! Where do actions that take time stand?

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Wait, bounded, cursor, limit};
use crate::api::AppState;
use crate::api::answers::{Listing, Reading};
use crate::api::extract::{Path, Query};
use crate::api::problem::ApiError;
use crate::api::views::Page;
use crate::domain::{ClusterName, Operation, OperationState};

/// An operation ends with a plan, which shows on the board; one that ends otherwise is found at this pace.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
    /// 1 to 1000, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the slice before.
    cursor: Option<String>,
}

/// List operations
///
/// Newest first.
#[utoipa::path(get, path = "/v1/operations", tag = "actions", params(Which), responses(
    (status = 200, description = "The operations", body = Page<Operation>),
    Listing,
))]
pub async fn list_operations(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Page<Operation>>, ApiError> {
    let (limit, before) = (limit(which.limit)?, cursor::<Uuid>(which.cursor.as_deref())?);
    let items = state.store.operations(which.cluster.as_ref(), before, limit).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|last| last.id.to_string());
    Ok(Json(Page { items, next_cursor }))
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
    while operation.state == OperationState::Running {
        watcher.borrow_and_update();
        // Once more after the subscription: what ended in between would not wake it.
        operation = state.store.operation(id).await?;
        let now = state.clock.ticks();
        if operation.state != OperationState::Running || now >= deadline || state.stopping.is_cancelled() {
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
