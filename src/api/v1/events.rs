//! What happened, in order, and what happens next?

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event as Frame;
use serde::Deserialize;
use tokio::sync::broadcast;
use utoipa::IntoParams;

use super::{OneCluster, cursors, limit};
use crate::api::AppState;
use crate::api::answers::Listing;
use crate::api::extract::{Path, Query};
use crate::api::feed::{SLICE, Slice};
use crate::api::fields::Fields;
use crate::api::problem::ApiError;
use crate::api::stream::{self, Frames, Over};
use crate::api::views::{Page, SparsePage};
use crate::domain::{ClusterName, Event, EventKind};
use crate::store::{Error as StoreError, EventFilter};

/// In which a caller says after which event to go on.
const LAST_EVENT_ID: &str = "last-event-id";

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Only those of this kind.
    #[param(value_type = Option<EventKind>)]
    kind: Option<EventKind>,
    /// Only those about this: the name of a node, group or cluster, or the path of an object that was changed.
    subject: Option<String>,
    /// Only these fields of each item, with commas between them.
    fields: Option<String>,
    /// 1 to 1000, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the slice before, or the number of an event.
    cursor: Option<String>,
}

/// List or follow events
///
/// Oldest first, numbered without gaps, except those that a filter leaves out: `cursor` is the number after which to go on. With `Accept: text/event-stream` they
/// come as server-sent events, as they happen: those after `Last-Event-ID` or `cursor`, however old, without either only those from now
/// on. The id of each is its number, its event name its kind, its data the event as JSON. A caller that does not read is let
/// go with an event `dropped`, and goes on later where it was.
///
/// What is older than `policy.retention` is removed, and so is what a cluster told that had the name before: who asks for it gets the
/// oldest that is there, and a stream says with an event `gap`, whose data is a sentence, which ones are gone. Who is ahead of the
/// newest, as after a database was restored, is told so: by 422 `bad_cursor`, or by an event `gap` after which the stream goes on.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/events", tag = "history",
    params(OneCluster, Events,
        ("Last-Event-ID" = Option<u64>, Header, description = "Of a stream: the number after which to go on")),
    responses(
    (status = 200, description = "The events; next_cursor is null at the present end", content(
        (Page<Event> = "application/json"), (SparsePage = "application/vnd.locum.sparse+json"),
        (String = "text/event-stream"))),
    Listing,
))]
pub async fn list_events(
    State(state): State<AppState>,
    Path(OneCluster { cluster }): Path<OneCluster>,
    Query(which): Query<Events>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Events { kind, subject, fields, .. } = which;
    let (limit, after) = (limit(which.limit), number(which.cursor.as_deref())?);
    let fields = Fields::of::<Event>(fields.as_deref())?;
    // With one more, which tells whether there are others.
    let filter = EventFilter { kind, subject, after: after.unwrap_or(0), limit: limit + 1 };
    if stream::is_wanted(&headers) {
        fields.only_in_pages()?;
        if which.limit.is_some() {
            return Err(ApiError::bad_request("limit is of pages: a stream goes on, and you end it when you like"));
        }
        let last = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("no number").trim());
        let last = last.filter(|last| !last.is_empty()).map(|last| last.parse::<u64>().map_err(|_| no_number(last)));
        let after = last.transpose()?.or(after);
        return follow(&state, cluster, after, filter).await;
    }
    let found = state.store.events(&cluster, &filter).await?;
    if found.is_empty() {
        let newest = state.store.newest_event(&cluster).await?;
        if filter.after > newest {
            return Err(cursors::refused(&format!("this cursor is ahead: {}", ahead(filter.after, newest))));
        }
    }
    fields.answer(Page::of(found, limit, |last| last.sequence.to_string()))
}

/// The number of an event, after which to go on: good under any filter.
fn number(asked: Option<&str>) -> Result<Option<u64>, ApiError> {
    asked.map(|text| text.parse().map_err(|_| cursors::none(text))).transpose()
}

fn no_number(last: &str) -> ApiError {
    ApiError::bad_request(format!("Last-Event-ID is the number of an event, not {last:?}"))
}

