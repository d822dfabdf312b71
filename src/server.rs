//! How is the control plane put together, started and stopped?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::connections::Limits;
use crate::api::{self, Services};
use crate::board::Boards;
use crate::client::agent::HttpAgents;
use crate::clock::{Clock, SystemClock, SystemIds};
use crate::reconciler::{self, Nudge, retention};
use crate::store::sql::{self, SqlStore};
use crate::telemetry;

pub mod connections;

/// A connection that did not end by itself within this is cut when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The loops stop between two steps; what is not done within this is done by the next server.
const LAST_TURN: Duration = Duration::from_millis(500);

/// How a control plane is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where the API listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The database, created if need be: `sqlite:PATH`.
    pub database_url: String,
    /// Whether it may listen where other machines reach it, though nobody has to say who they are.
    pub insecure: bool,
}

impl ServerConfig {
    /// Whether other machines may reach the API.
    pub const fn is_exposed(&self) -> bool {
        !self.listen.ip().is_loopback()
    }

    /// Refuses what must not be started, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.is_exposed() && !self.insecure {
            return Err(format!(
                "{} can be reached by other machines, and nobody would have to say who they are: listen on 127.0.0.1, \
                 or say --insecure if the network keeps strangers out",
                self.listen
            ));
        }
        Ok(())
    }
}

/// A control plane that has its database and its address, and does not work yet.
pub struct BoundServer {
    store: Arc<SqlStore>,
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the database and the address, or says in one sentence why not.
pub async fn bind(config: ServerConfig) -> anyhow::Result<BoundServer> {
    config.check().map_err(|refusal| anyhow!(refusal))?;
    if config.is_exposed() {
        tracing::warn!(listen = %config.listen, "other machines can reach the API, and nobody has to say who they are");
    }
    let listener = TcpListener::bind(config.listen).await.map_err(|why| {
        anyhow!("can't listen on {}: {why}; stop what listens there, or choose another --listen", config.listen)
    })?;
    // Its lock is the proof that no other control plane rules these clusters.
    let store = Arc::new(sql::open(&config.database_url).await?);
    let address = listener.local_addr().context("the socket has no address")?;
    Ok(BoundServer { store, listener, address })
}

impl BoundServer {
    /// Where it listens; the real port where 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Works until `shutdown`, then ends within two seconds, whoever is still connected.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { store, listener, address } = self;
        // Cancelled with `shutdown`, and when a part ends by itself: then the others must end too.
        let stopping = shutdown.child_token();
        let (nudge, nudges) = Nudge::channel();
        let clock = SystemClock::shared();
        let boards = Arc::new(Boards::default());
        let agents = Arc::new(HttpAgents::new().context("no HTTP client")?);
        let ids = Arc::new(SystemIds);
        let deps = reconciler::Deps {
            store: store.clone(),
            agents,
            boards: boards.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let state = Services {
            store: store.clone(),
            boards,
            feeds: Arc::default(),
            lines: Arc::default(),
            nudge,
            clock: clock.clone(),
            ids,
            metrics: telemetry::metrics(),
            stopping: stopping.clone(),
        };
        tracing::info!(%address, "the control plane works");
        tokio::spawn(retention::keep(store.clone(), clock.clone(), stopping.clone()));
        let mut loops = tokio::spawn(reconciler::run(deps, nudges, stopping.clone()));
        let ended_by_itself = async {
            let _ = (&mut loops).await;
            // Told to stop, the loops end before the last callers are answered: that is no defect.
            if stopping.is_cancelled() {
                std::future::pending::<()>().await;
            }
        };
        let served = tokio::select! {
            () = serve(listener, state, &*clock) => Ok(()),
            () = ended_by_itself => Err(anyhow!("the reconciler ended by a defect; the log says more")),
        };
        stopping.cancel();
        if !loops.is_finished() && tokio::time::timeout(LAST_TURN, &mut loops).await.is_err() {
            loops.abort();
        }
        // A connection that was cut may still hold one of the database's; what is not committed is rolled back anyway.
        let _ = tokio::time::timeout(LAST_TURN, store.close()).await;
        tracing::info!("the control plane has stopped");
        served
    }
}

/// Answers until it is told to stop, and then for a moment longer what is being answered.
async fn serve(listener: TcpListener, state: Services, clock: &dyn Clock) {
    let stopping = state.stopping.clone();
    let limits = Limits { connections: connections::room(), ..Limits::default() };
    let server = connections::serve(listener, api::router(state), limits, stopping.clone());
    let cut = async {
        stopping.cancelled().await;
        clock.sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        () = server => {}
        () = cut => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str, insecure: bool) -> ServerConfig {
        ServerConfig { listen: listen.parse().unwrap(), database_url: "sqlite:locum.db".to_owned(), insecure }
    }

    #[test]
    fn only_loopback_needs_no_identity() {
        for loopback in ["127.0.0.1:0", "127.3.2.1:7400", "[::1]:7400"] {
            assert_eq!(config(loopback, false).check(), Ok(()), "{loopback}");
        }
        for exposed in ["0.0.0.0:7400", "10.0.0.1:7400", "[::]:7400"] {
            let refusal = config(exposed, false).check().unwrap_err();
            assert!(refusal.contains("--insecure"), "{refusal}");
            assert_eq!(config(exposed, true).check(), Ok(()), "{exposed}");
        }
    }
}
