//! What do callers of the control plane see? Every route on one page.
//!
//! A handler is a paragraph: look up, apply a rule, one verb of the store, nudge, answer. Nothing waits for a node.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Uri;
use axum::middleware;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::util::MapResponseLayer;
use tower::{Layer as _, ServiceExt as _};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use self::feed::Feeds;
use self::lines::Lines;
use self::parameters::Parameters;
use self::problem::ApiError;
use crate::board::Boards;
use crate::clock::{Clock, IdSource};
use crate::reconciler::Nudge;
use crate::store::Store;

mod accept;
mod answers;
mod around;
mod body;
mod conditional;
mod document;
mod extract;
pub mod feed;
mod fields;
mod health;
pub mod lines;
mod parameters;
mod problem;
mod repeat;
mod report;
mod stream;
mod v1;
pub mod views;

/// What handlers work with.
pub type AppState = Arc<Services>;

/// What the API is made of.
pub struct Services {
    pub store: Arc<dyn Store>,
    pub boards: Arc<Boards>,
    /// Who waits for events.
    pub feeds: Arc<Feeds>,
    /// Where writers stand in line.
    pub lines: Arc<Lines>,
    pub nudge: Nudge,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    /// Renders the metrics of this process.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// Cancelled when the server stops: what waits answers at once.
    pub stopping: CancellationToken,
}

/// The API's document, as `locum openapi control-plane` prints it.
pub fn openapi() -> Value {
    document::finish(&routes().split_for_parts().1)
}

/// The whole API.
pub fn router(services: Services) -> Router {
    let pollers = around::Pollers::new(&services.boards);
    let state = Arc::new(services);
    let (router, document) = routes().split_for_parts();
    let document = document::finish(&document);
    let around = around::Around { state: state.clone(), parameters: Arc::new(Parameters::of(&document)) };
    let shown = document.clone();
    let inner = router
        .route("/openapi.json", get(async move || Json(shown)))
        .merge(SwaggerUi::new("/docs").external_url_unchecked("/docs/openapi.json", document))
        .route("/", get(async || Redirect::temporary("/docs")))
        .fallback(async |uri: Uri| ApiError::no_such_path(uri.path()))
        .layer((TraceLayer::new_for_http(), middleware::from_fn_with_state(around, around::around)))
        .with_state(state);
    let pollers = Arc::new(pollers);
    // Around all routes: no panic reaches a caller, whichever layer it comes from. The short way has nothing that panics.
    let long_way =
        (CatchPanicLayer::custom(panicked), MapResponseLayer::new(around::name_allowed_methods)).layer(inner);
    let router = Router::new().fallback(async move |request: Request| match pollers.answer(&request) {
        Some(response) => response,
        None => long_way.oneshot(request).await.into_response(),
    });
    // Whoever serves it need not make the handler anew for every call.
    router.with_state(())
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::head())
        .merge(whole())
        .merge(objects())
        .merge(hosts())
        .merge(marks())
        .merge(questions())
        .merge(actions())
        .merge(history())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// Clusters, and all that is wanted of one.
fn whole() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::clusters::list_clusters, v1::clusters::create_cluster))
        .routes(routes!(
            v1::clusters::get_cluster,
            v1::clusters::put_cluster,
            v1::clusters::patch_cluster,
            v1::clusters::delete_cluster
        ))
        .routes(routes!(v1::topology::get_topology, v1::topology::put_topology))
}

/// Nodes and groups, one by one.
fn objects() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::nodes::list_nodes, v1::nodes::create_node))
        .routes(routes!(v1::nodes::get_node, v1::nodes::put_node, v1::nodes::patch_node, v1::nodes::delete_node))
        .routes(routes!(v1::groups::list_groups, v1::groups::create_group))
        .routes(routes!(
            v1::groups::get_group,
            v1::groups::put_group,
            v1::groups::patch_group,
            v1::groups::delete_group
        ))
        .routes(routes!(v1::resources::list_resources, v1::resources::create_resource))
        .routes(routes!(
            v1::resources::get_resource,
            v1::resources::put_resource,
            v1::resources::patch_resource,
            v1::resources::delete_resource
        ))
}

/// Hosts, likewise, and what belongs to them.
fn hosts() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::hosts::list_hosts, v1::hosts::create_host))
        .routes(routes!(v1::hosts::get_host, v1::hosts::put_host, v1::hosts::patch_host, v1::hosts::delete_host))
        .routes(routes!(v1::instances::list_instances, v1::instances::create_instance))
        .routes(routes!(
            v1::instances::get_instance,
            v1::instances::put_instance,
            v1::instances::patch_instance,
            v1::instances::delete_instance
        ))
        .routes(routes!(v1::handlers::list_handlers, v1::handlers::create_handler))
        .routes(routes!(
            v1::handlers::get_handler,
            v1::handlers::put_handler,
            v1::handlers::patch_handler,
            v1::handlers::delete_handler
        ))
}

/// Clustering of hosts, and what somebody takes upon himself.
fn marks() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::clustering::cluster_host))
        .routes(routes!(v1::clustering::uncluster_host))
        .routes(routes!(v1::advice::get_advice))
        .routes(routes!(v1::advice::put_waiver))
        .routes(routes!(v1::advice::delete_waiver))
        .routes(routes!(v1::maintenance::begin_cluster_maintenance, v1::maintenance::end_cluster_maintenance))
        .routes(routes!(v1::maintenance::begin_node_maintenance, v1::maintenance::end_node_maintenance))
        .routes(routes!(v1::maintenance::begin_group_maintenance, v1::maintenance::end_group_maintenance))
        .routes(routes!(v1::common_dependencies::mark_down, v1::common_dependencies::mark_up))
}

/// What is seen, and what would be.
fn questions() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::status::get_status))
        .routes(routes!(v1::active::get_active))
        .routes(routes!(v1::plan::plan_what_if))
        .routes(routes!(v1::plan::get_resilience))
        .routes(routes!(v1::explain::explain_group))
}

/// What an operator does.
fn actions() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::actions::move_group))
        .routes(routes!(v1::actions::online_group))
        .routes(routes!(v1::actions::offline_group))
        .routes(routes!(v1::actions::reset_group))
        .routes(routes!(v1::actions::pause_node))
        .routes(routes!(v1::actions::drain_node))
        .routes(routes!(v1::actions::resume_node))
        .routes(routes!(v1::actions::confirm_node_down))
        .routes(routes!(v1::operations::list_operations))
        .routes(routes!(v1::operations::get_operation))
        .routes(routes!(v1::operations::cancel_operation))
}

/// What happened, and who wanted it.
fn history() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(v1::history::list_failovers))
        .routes(routes!(v1::history::get_failover))
        .routes(routes!(v1::history::acknowledge_failover))
        .routes(routes!(v1::replay::replay_failover))
        .routes(routes!(v1::statistics::get_statistics))
        .routes(routes!(v1::statistics::get_timeline))
        .routes(routes!(v1::changes::list_changes, v1::batch::apply_changes))
        .routes(routes!(v1::changes::get_change))
        .routes(routes!(v1::changes::revert))
        .routes(routes!(v1::events::list_events))
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = said.unwrap_or("no message"), "a handler panicked: this is a defect");
    ApiError::internal().into_response()
}
