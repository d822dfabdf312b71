//! How does a control plane begin, crash and end? The shipped reconciler over the simulated parts, one at a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use locum::board::Boards;
use locum::clock::{Clock as _, IdSource};
use locum::reconciler::{self, Deps, Nudge};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::clock::{RIGHT, SimClock, TrueTime};
use crate::connection::Connection;
use crate::database::Database;
use crate::gate::{Gate, Point};
use crate::network::{Line, Network};
use crate::story::Recorder;

/// As long as the shipped server waits for its loops when it is told to stop.
const LAST_TURN: Duration = Duration::from_millis(500);

/// What handlers of the API have.
#[derive(Clone)]
pub struct Door {
    pub store: Arc<Connection>,
    pub boards: Arc<Boards>,
    pub nudge: Nudge,
    pub clock: Arc<SimClock>,
    pub ids: Arc<dyn IdSource>,
    pub gate: Arc<Gate>,
}

/// What control planes are made of.
pub struct Parts {
    pub truth: TrueTime,
    pub database: Arc<Database>,
    pub network: Arc<Network>,
    pub ids: Arc<dyn IdSource>,
    pub recorder: Recorder,
    /// How much faster than the slowest clock this one may go, in parts per million.
    pub drift: u64,
}

pub struct Control {
    parts: Parts,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    present: Option<Present>,
}

struct Present {
    door: Door,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Control {
    pub fn new(parts: Parts, chance: Chance) -> Arc<Self> {
        Arc::new(Self { parts, state: Mutex::new(State { chance, present: None }) })
    }

    /// The way in, while one is up.
    pub fn door(&self) -> Option<Door> {
        let state = self.state.lock().unwrap();
        state.present.as_ref().map(|present| present.door.clone()).filter(|door| !door.gate.is_closed())
    }

    /// Begins a control plane, if none is up. The one before has ended: that is what the lock on the database gives.
    pub async fn start(&self) {
        if self.door().is_some() {
            return;
        }
        self.bury().await;
        let mut state = self.state.lock().unwrap();
        let clock = self.clock(&mut state.chance);
        let Parts { database, network, ids, recorder, .. } = &self.parts;
        let (gate, boards) = (Arc::new(Gate::default()), Arc::new(Boards::default()));
        let (nudge, nudges) = Nudge::channel();
        let fresh = Mutex::default();
        let store =
            Arc::new(Connection { database: database.clone(), gate: gate.clone(), boards: boards.clone(), fresh });
        let agents = Arc::new(Line { network: network.clone(), gate: gate.clone() });
        let ids = ids.clone();
        let deps =
            Deps { store: store.clone(), agents, boards: boards.clone(), clock: clock.clone(), ids: ids.clone() };
        let stop = CancellationToken::new();
        recorder.say("control plane", format!("starts; its wall clock shows {}", clock.now()));
        let task = tokio::spawn(reconciler::run(deps, nudges, stop.clone()));
        let fallen = (gate.clone(), stop.clone(), task.abort_handle(), recorder.clone());
        tokio::spawn(async move {
            let (gate, stop, task, recorder) = fallen;
            gate.closed().await;
            recorder.say("control plane", "is gone");
            task.abort();
            stop.cancel();
        });
        let door = Door { store, boards, nudge, clock, ids, gate };
        state.present = Some(Present { door, stop, task });
    }

    /// Each process finds the machine as it is: another uptime and pace, and a wall clock that somebody may have set.
    fn clock(&self, chance: &mut Chance) -> Arc<SimClock> {
        let uptime = chance.millis(1_000..=1_000_000);
        let rate = RIGHT + chance.extreme(0..=self.parts.drift);
        let offset = match chance.between(0..=9) {
            0 => SignedDuration::from_secs(3_600),
            1 => SignedDuration::from_secs(-600),
            _ => SignedDuration::ZERO,
        };
        SimClock::new(self.parts.truth, uptime, rate, offset)
    }

    /// kill -9.
    pub async fn crash(&self) {
        if let Some(door) = self.door() {
            self.parts.recorder.say("control plane", "is killed");
            door.gate.close();
        }
        self.bury().await;
    }

    /// It will crash when it next gets to `point`.
    pub fn crash_at(&self, point: Point) {
        if let Some(door) = self.door() {
            door.gate.arm(point);
        }
    }

    /// SIGTERM.
    pub async fn stop(&self) {
        let present = self.state.lock().unwrap().present.take();
        let Some(Present { door, stop, mut task }) = present else { return };
        self.parts.recorder.say("control plane", "is told to stop");
        stop.cancel();
        let ended = timeout(LAST_TURN, &mut task).await;
        door.gate.close();
        if ended.is_err() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Returns once nothing is left of the one that was.
    async fn bury(&self) {
        let present = self.state.lock().unwrap().present.take();
        if let Some(Present { door, stop, task }) = present {
            door.gate.close();
            task.abort();
            stop.cancel();
            let _ = task.await;
        }
    }
}
