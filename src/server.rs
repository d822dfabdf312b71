//! How is the control plane put together, started and stopped?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{self, AppState};
use crate::board::Boards;
use crate::client::agent::HttpAgents;
use crate::clock::{Clock, SystemClock, SystemIds};
use crate::reconciler::{self, Deps, Nudge};
use crate::store::Store;
use crate::store::sql::{self, SqlStore};
use crate::telemetry;

/// Connections that are still open after this are cut: a caller that holds one must not hold the server.
const GRACE: Duration = Duration::from_millis(1_500);

/// How a control plane is started.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// `sqlite:PATH`.
    pub database_url: String,
    /// Listen beyond loopback although callers need not say who they are.
    pub insecure: bool,
}

/// A control plane that has its database and its port, and does nothing yet.
pub struct BoundServer {
    listener: TcpListener,
    address: SocketAddr,
    store: Arc<SqlStore>,
}

/// Opens the database and the port. Fails with a sentence when either is taken.
pub async fn bind(config: ServerConfig) -> anyhow::Result<BoundServer> {
    let ServerConfig { listen, database_url, insecure } = config;
    if !listen.ip().is_loopback() {
        if !insecure {
            bail!(
                "{listen} can be reached by others, and callers need not say who they are: listen on 127.0.0.1, or say \
                 --insecure if the network itself is trusted"
            );
        }
        tracing::warn!(%listen, "whoever reaches this address may do anything: nobody has to say who they are");
    }
    let listener = TcpListener::bind(listen).await.with_context(|| format!("can't listen on {listen}"))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let store = sql::open(&database_url).await?;
    Ok(BoundServer { listener, address, store: Arc::new(store) })
}

impl BoundServer {
    /// Where it listens, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Reigns and answers until `stop`; what waits is answered then, and all is down within two seconds.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let (nudge, nudges) = Nudge::channel();
        let boards = Arc::new(Boards::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store: Arc<dyn Store> = self.store.clone();
        let agents = Arc::new(HttpAgents::new().context("no HTTP client for the agents")?);
        let ids = Arc::new(SystemIds);
        let deps =
            Deps { store: store.clone(), agents, boards: boards.clone(), clock: clock.clone(), ids: ids.clone() };
        let reconciling = tokio::spawn(reconciler::run(deps, nudges, stop.clone()));
        let metrics = telemetry::metrics();
        let state = AppState { store, boards, nudge, clock: clock.clone(), ids, metrics, stopping: stop.clone() };
        let serving =
            axum::serve(self.listener, api::router(state)).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::select! {
            served = async { serving.await } => served.context("the API could not be served")?,
            () = async { stop.cancelled().await; clock.sleep(GRACE).await } => {
                tracing::info!("callers still hold connections: cutting them");
            }
        }
        reconciling.await.context("the reconciler ended by a defect")?;
        self.store.close().await;
        Ok(())
    }
}
