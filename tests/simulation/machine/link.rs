//! How does a simulated agent process drive its guard? By requests that are answered in time, or never again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use locum::agent::guard::client::{
    Connected, Guard as Driven, GuardError, GuardEvent, Guarded, LeaseEnd, REQUEST_TIMEOUT, ServiceKey, StartOrder,
};
use locum::agent::guard::protocol::{Call, Message, Request};
use locum::domain::StopSignal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::guard::{Guard, Peer};
use super::life::Life;

/// As long as the shipped agent waits for what it kills.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

type Answer = Result<Option<Guarded>, GuardError>;

/// The agent's end of a connection.
pub struct Link {
    agent: Arc<Life>,
    guard: Arc<Guard>,
    requests: UnboundedSender<Request<Call>>,
    shared: Arc<Shared>,
    reader: AbortHandle,
}

/// What the reader and those who ask both know.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// `Lost` was sent.
    lost: Notify,
}

#[derive(Default)]
struct State {
    next_seq: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
    gone: Option<String>,
    replaced: bool,
    lost: bool,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a link to guard {}", self.guard.pid)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
        let (never, _) = unbounded_channel();
        drop(std::mem::replace(&mut self.requests, never));
        self.guard.bells.ring();
    }
}

fn gone(why: impl Into<String>) -> GuardError {
    GuardError::Gone(why.into())
}

/// Connects, if the guard answers in time.
pub async fn greet(agent: &Arc<Life>, guard: &Arc<Guard>) -> Result<Connected, GuardError> {
    let (requests, to_guard) = unbounded_channel();
    let (says, mut heard) = unbounded_channel();
    guard.arrive(Peer { agent: agent.clone(), requests: to_guard, says });
    let first = agent.clone().run(timeout(REQUEST_TIMEOUT, heard.recv())).await;
    agent.awake().await;
    let Some(Ok(Some(Message::Hello(hello)))) = first else { return Err(gone("it accepts and says nothing")) };
    let (events_in, events) = unbounded_channel();
    let shared = Arc::new(Shared::default());
    let following = follow(heard, guard.clone(), shared.clone(), events_in);
    let reader = tokio::spawn(agent.clone().run(following)).abort_handle();
    let link = Arc::new(Link { agent: agent.clone(), guard: guard.clone(), requests, shared, reader });
    Ok(Connected {
        guard: link,
        events,
        services: [hello.services, hello.instances].concat(),
        lease_end: hello.lease_end,
    })
}

/// Reads until the connection ends, and then waits until nothing of what the guard guarded is left.
async fn follow(
    mut heard: UnboundedReceiver<Message>,
    guard: Arc<Guard>,
    shared: Arc<Shared>,
    events: UnboundedSender<GuardEvent>,
) {
    while let Some(message) = heard.recv().await {
        shared.hear(message, &events);
    }
    if shared.state.lock().unwrap().replaced {
        return;
    }
    shared.give_up("its connection has closed");
    guard.kill();
    guard.cleared().await;
    let _ = events.send(GuardEvent::Lost);
    shared.state.lock().unwrap().lost = true;
    shared.lost.notify_waiters();
}

impl Shared {
    fn hear(&self, message: Message, events: &UnboundedSender<GuardEvent>) {
        match message {
            Message::Hello(_) => {}
            Message::Done { seq, service } => self.answer(seq, Ok(service)),
            Message::Refused { seq, why } => self.answer(seq, Err(GuardError::Refused(why))),
            Message::Exited { key, pid, exit } => {
                let _ = events.send(GuardEvent::Exited { key, pid, exit });
            }
            Message::Replaced {} => {
                self.state.lock().unwrap().replaced = true;
                self.give_up("another agent process has connected to it");
            }
        }
    }

    fn answer(&self, seq: u64, answer: Answer) {
        if let Some(waiter) = self.state.lock().unwrap().waiting.remove(&seq) {
            let _ = waiter.send(answer);
        }
    }

    fn give_up(&self, why: &str) {
        let mut state = self.state.lock().unwrap();
        state.gone.get_or_insert_with(|| why.to_owned());
        while let Some((_, waiter)) = state.waiting.pop_first() {
            let _ = waiter.send(Err(gone(why)));
        }
    }

    async fn lost(&self) {
        let lost = self.lost.notified();
        if !self.state.lock().unwrap().lost {
            lost.await;
        }
    }
}

impl Link {
    /// Does it as the agent's process; what an ended process was doing is never done.
    async fn as_agent<T>(&self, doing: impl Future<Output = T>) -> T {
        match self.agent.clone().run(doing).await {
            Some(done) => done,
            None => std::future::pending().await,
        }
    }

    async fn ask(&self, call: Call) -> Answer {
        self.as_agent(async {
            let (waiter, answer) = oneshot::channel();
            let seq = {
                let mut state = self.shared.state.lock().unwrap();
                if let Some(why) = &state.gone {
                    return Err(gone(why.clone()));
                }
                state.next_seq += 1;
                let seq = state.next_seq;
                state.waiting.insert(seq, waiter);
                seq
            };
            let _ = self.requests.send(Request { seq, call });
            self.guard.bells.ring();
            if let Ok(Ok(answer)) = timeout(REQUEST_TIMEOUT, answer).await {
                return answer;
            }
            let why = format!("no answer within {} ms", REQUEST_TIMEOUT.as_millis());
            self.shared.give_up(&why);
            Err(gone(why))
        })
        .await
    }
}

#[async_trait]
impl Driven for Link {
    async fn set_lease_end(&self, end: LeaseEnd) -> Result<(), GuardError> {
        self.ask(Call::SetLeaseEnd { end }).await.map(drop)
    }

    async fn start(&self, order: StartOrder) -> Result<Guarded, GuardError> {
        let service = self.ask(Call::Start { order: Box::new(order) }).await?;
        service.ok_or_else(|| gone("it answered a start without saying what runs"))
    }

    async fn signal(&self, key: &ServiceKey, signal: StopSignal) -> Result<(), GuardError> {
        self.ask(Call::Signal { key: key.clone(), signal }).await.map(drop)
    }

    async fn kill(&self, key: &ServiceKey) -> Result<(), GuardError> {
        self.ask(Call::Kill { key: key.clone() }).await.map(drop)
    }

    async fn forget(&self, key: &ServiceKey) -> Result<(), GuardError> {
        self.ask(Call::Forget { key: key.clone() }).await.map(drop)
    }

    async fn kill_directly(&self, key: &ServiceKey) -> Result<(), GuardError> {
        let all_dead = async {
            self.guard.tell(&format!("the agent kills {key} by its own hand"));
            while let Some(process) = self.guard.process(key) {
                process.kill();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let survives = |_| gone(format!("{key} survives its kill"));
        self.as_agent(timeout(KILL_TIMEOUT, all_dead)).await.map_err(survives)
    }

    async fn destroy(&self) -> Result<(), GuardError> {
        self.as_agent(async {
            if self.shared.state.lock().unwrap().replaced {
                return Err(gone("another agent process has connected to it"));
            }
            self.shared.give_up("it was killed by its agent");
            self.guard.tell("the agent kills its guard");
            self.guard.kill();
            let survives = |_| gone("something of what it guarded survives its kill");
            timeout(KILL_TIMEOUT, self.shared.lost()).await.map_err(survives)
        })
        .await
    }
}
