//! What does an agent process find under it? The machine as the shipped core asks it, for one process's life.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use locum::agent::core::{Core, CoreHandle};
use locum::agent::drivers::Place;
use locum::agent::guard::client::{Connected, GuardError, ServiceKey, StartOrder};
use locum::agent::ledger::Ledger;
use locum::agent::machine::Machine as Asked;
use locum::agent::supervisor::{Memory, Probe};
use locum::domain::{Epoch, ResourceSpec, RunSpec};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Machine;
use super::guard::Guard;
use super::life::Life;
use super::link::greet;

/// Where a simulated agent believes to keep its state.
const STATE_DIR: &str = "/var/lib/locum";

/// As long as the shipped agent waits for what an earlier guard left.
const CLEAR_TIMEOUT: Duration = Duration::from_secs(10);

/// The machine, as one agent process has it.
pub struct Ground {
    pub machine: Arc<Machine>,
    pub life: Arc<Life>,
}

impl Ground {
    /// What the agent does before its core runs: it reads its ledger, or makes one, and finds its guard.
    pub async fn start(self, stopping: CancellationToken) -> anyhow::Result<(Core, CoreHandle)> {
        let (clock, ids) = (self.machine.clock.clone(), self.machine.ids.clone());
        let read = self.machine.disk.lock().unwrap().ledger();
        let ledger = match read {
            Some(ledger) => {
                // An earlier process may have died between the two.
                self.sync(&ledger).await.context("the ledger can't be relied on")?;
                ledger
            }
            None => {
                let ledger = Ledger::blank(self.machine.name.clone(), ids.next_id());
                self.write(&ledger).await?;
                ledger
            }
        };
        Core::start(Arc::new(self), ledger, clock, &*ids, stopping).await
    }

    /// Takes some time. Nothing follows it where the process has ended by then.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.life.awake().await;
    }

    async fn sync(&self, ledger: &Ledger) -> anyhow::Result<()> {
        self.pass(self.machine.disk_time()).await;
        self.machine.disk.lock().unwrap().sync().map_err(|why| anyhow!(why))?;
        self.machine.witness.ledger_written(&self.machine.name, ledger);
        Ok(())
    }

    async fn launch(&self) -> Arc<Guard> {
        let machine = &self.machine;
        self.pass(machine.draw(|chance, _| chance.millis(2..=30))).await;
        let guard = Guard::launch(machine);
        machine.set_guard(guard.clone());
        guard
    }
}

#[async_trait]
impl Asked for Ground {
    fn state_dir(&self) -> &Path {
        Path::new(STATE_DIR)
    }

    async fn write(&self, ledger: &Ledger) -> anyhow::Result<()> {
        self.life.awake().await;
        self.pass(self.machine.disk_time()).await;
        // A disk that fails does so at the write or at the sync: the new ledger may be the one that is read next.
        let failing = self.machine.disk.lock().unwrap().failing;
        if failing && self.machine.draw(|chance, _| chance.one_in(2)) {
            return Err(anyhow!("No space left on device"));
        }
        self.machine.disk.lock().unwrap().replace(ledger.clone());
        self.sync(ledger).await
    }

    fn memory(&self) -> Memory {
        self.machine.disk.lock().unwrap().memory(self.machine.boot())
    }

    fn note(&self, memory: Memory) -> anyhow::Result<()> {
        if !self.life.is_alive() {
            return Ok(());
        }
        self.machine.disk.lock().unwrap().note(self.machine.boot(), memory).map_err(|why| anyhow!(why))
    }

    async fn connect(&self) -> Result<Connected, GuardError> {
        self.life.awake().await;
        if let Some(guard) = self.machine.guard() {
            if guard.life.is_alive()
                && let Ok(connected) = greet(&self.life, &guard).await
            {
                return Ok(connected);
            }
            // It does not answer, or is dead: it is killed, and all that it left.
            guard.kill();
            let cleared = timeout(CLEAR_TIMEOUT, guard.cleared()).await;
            self.life.awake().await;
            cleared.map_err(|_| GuardError::Gone("what an earlier guard left can't be killed".to_owned()))?;
        }
        greet(&self.life, &self.launch().await).await
    }

    fn start_order(&self, key: ServiceKey, epoch: Epoch, spec: &ResourceSpec, _: &Place) -> Result<StartOrder, String> {
        let RunSpec::Process(process) = &spec.run else { return Err("not a process".to_owned()) };
        let log = Path::new(STATE_DIR).join("log");
        let (command, env) = (process.command.clone(), process.env.clone());
        Ok(StartOrder { key, epoch, command, env, working_dir: None, stop_signal: process.stop_signal, log })
    }

    async fn probe(&self, probe: &Probe, _: Epoch, _: &ResourceSpec, _: &Place) -> Result<(), String> {
        self.life.awake().await;
        let (takes, mute) =
            self.machine.draw(|chance, habits| (chance.millis(habits.probe.clone()), chance.permille(habits.mute)));
        let limit = probe.ask.timeout.get();
        if mute || takes >= limit {
            self.pass(limit).await;
            return Err(format!("no answer within {}", probe.ask.timeout));
        }
        self.pass(takes).await;
        let process = self.machine.guard().and_then(|guard| guard.process(&probe.key));
        process.map_or_else(|| Err("nothing answers".to_owned()), |process| process.answer())
    }
}
