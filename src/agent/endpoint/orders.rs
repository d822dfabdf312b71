//! How does the control plane order, renew and observe?

use axum::Json;
use axum::extract::State;

use super::extract::{Body, Query};
use super::problem::{EndpointError, Problem, RefusedOrder};
use crate::agent::core::CoreHandle;
use crate::wire::{AssignmentRequest, LeaseAnswer, LeaseRequest, Observation, ObservationQuery};

/// Assign the node's whole wanted state
///
/// Answers once the assignment is on disk, not once it is carried out. Groups that it does not name are stopped. The
/// same decision again changes nothing. The grant in it renews the lease as `POST /v1/lease` does.
#[utoipa::path(put, path = "/v1/assignment", tag = "orders", request_body = AssignmentRequest, responses(
    (status = 200, description = "It is applied; what the node runs at the moment", body = Observation),
    (status = 400, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Refused, and nothing was changed; `code` says why", body = RefusedOrder, content_type = "application/problem+json"),
    (status = 413, description = "The body is larger than 8 MiB", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "The body is not sent as application/json", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The body is JSON, but not an assignment", body = Problem, content_type = "application/problem+json"),
    (status = 500, description = "The agent failed, at its disk or by a defect; try again", body = Problem, content_type = "application/problem+json"),
))]
pub async fn put_assignment(
    State(core): State<CoreHandle>,
    Body(request): Body<AssignmentRequest>,
) -> Result<Json<Observation>, EndpointError> {
    Ok(Json(core.assign(request).await?))
}

/// Renew the node's lease
///
/// The time granted counts from the stamp that the request echoes, which the agent itself gave before. Without `echo`
/// or `decision` nothing is granted, and the answer brings a first stamp.
#[utoipa::path(post, path = "/v1/lease", tag = "orders", request_body = LeaseRequest, responses(
    (status = 200, description = "A fresh stamp, what is applied, and what is left of the lease", body = LeaseAnswer),
    (status = 400, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Refused, and nothing was changed; `code` says why", body = RefusedOrder, content_type = "application/problem+json"),
    (status = 413, description = "The body is larger than 8 MiB", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "The body is not sent as application/json", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The body is JSON, but does not ask for a lease", body = Problem, content_type = "application/problem+json"),
    (status = 500, description = "The agent failed, at its disk or by a defect; try again", body = Problem, content_type = "application/problem+json"),
))]
pub async fn renew_lease(
    State(core): State<CoreHandle>,
    Body(request): Body<LeaseRequest>,
) -> Result<Json<LeaseAnswer>, EndpointError> {
    Ok(Json(core.renew(request).await?))
}

/// Observe what the node runs
///
/// With `after` and `wait_ms` it answers once the revision differs from `after`, so that a failure is seen at once, or
/// when the time is up. It answers early when the agent stops.
#[utoipa::path(get, path = "/v1/observation", tag = "observation", params(ObservationQuery), responses(
    (status = 200, description = "What the node runs", body = Observation),
    (status = 400, description = "A parameter is missing or wrong", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Refused; `code` says why", body = RefusedOrder, content_type = "application/problem+json"),
    (status = 500, description = "The agent failed, at its disk or by a defect; try again", body = Problem, content_type = "application/problem+json"),
))]
pub async fn get_observation(
    State(core): State<CoreHandle>,
    Query(query): Query<ObservationQuery>,
) -> Result<Json<Observation>, EndpointError> {
    Ok(Json(core.observe(query).await?))
}