async fn follow(
    state: &AppState,
    cluster: ClusterName,
    after: Option<u64>,
    filter: EventFilter,
) -> Result<Response, ApiError> {
    // Before the present end is looked up: what comes in between is in both.
    let next = state.feeds.subscribe(state, &cluster).await?;
    let newest = state.store.newest_event(&cluster).await?;
    // Of a database that was restored since the caller read: what comes has numbers that it knows already.
    let ahead = after.filter(|after| *after > newest).map(|after| ahead(after, newest));
    let after = after.unwrap_or(newest).min(newest);
    let filter = EventFilter { after, limit: SLICE, ..filter };
    let reader = Reader { state: state.clone(), cluster, filter };
    Ok(stream::answer(state, &after.to_string(), async move |frames: Frames| {
        if let Some(ahead) = ahead {
            let frame = Frame::default().id(newest.to_string()).event("gap").data(ahead);
            frames.send(frame, &newest.to_string()).await?;
        }
        reader.read(next, frames).await
    }))
}

/// Says that events are gone which the caller was to hear of.
fn gap(first: u64, last: u64) -> Frame {
    let what = if first == last { format!("event {first} is") } else { format!("events {first} to {last} are") };
    let why = "older than what this cluster keeps, or of one that had its name before";
    Frame::default().event("gap").data(format!("{what} gone: {why}"))
}

/// Says that the caller is ahead of what there is.
fn ahead(after: u64, newest: u64) -> String {
    format!("there is no event {after}: the newest is {newest}, and it goes on after that one")
}

/// A caller that follows.
struct Reader {
    state: AppState,
    cluster: ClusterName,
    /// What is wanted after the newest event that was sent or left out.
    filter: EventFilter,
}

impl Reader {
    async fn read(mut self, mut next: broadcast::Receiver<Slice>, frames: Frames) -> Result<(), Over> {
        self.catch_up(&frames).await?;
        loop {
            match frames.wait_for(next.recv()).await? {
                // It joins what was sent: the rest is there already.
                Ok(events) if events.first().is_some_and(|first| first.sequence <= self.filter.after + 1) => {
                    let known = self.filter.after;
                    for event in events.iter().filter(|event| event.sequence > known) {
                        self.send(event, &frames).await?;
                    }
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up(&frames).await?,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// Sends all that is in the database.
    async fn catch_up(&mut self, frames: &Frames) -> Result<(), Over> {
        // Before it is read: up to here nothing that is wanted is missed.
        let newest = self.found(self.state.store.newest_event(&self.cluster).await)?;
        if self.is_filtered() {
            let next = EventFilter::after(self.filter.after, 1);
            let next = self.found(self.state.store.events(&self.cluster, &next).await)?;
            if let Some(next) = next.first() {
                self.skip_to(next.sequence, frames).await?;
            }
        }
        loop {
            let found = self.found(self.state.store.events(&self.cluster, &self.filter).await)?;
            for event in &found {
                if !self.is_filtered() {
                    self.skip_to(event.sequence, frames).await?;
                }
                self.send(event, frames).await?;
            }
            if found.len() < SLICE as usize {
                self.filter.after = self.filter.after.max(newest);
                return Ok(());
            }
        }
    }

    /// Whether events are left out because nobody asked for them.
    const fn is_filtered(&self) -> bool {
        self.filter.kind.is_some() || self.filter.subject.is_some()
    }

    /// Tells of events that are gone before this one, if there are any.
    async fn skip_to(&mut self, next: u64, frames: &Frames) -> Result<(), Over> {
        let place = self.filter.after;
        if next > place + 1 {
            frames.send(gap(place + 1, next - 1), &place.to_string()).await?;
            self.filter.after = next - 1;
        }
        Ok(())
    }

    fn found<T>(&self, found: Result<T, StoreError>) -> Result<T, Over> {
        found.map_err(|error| {
            tracing::warn!(cluster = %self.cluster, %error, "events can't be read");
            Over
        })
    }

    /// Sends an event, unless it is not wanted.
    async fn send(&mut self, event: &Event, frames: &Frames) -> Result<(), Over> {
        if self.filter.takes(event) {
            let frame = Frame::default().id(event.sequence.to_string()).event(event.kind.as_str());
            let frame = frame.json_data(event).map_err(|_| Over)?;
            frames.send(frame, &self.filter.after.to_string()).await?;
        }
        self.filter.after = event.sequence;
        Ok(())
    }
}
