//! How are connections taken in, how many at once, and when does the server end one by itself?

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Fewer than this are soon used up by dashboards that follow.
const FEW: usize = 1_000;

/// Where the number of open files has no limit that can be read.
const WITHOUT_LIMIT: usize = 10_000;

/// What connections may take of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many at once. Who comes then waits until another one has gone.
    pub connections: usize,
    /// From the connection's begin, or the last answer's end, to the end of the next request's headers.
    pub idle: Duration,
    /// A caller that takes nothing for this long, though something is on the way to it, has gone.
    pub unread: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: WITHOUT_LIMIT,
            // Longer than clients and proxies keep a connection that they don't use: so they end it, and no request is lost.
            idle: Duration::from_secs(100),
            // Four heartbeats of a stream.
            unread: Duration::from_secs(60),
        }
    }
}

/// How many connections this process may hold, after it has raised its own limit of open files as far as it may. The rest is
/// for the database and the nodes: whoever holds connections here must not keep the control plane from its agents.
pub fn room() -> usize {
    let files = raise_file_limit().unwrap_or_else(|| {
        tracing::warn!("the limit of open files can't be read or raised");
        WITHOUT_LIMIT
    });
    let connections = files / 4 * 3;
    if connections < FEW {
        tracing::warn!(files, connections, "the hard limit of open files is low (ulimit -Hn): so few can be connected");
    } else {
        tracing::info!(files, connections, "as many can be connected");
    }
    connections
}

/// The limit of open files, after it was raised to the hard one.
#[cfg(unix)]
fn raise_file_limit() -> Option<usize> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let files = if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
    // More can't be used, and an unlimited number is a very large one.
    Some(usize::try_from(files).unwrap_or(usize::MAX).min(1 << 20))
}

#[cfg(not(unix))]
fn raise_file_limit() -> Option<usize> {
    None
}

/// Answers until it is told to stop, and then what is being answered.
pub async fn serve(mut listener: TcpListener, router: Router, limits: Limits, stopping: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.idle);
    let service = TowerToHyperService::new(router);
    let (places, graceful) = (Arc::new(Semaphore::new(limits.connections)), GracefulShutdown::new());
    let gauge = metrics::gauge!("locum_http_connections");
    let mut said = false;
    loop {
        let next = async {
            let place = place(&places, &mut said).await;
            // The trait's: it says what went wrong and goes on, also when no file can be opened any more.
            (place, Listener::accept(&mut listener).await.0)
        };
        let (place, stream) = tokio::select! {
            next = next => next,
            () = stopping.cancelled() => break,
        };
        prepare(&stream, limits.unread);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        let gauge = gauge.clone();
        gauge.increment(1.0);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            gauge.decrement(1.0);
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// A place for one more, once there is one. That there is none is said once.
async fn place(places: &Arc<Semaphore>, said: &mut bool) -> Option<OwnedSemaphorePermit> {
    if places.available_permits() == 0 && !std::mem::replace(said, true) {
        tracing::warn!("as many are connected as may be: who comes now waits until another one has gone");
    }
    // It is never closed.
    places.clone().acquire_owned().await.ok()
}

/// What can't be set is done without.
fn prepare(stream: &TcpStream, unread: Duration) {
    // Small answers must not wait for an acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt};
        let milliseconds = u32::try_from(unread.as_millis()).unwrap_or(u32::MAX);
        let _ = setsockopt(stream, sockopt::TcpUserTimeout, &milliseconds);
    }
}
