//! What happened, in order, and what happens next?

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event as Frame;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::broadcast;

use super::history::Slice;
use super::{OneCluster, cursor, limit};
use crate::api::AppState;
use crate::api::answers::Listing;
use crate::api::extract::{Path, Query};
use crate::api::feed::{SLICE, Slice as Events};
use crate::api::problem::ApiError;
use crate::api::stream::{self, Frames, Over};
use crate::api::views::Page;
use crate::domain::{ClusterName, Event};

/// In which a caller says after which event to go on.
const LAST_EVENT_ID: &str = "last-event-id";

/// List or follow events
///
/// Oldest first, numbered without gaps: `cursor` is the number after which to go on. With `Accept: text/event-stream` they
/// come as server-sent events, as they happen: those after `Last-Event-ID` or `cursor`, however old, without either only those from now
/// on. The id of each is its number, its event name its kind, its data the event as JSON. A caller that does not read is let
/// go with an event `dropped`, and goes on later where it was.
///
/// What is older than `policy.retention` is removed: who asks for it gets the oldest that is there, and a stream says with an event
/// `gap`, whose data is a sentence, which ones are gone.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/events", tag = "history",
    params(OneCluster, Slice,
        ("Last-Event-ID" = Option<u64>, Header, description = "Of a stream: the number after which to go on")),
    responses(
    (status = 200, description = "The events; next_cursor is null at the present end", content(
        (Page<Event> = "application/json"), (String = "text/event-stream"))),
    Listing,
))]
pub async fn list_events(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(slice): Query<Slice>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let limit = limit(slice.limit)?;
    let after = cursor::<u64>(slice.cursor.as_deref())?;
    if stream::is_wanted(&headers) {
        let last = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("no number").trim());
        let after = cursor::<u64>(last.filter(|last| !last.is_empty()))?.or(after);
        return follow(&state, cluster, after).await;
    }
    let items = state.store.events(&cluster, after.unwrap_or(0), limit).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|last| last.sequence.to_string());
    Ok(Json(Page { items, next_cursor }).into_response())
}

async fn follow(state: &AppState, cluster: ClusterName, after: Option<u64>) -> Result<Response, ApiError> {
    // Before the present end is looked up: what comes in between is in both.
    let next = state.feeds.subscribe(state, &cluster).await?;
    let after = match after {
        Some(after) => after,
        None => state.store.newest_event(&cluster).await?,
    };
    let reader = Reader { state: state.clone(), cluster, at: after };
    Ok(stream::answer(state, |frames| reader.read(next, frames)))
}

/// Says that events are gone which the caller was to hear of.
fn gap(first: u64, last: u64) -> Frame {
    let what = if first == last { format!("event {first} was") } else { format!("events {first} to {last} were") };
    Frame::default().event("gap").data(format!("{what} removed: older than what this cluster keeps"))
}

/// A caller that follows.
struct Reader {
    state: AppState,
    cluster: ClusterName,
    /// The newest event that was sent.
    at: u64,
}

impl Reader {
    async fn read(mut self, mut next: broadcast::Receiver<Events>, frames: Frames) -> Result<(), Over> {
        self.catch_up(&frames).await?;
        loop {
            match frames.wait_for(next.recv()).await? {
                // It joins what was sent: the rest is there already.
                Ok(events) if events.first().is_some_and(|first| first.sequence <= self.at + 1) => {
                    let known = self.at;
                    for event in events.iter().filter(|event| event.sequence > known) {
                        let place = self.at;
                        self.send(event, place, &frames).await?;
                    }
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up(&frames).await?,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// Sends all that is in the database.
    async fn catch_up(&mut self, frames: &Frames) -> Result<(), Over> {
        loop {
            let found = self.state.store.events(&self.cluster, self.at, SLICE).await;
            let Ok(found) = found.inspect_err(|error| tracing::warn!(%error, "events can't be read")) else {
                return Err(Over);
            };
            if found.is_empty() {
                return Ok(());
            }
            for event in &found {
                let place = self.at;
                if event.sequence > place + 1 {
                    frames.send(gap(place + 1, event.sequence - 1), &place.to_string()).await?;
                }
                self.send(event, place, frames).await?;
            }
        }
    }

    async fn send(&mut self, event: &Event, place: u64, frames: &Frames) -> Result<(), Over> {
        let frame = Frame::default().id(event.sequence.to_string()).event(event.kind.as_str());
        let frame = frame.json_data(event).map_err(|_| Over)?;
        frames.send(frame, &place.to_string()).await?;
        self.at = event.sequence;
        Ok(())
    }
}
