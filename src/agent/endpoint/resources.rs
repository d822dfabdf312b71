//! What did a resource say last?

use std::io;
use std::path::PathBuf;

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Path, Query};
use super::problem::{EndpointError, Problem};
use crate::agent::core::CoreHandle;
use crate::agent::drivers::logs;
use crate::agent::guard::client::ServiceKey;
use crate::domain::{GroupName, HostName, ResourceName};

/// Most lines that are given at once.
const MAX_LINES: usize = 10_000;

/// How much of a log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// How many of the last lines. 1 to 10000.
    #[serde(default = "usual_lines")]
    #[param(minimum = 1, maximum = 10000, default = 200)]
    tail: usize,
}

const fn usual_lines() -> usize {
    200
}

/// The last lines of a resource's log
///
/// Its standard output and error as it wrote them, of all its runs on this node; bytes that are not UTF-8 are replaced.
/// Also of resources that no longer run here. At most the last MiB is looked at.
#[utoipa::path(get, path = "/v1/resources/{group}/{resource}/log", tag = "observation",
    params(
        ("group" = GroupName, Path, description = "The resource's group"),
        ("resource" = ResourceName, Path, description = "The resource"),
        LogQuery,
    ),
    responses(
        (status = 200, description = "The lines, oldest first", body = String, content_type = "text/plain"),
        (status = 400, description = "`tail` is not a number from 1 to 10000", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The resource has no log on this node", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "The log can't be read", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get_resource_log(
    State(core): State<CoreHandle>,
    Path((group, resource)): Path<(GroupName, ResourceName)>,
    Query(LogQuery { tail }): Query<LogQuery>,
) -> Result<String, EndpointError> {
    check(tail)?;
    let what = format!("resource {resource} of group {group}");
    last_lines(core.log_path(&ServiceKey::Resource { group, resource }), tail, &what).await
}

/// The last lines of the log of a host's instance
///
/// Of an instance that runs here beside those on other nodes: a clustered host is a resource of its group. Otherwise as
/// for resources.
#[utoipa::path(get, path = "/v1/instances/{host}/log", tag = "observation",
    params(("host" = HostName, Path, description = "The host"), LogQuery),
    responses(
        (status = 200, description = "The lines, oldest first", body = String, content_type = "text/plain"),
        (status = 400, description = "`tail` is not a number from 1 to 10000", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The host has no log on this node", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "The log can't be read", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get_instance_log(
    State(core): State<CoreHandle>,
    Path(host): Path<HostName>,
    Query(LogQuery { tail }): Query<LogQuery>,
) -> Result<String, EndpointError> {
    check(tail)?;
    let what = format!("the instance of {host}");
    last_lines(core.log_path(&ServiceKey::Instance { host }), tail, &what).await
}

fn check(tail: usize) -> Result<(), EndpointError> {
    if (1..=MAX_LINES).contains(&tail) {
        return Ok(());
    }
    Err(EndpointError::bad_request(format!("tail is a number from 1 to {MAX_LINES}, not {tail}")))
}

/// The last `lines` lines of the log of `what`; reading is left to a thread that may wait for the disk.
pub(super) async fn last_lines(path: PathBuf, lines: usize, what: &str) -> Result<String, EndpointError> {
    let read = tokio::task::spawn_blocking(move || logs::tail(&path, lines)).await;
    match read.unwrap_or_else(|cut_off| Err(io::Error::other(cut_off))) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let detail = format!("{what} has no log on this node: it was never started here");
            Err(EndpointError::not_found(detail))
        }
        Err(error) => {
            tracing::error!(%error, what, "a log can't be read");
            Err(EndpointError::internal(format!("the log of {what} can't be read: {error}")))
        }
    }
}
