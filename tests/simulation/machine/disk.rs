//! What is on a simulated disk, and what of it survives what?

use locum::agent::ledger::Ledger;
use locum::agent::supervisor::Memory;

use crate::chance::Chance;

/// A node's disk. It survives the agent; what was not synced may be lost with the power.
#[derive(Default)]
pub struct Disk {
    durable: Option<Ledger>,
    /// In place of `durable` for every reader, but not synced.
    unsynced: Option<Ledger>,
    /// Of services, and the boot that it was noted under.
    note: Option<(u32, Memory)>,
    /// Whether writes answer an error.
    pub failing: bool,
}

impl Disk {
    /// What a process reads.
    pub fn ledger(&self) -> Option<Ledger> {
        self.unsynced.as_ref().or(self.durable.as_ref()).cloned()
    }

    /// The new ledger is put in the place of the old one.
    pub fn replace(&mut self, ledger: Ledger) {
        self.unsynced = Some(ledger);
    }

    /// What is read from now on is what survives.
    pub fn sync(&mut self) -> Result<(), &'static str> {
        if self.failing {
            return Err("Input/output error");
        }
        if let Some(ledger) = self.unsynced.take() {
            self.durable = Some(ledger);
        }
        Ok(())
    }

    pub fn note(&mut self, boot: u32, memory: Memory) -> Result<(), &'static str> {
        if self.failing {
            return Err("No space left on device");
        }
        self.note = Some((boot, memory));
        Ok(())
    }

    pub fn memory(&self, boot: u32) -> Memory {
        self.note.as_ref().filter(|(noted, _)| *noted == boot).map(|(_, memory)| memory.clone()).unwrap_or_default()
    }

    /// The kernel may have written out what nobody synced, or not.
    pub fn lose_power(&mut self, chance: &mut Chance) {
        let written = chance.one_in(2);
        if let Some(ledger) = self.unsynced.take().filter(|_| written) {
            self.durable = Some(ledger);
        }
    }
}
