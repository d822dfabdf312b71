//! What is seen of a cluster, rendered once for everybody who asks?

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::sse::Event as Frame;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{OneCluster, bounded};
use crate::api::AppState;
use crate::api::answers::Reading;
use crate::api::conditional::Held;
use crate::api::extract::{Path, Query};
use crate::api::problem::ApiError;
use crate::api::stream::{self, Frames, Over};
use crate::api::views::Problem;
use crate::board::{Boards, StatusDocument, View};
use crate::domain::{ClusterName, HumanDuration};

/// A new cluster is looked at within this; until then there is nothing to show.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Since when, and for how long to wait.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// With `wait`: answer once the ETag differs from this one.
    since: Option<String>,
    /// Hold the answer until there is something new, at most this long: up to 60s.
    #[param(value_type = Option<String>, example = "30s")]
    wait: Option<HumanDuration>,
}

/// Get the status
///
/// What is seen of the cluster, beside what is wanted. Changes only when something in it does; the ETag changes with it. With
/// `wait` and `since` (or `If-None-Match`) the answer is held until it differs. With `Accept: text/event-stream` it comes as
/// server-sent events named `status`: as it is, and again whenever it changes; whoever reads slowly gets the newest.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/status", tag = "status",
    params(OneCluster, Since,
        ("If-None-Match" = Option<String>, Header, description = "304 if this is still the ETag")),
    responses(
    (status = 200, description = "The status", content(
        (StatusDocument = "application/json"), (String = "text/event-stream")),
        headers(("etag" = String, description = "Of this status; not of a stream"))),
    Reading,
    (status = 503, description = "The cluster is new and was not looked at yet", body = Problem, content_type = "application/problem+json"),
))]
pub async fn get_status(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(Since { since, wait }): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if stream::is_wanted(&headers) {
        return follow(&state, cluster).await;
    }
    let mut view = first(&state, &cluster).await?;
    if wait.is_some() {
        let known = since.map_or_else(|| Held::named_in(&headers), |tag| Held::named(&tag));
        if !known.is_none() {
            view = until_differs(&state, &cluster, view, &known, bounded(wait)).await?;
        }
    }
    Ok(shown(&view))
}

/// The route of the status, as it is counted.
pub const PATH: &str = "/v1/clusters/{cluster}/status";

/// The status of a cluster that was looked at, if a call asks for nothing else: what `get_status` would answer.
pub fn at_once(boards: &Boards, request: &Request) -> Option<Response> {
    let (before, behind) = PATH.split_once("{cluster}")?;
    let cluster = request.uri().path().strip_prefix(before)?.strip_suffix(behind)?;
    let plain = request.method() == Method::GET && request.uri().query().is_none();
    if !plain || stream::is_wanted(request.headers()) {
        return None;
    }
    Some(shown(&*boards.view(&cluster.parse().ok()?)?))
}

fn shown(view: &View) -> Response {
    let json = HeaderValue::from_static("application/json");
    let body = Bytes::from_owner(Shared(Arc::clone(&view.body)));
    ([(header::ETAG, view.etag.clone())], [(header::CONTENT_TYPE, json)], body).into_response()
}

/// The document that everybody is answered with, not a copy of it.
struct Shared(Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The status as it is, and again whenever it changes; what changed while the caller read is not told twice.
async fn follow(state: &AppState, cluster: ClusterName) -> Result<Response, ApiError> {
    let mut view = first(state, &cluster).await?;
    let mut watcher = state.boards.subscribe(&cluster);
    let place = view.etag.trim_matches('"').to_owned();
    Ok(stream::answer(state, &place, async move |frames: Frames| {
        loop {
            let tag = view.etag.trim_matches('"').to_owned();
            frames.send(Frame::default().id(&tag).event("status").data(&*view.body), &tag).await?;
            let differs = watcher.wait_for(|next| next.as_ref().is_none_or(|next| next.etag != view.etag));
            // Without a view the cluster is gone.
            let next = frames.wait_for(differs).await?.map_err(|_| Over)?.clone();
            view = next.ok_or(Over)?;
        }
    }))
}

/// The view of a cluster, waiting a little for that of a new one.
pub async fn first(state: &AppState, cluster: &ClusterName) -> Result<Arc<View>, ApiError> {
    if let Some(view) = state.boards.view(cluster) {
        return Ok(view);
    }
    if !state.store.clusters().await?.iter().any(|head| head.name == *cluster) {
        return Err(ApiError::not_found("cluster", cluster.as_str()));
    }
    let mut watcher = state.boards.subscribe(cluster);
    let seen = async { watcher.wait_for(Option::is_some).await.ok().and_then(|view| view.clone()) };
    let view = tokio::select! {
        view = seen => view,
        () = state.clock.sleep(FIRST_LOOK) => None,
        () = state.stopping.cancelled() => None,
    };
    view.ok_or_else(|| ApiError::unavailable(format!("cluster {cluster} was not looked at yet")))
}

/// The first view that differs from what is known; the present one if that takes too long.
async fn until_differs(
    state: &AppState,
    cluster: &ClusterName,
    present: Arc<View>,
    known: &Held,
    wait: Duration,
) -> Result<Arc<View>, ApiError> {
    let mut watcher = state.boards.subscribe(cluster);
    let differs = async {
        let view = watcher.wait_for(|view| view.as_ref().is_some_and(|view| !known.has(&view.etag))).await;
        view.ok().and_then(|view| view.clone())
    };
    tokio::select! {
        view = differs => match view {
            Some(view) => Ok(view),
            // It is gone, and another one may have its name.
            None => first(state, cluster).await,
        },
        () = state.clock.sleep(wait) => Ok(present),
        () = state.stopping.cancelled() => Ok(present),
    }
}
