//! How does a caller get what happens as it happens? Server-sent events, with a heartbeat, and an end for who does not read.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::mpsc;

use super::{AppState, accept};

pub const EVENT_STREAM: &str = "text/event-stream";

/// A comment is sent after this long without anything else, so that nobody on the way takes the connection for dead. By
/// tokio's timers: late after a sleep of the machine harms nobody, and a `Clock` would wake each connection every second.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A caller that comes back waits this long.
const RETRY: Duration = Duration::from_secs(1);

/// What waits for a caller to read it, beside what the sockets hold.
const WAITING: usize = 256;

/// A caller that takes nothing for this long, though something waits for it, is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the caller asks for a stream.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    accept::preferred(headers, &["application/json", EVENT_STREAM]) == 1
}

/// Where frames go.
pub struct Frames {
    state: AppState,
    sender: mpsc::Sender<Frame>,
    note: Arc<OnceLock<String>>,
}

/// The stream is over: the caller has gone or does not read, or the server stops.
pub struct Over;

impl Frames {
    /// Sends a frame once there is room for it. `place`: how the caller goes on after it.
    pub async fn send(&self, frame: Frame, place: &str) -> Result<(), Over> {
        tokio::select! {
            biased;
            permit = self.sender.reserve() => permit.map_err(|_| Over)?.send(frame),
            () = self.state.clock.sleep(PATIENCE) => {
                let note = format!(
                    "nothing was read for {} s, though {WAITING} messages waited; connect again with Last-Event-ID: {place}",
                    PATIENCE.as_secs()
                );
                let _ = self.note.set(note);
                return Err(Over);
            }
            () = self.state.stopping.cancelled() => return Err(Over),
        }
        Ok(())
    }

    /// Waits for something, unless the stream is over before.
    pub async fn wait_for<T>(&self, something: impl Future<Output = T>) -> Result<T, Over> {
        tokio::select! {
            it = something => Ok(it),
            () = self.sender.closed() => Err(Over),
            () = self.state.stopping.cancelled() => Err(Over),
        }
    }
}

/// Answers with what `produce` sends, until that ends. `place`: how the caller goes on if nothing more comes.
pub fn answer<F>(state: &AppState, place: &str, produce: impl FnOnce(Frames) -> F) -> Response
where
    F: Future<Output = Result<(), Over>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    let note = Arc::new(OnceLock::new());
    // A task of its own: the body is not polled while its caller does not read.
    tokio::spawn(produce(Frames { state: state.clone(), sender, note: note.clone() }));
    // Without data it is no event, and its id counts all the same.
    let first = Frame::default().id(place).retry(RETRY).comment("locum");
    let frames = stream::unfold((Some(first), receiver, Some(note)), |(first, mut receiver, mut note)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(first), (None, receiver, note)));
        }
        let frame = match receiver.recv().await {
            Some(frame) => frame,
            // The last word to who was let go.
            None => Frame::default().event("dropped").data(note.take()?.get()?),
        };
        Some((Ok(frame), (None, receiver, note)))
    });
    let mut response = Sse::new(frames).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // Proxies that collect answers must not collect this one.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
