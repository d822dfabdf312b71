//! What does a connection to the guard carry? Requests out; answers and events in, until the guard ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::client::{Connected, GuardClient, GuardError, GuardEvent, Guarded, ServiceKey};
use super::launch::{Greeted, gone};
use super::protocol::{Identity, Message};
use super::remains::{Process, clear};

/// A guard's socket closes at its end or, if it drops an agent that does not listen, some time before we kill it.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection and what reads it.
#[derive(Debug)]
pub(super) struct Link {
    pub lines: mpsc::UnboundedSender<Vec<u8>>,
    pub shared: Arc<Shared>,
    reader: AbortHandle,
    pub cleared: watch::Receiver<bool>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // The reader must not take the end of its own connection for the guard's.
        self.reader.abort();
    }
}

/// What the reader and those who ask both know.
#[derive(Debug)]
pub(super) struct Shared {
    pub guard: Identity,
    pub process: Option<Process>,
    pub state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub next_seq: u64,
    pub waiting: HashMap<u64, oneshot::Sender<Result<Option<Guarded>, GuardError>>>,
    pub services: BTreeMap<ServiceKey, Guarded>,
    /// Once set, nothing more is asked.
    pub gone: Option<String>,
    pub replaced: bool,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn give_up(&self, why: &str) {
        let mut state = self.lock();
        state.gone.get_or_insert_with(|| why.to_owned());
        for (_, waiter) in state.waiting.drain() {
            let _ = waiter.send(Err(gone(why.to_owned())));
        }
    }

    fn answer(&self, seq: u64, answer: Result<Option<Guarded>, GuardError>) {
        let mut state = self.lock();
        if let Ok(Some(service)) = &answer {
            state.services.insert(service.key.clone(), service.clone());
        }
        if let Some(waiter) = state.waiting.remove(&seq) {
            let _ = waiter.send(answer);
        }
    }
}

/// Makes a client of a connection on which the guard has said hello.
pub fn attach(greeted: Greeted) -> Result<Connected, GuardError> {
    let Greeted { read, write, hello } = greeted;
    let all: Vec<Guarded> = hello.services.into_iter().chain(hello.instances).collect();
    let services = all.iter().filter(|s| s.exited.is_none()).map(|s| (s.key.clone(), s.clone())).collect();
    let shared = Arc::new(Shared {
        process: Process::open(&hello.guard),
        guard: hello.guard,
        state: Mutex::new(State { services, ..State::default() }),
    });
    let (lines, to_write) = mpsc::unbounded_channel();
    let (events_in, events) = mpsc::unbounded_channel();
    let (cleared_in, cleared) = watch::channel(false);
    tokio::spawn(write_lines(write, to_write));
    let reader = tokio::spawn(follow(read, Arc::clone(&shared), events_in, cleared_in)).abort_handle();
    let guard = Arc::new(GuardClient { link: Link { lines, shared, reader, cleared } });
    Ok(Connected { guard, events, services: all, lease_end: hello.lease_end })
}

async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(&line).await.is_err() {
            break;
        }
    }
}

/// Reads until the connection ends, and then brings what the guard guarded to nothing, unless another agent has it.
async fn follow(
    mut read: BufReader<OwnedReadHalf>,
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<GuardEvent>,
    cleared: watch::Sender<bool>,
) {
    let mut line = String::new();
    while matches!(read.read_line(&mut line).await, Ok(1..)) {
        // What can't be read is from a newer guard, and not for us.
        if let Ok(message) = serde_json::from_str(&line) {
            hear(message, &shared, &events);
        }
        line.clear();
    }
    if shared.lock().replaced {
        return;
    }
    shared.give_up("its connection has closed");
    if let Some(process) = &shared.process
        && timeout(END_TIMEOUT, process.ended()).await.is_err()
    {
        process.kill();
        let _ = process.ended().await;
    }
    clear(&shared.guard).await;
    let _ = events.send(GuardEvent::Lost);
    cleared.send_replace(true);
}

fn hear(message: Message, shared: &Shared, events: &mpsc::UnboundedSender<GuardEvent>) {
    match message {
        Message::Hello(_) => {}
        Message::Done { seq, service } => shared.answer(seq, Ok(service)),
        Message::Refused { seq, why } => shared.answer(seq, Err(GuardError::Refused(why))),
        Message::Exited { key, pid, exit } => {
            shared.lock().services.remove(&key);
            let _ = events.send(GuardEvent::Exited { key, pid, exit });
        }
        Message::Replaced {} => {
            shared.lock().replaced = true;
            shared.give_up("another agent process has connected to it");
        }
    }
}
