//! How is the control plane itself?

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use metrics::Counter;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::answers::Asking;
use super::problem::ApiError;
use super::views::Problem;

/// It works.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// The program's version.
    pub version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Whether the process answers
///
/// Says nothing of the database or the clusters.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It answers", body = Health), Asking))]
pub async fn healthz() -> Json<Health> {
    Json(OK)
}

/// Whether it can do its work
///
/// The database answers, and every cluster was looked at since the start.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It can", body = Health),
    Asking,
    (status = 503, description = "Not yet, or not at the moment", body = Problem, content_type = "application/problem+json"),
))]
pub async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state.store.ready().await.map_err(|error| {
        tracing::error!(%error, "not ready");
        ApiError::unavailable("the database does not answer; the log says why")
    })?;
    let clusters = state.store.clusters().await?;
    match clusters.iter().find(|head| state.boards.view(&head.name).is_none()) {
        Some(head) => Err(ApiError::unavailable(format!("cluster {} was not looked at yet", head.name))),
        None => Ok(Json(OK)),
    }
}

/// Counters and times
///
/// In the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"), Asking))]
pub async fn metrics(State(state): State<AppState>) -> String {
    for head in state.store.clusters().await.unwrap_or_default() {
        if let Some(view) = state.boards.view(&head.name) {
            for group in &view.status.groups {
                let online = f64::from(u8::from(group.state == crate::domain::GroupState::Online));
                let labels = [("cluster", head.name.to_string()), ("group", group.name.to_string())];
                metrics::gauge!("locum_group_online", &labels).set(online);
            }
            for node in &view.status.nodes {
                let up = f64::from(u8::from(node.state == crate::domain::NodeState::Up));
                let labels = [("cluster", head.name.to_string()), ("node", node.name.to_string())];
                metrics::gauge!("locum_node_up", &labels).set(up);
            }
        }
    }
    state.metrics.render()
}

/// A call that will be counted, by route and status.
pub struct Counted {
    method: Method,
    path: Option<MatchedPath>,
}

impl Counted {
    pub fn of(request: &Request) -> Self {
        Self { method: request.method().clone(), path: request.extensions().get().cloned() }
    }

    pub fn with(self, status: StatusCode) {
        let path = self.path.as_ref().map_or("none", MatchedPath::as_str);
        counter(&self.method, path, status).increment(1);
    }
}

/// What counts the calls of a route that were answered with this status.
pub fn counter(method: &Method, path: &str, status: StatusCode) -> Counter {
    let (method, path, status) = (method.as_str().to_owned(), path.to_owned(), status.as_str().to_owned());
    metrics::counter!("locum_http_requests_total", "method" => method, "path" => path, "status" => status)
}
