//! What does the agent's core ask of the machine under it, besides the time? A disk, a guard, and the drivers' answers.
//!
//! A seam: the simulation puts another machine under the same core.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::drivers::{self, Place, probe};
use super::guard::client::{Connected, GuardClient, GuardError, ServiceKey, StartOrder};
use super::ledger::{Ledger, StateDir};
use super::supervisor::{Memory, Probe};
use crate::domain::{Epoch, ResourceSpec};

/// The machine under an agent, for this agent process alone.
#[async_trait]
pub trait Machine: Send + Sync + 'static {
    /// Where the agent keeps its state; for people, and for the logs.
    fn state_dir(&self) -> &Path;

    /// Returns once the ledger would survive a loss of power. After an error either ledger may be the one on disk.
    async fn write(&self, ledger: &Ledger) -> anyhow::Result<()>;

    /// What was noted of services under the machine's present boot; nothing, where that can't be read.
    fn memory(&self) -> Memory;

    /// Notes what is known of services. It outlives the agent process, not the machine.
    fn note(&self, memory: Memory) -> anyhow::Result<()>;

    /// Connects to the guard, or clears what an earlier one left and starts a new one.
    async fn connect(&self) -> Result<Connected, GuardError>;

    /// What the guard is to start, or a sentence why it can't be.
    fn start_order(
        &self,
        key: ServiceKey,
        epoch: Epoch,
        spec: &ResourceSpec,
        place: &Place,
    ) -> Result<StartOrder, String>;

    /// Asks a running service. `Err` says why the answer is no.
    async fn probe(&self, probe: &Probe, epoch: Epoch, spec: &ResourceSpec, place: &Place) -> Result<(), String>;
}

/// The machine that this process runs on.
pub struct ThisMachine {
    state: Arc<StateDir>,
}

impl ThisMachine {
    pub fn new(state: StateDir) -> Self {
        Self { state: Arc::new(state) }
    }
}

#[async_trait]
impl Machine for ThisMachine {
    fn state_dir(&self) -> &Path {
        self.state.path()
    }

    async fn write(&self, ledger: &Ledger) -> anyhow::Result<()> {
        let (state, ledger) = (self.state.clone(), ledger.clone());
        tokio::task::spawn_blocking(move || state.write(&ledger)).await?
    }

    fn memory(&self) -> Memory {
        self.state.memory()
    }

    fn note(&self, memory: Memory) -> anyhow::Result<()> {
        self.state.note(memory)
    }

    async fn connect(&self) -> Result<Connected, GuardError> {
        GuardClient::connect(self.state.path()).await
    }

    fn start_order(
        &self,
        key: ServiceKey,
        epoch: Epoch,
        spec: &ResourceSpec,
        place: &Place,
    ) -> Result<StartOrder, String> {
        drivers::start_order(key, epoch, spec, place)
    }

    async fn probe(&self, probe: &Probe, epoch: Epoch, spec: &ResourceSpec, place: &Place) -> Result<(), String> {
        let env = drivers::environment(&probe.key, epoch, spec, place);
        let working_dir = spec.run.process().and_then(|process| process.working_dir.as_deref());
        probe::ask(&probe.ask, &env, working_dir).await
    }
}
