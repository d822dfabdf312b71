//! What does the database do to a caller? It answers slowly, or with an error, before or after doing what was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use locum::store::memory::{Backup, MemoryStore};

use crate::chance::Chance;
use crate::history::Fact;
use crate::story::Recorder;

/// How requests fare, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    pub fails_before: u64,
    pub fails_after: u64,
    pub slow: u64,
    /// Nothing is done at all.
    pub away: bool,
}

pub struct Database {
    pub store: MemoryStore,
    state: Mutex<State>,
    pub recorder: Recorder,
}

struct State {
    chance: Chance,
    weather: Weather,
    backups: Vec<Backup>,
}

/// How one request fares.
pub struct Fate {
    pub before: Duration,
    pub fails_before: bool,
    pub fails_after: bool,
    pub after: Duration,
}

impl Database {
    pub fn new(mut chance: Chance, recorder: Recorder) -> Arc<Self> {
        let mut ids = chance.number();
        let random = move || {
            ids = ids.wrapping_add(1);
            let mut bytes = [0; 10];
            bytes[2..].copy_from_slice(&ids.to_be_bytes());
            bytes
        };
        let state = State { chance, weather: Weather::default(), backups: Vec::new() };
        Arc::new(Self { store: MemoryStore::new(random), state: Mutex::new(state), recorder })
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state.lock().unwrap().weather = weather;
    }

    pub fn back_up(&self) {
        let backup = self.store.backup();
        self.state.lock().unwrap().backups.push(backup);
        self.recorder.say("database", "a copy of it is put aside");
        self.recorder.note(Fact::BackedUp);
    }

    /// Puts any copy in its place, while no control plane has it open. False if there is none.
    pub fn restore(&self) -> bool {
        let index = {
            let State { chance, backups, .. } = &mut *self.state.lock().unwrap();
            let indices: Vec<usize> = (0..backups.len()).collect();
            chance.any(&indices).copied()
        };
        index.inspect(|index| self.restore_copy(*index)).is_some()
    }

    /// The first copy is number 0.
    pub fn restore_copy(&self, index: usize) {
        let copy = self.state.lock().unwrap().backups[index].clone();
        self.store.restore(&copy);
        self.recorder.say("database", format!("it is restored from copy {index}"));
        self.recorder.note(Fact::Restored(index));
    }

    pub fn fate(&self) -> Fate {
        let State { chance, weather, .. } = &mut *self.state.lock().unwrap();
        let mut time = |slow| if chance.permille(slow) { chance.millis(1..=3_000) } else { Duration::ZERO };
        let (before, after) = (time(weather.slow), time(weather.slow));
        let (fails_before, fails_after) = (chance.permille(weather.fails_before), chance.permille(weather.fails_after));
        Fate { before, fails_before: fails_before || weather.away, fails_after, after }
    }
}
