//! How are assigned groups run on this node, and never past their lease?
//!
//! | module | question |
//! | --- | --- |
//! | `endpoint` | what can the control plane ask? |
//! | `core` | what is answered, and what follows? one task that owns all state |
//! | `machine` | what does the core ask of the machine under it? |
//! | `supervisor` | what should happen to the services now? pure |
//! | `drivers` | how is a resource of each type started and probed? |
//! | `guard` | what keeps a service from outliving its lease when the agent can't? |
//! | `ledger` | what must survive a crash? |
//!
//! Stopping the agent leaves its services to the guard: they go on until their lease ends, and an agent that is back in
//! time adopts them. So an upgrade of the agent disturbs nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::core::{Core, CoreHandle};
use self::drivers::logs;
use self::ledger::StateDir;
use self::machine::ThisMachine;
use crate::clock::{Clock, SystemClock, SystemIds};
use crate::domain::NodeName;

pub mod core;
pub mod drivers;
pub mod endpoint;
pub mod guard;
pub mod ledger;
pub mod machine;
pub mod supervisor;

/// Callers that still hold connections after this are cut off.
const GRACE: Duration = Duration::from_millis(1_500);

/// How often the sizes of logs are looked at.
const ROTATION_PERIOD: Duration = Duration::from_secs(30);

/// How an agent is started.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    pub name: NodeName,
    /// Where its endpoint listens.
    pub listen: SocketAddr,
    /// What it must remember over a restart. A folder on a local disk, for this agent alone.
    pub state_dir: PathBuf,
}

/// An agent that has its state directory and its port, and goes on with what an earlier one left running.
pub struct BoundAgent {
    listener: TcpListener,
    address: SocketAddr,
    core: Core,
    handle: CoreHandle,
    state_dir: PathBuf,
    stopping: CancellationToken,
}

/// Opens the state directory and the port. Fails with a sentence when either is taken.
pub async fn bind(config: AgentConfig) -> anyhow::Result<BoundAgent> {
    let AgentConfig { name, listen, state_dir } = config;
    let state = StateDir::open(&state_dir)?;
    let ledger = state.ledger(&name, &SystemIds)?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|why| {
        anyhow!("can't listen on {listen}: {why}; stop what listens there, or choose another --listen")
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let state_dir = state.path().to_owned();
    let stopping = CancellationToken::new();
    let machine = Arc::new(ThisMachine::new(state));
    let (core, handle) = Core::start(machine, ledger, SystemClock::shared(), &SystemIds, stopping.clone()).await?;
    Ok(BoundAgent { listener, address, core, handle, state_dir, stopping })
}

/// Releases an agent from its cluster; what was done, as a sentence. Refused while anything of it runs.
pub async fn reset(state_dir: &Path) -> anyhow::Result<String> {
    ledger::reset(state_dir, &SystemIds).await?;
    Ok(format!("the agent of {} obeys no cluster now: the first that calls it will be its own", state_dir.display()))
}

impl BoundAgent {
    /// Where it listens, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers and acts until `stop`; its services are left to the guard.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { listener, core, handle, state_dir, stopping, .. } = self;
        let clock = SystemClock::shared();
        let running = tokio::spawn(core.run());
        let rotating = tokio::spawn(rotate(state_dir, clock.clone()));
        let serving =
            axum::serve(listener, endpoint::router(handle)).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let cut = {
            let (stopping, clock) = (stopping.clone(), clock.clone());
            async move {
                stopping.cancelled().await;
                clock.sleep(GRACE).await;
            }
        };
        let told = {
            let stopping = stopping.clone();
            tokio::spawn(async move {
                stop.cancelled().await;
                stopping.cancel();
            })
        };
        tokio::select! {
            served = async { serving.await } => served.context("the endpoint could not be served")?,
            () = cut => tracing::info!("callers still hold connections: cutting them"),
        }
        told.abort();
        rotating.abort();
        running.await.context("the agent's core ended by a defect")
    }
}

async fn rotate(state_dir: PathBuf, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(ROTATION_PERIOD).await;
        let dir = state_dir.clone();
        match tokio::task::spawn_blocking(move || logs::rotate_all(&dir)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the logs could not be rotated"),
            Err(error) => tracing::error!(%error, "rotating the logs failed by a defect"),
        }
    }
}
