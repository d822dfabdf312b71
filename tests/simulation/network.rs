//! What does the network do with a message? It takes its time, loses it, repeats it, and cuts a node off one way or both.
//!
//! What was sent is under way whatever becomes of its sender, and an answer may come to nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use locum::domain::NodeName;
use locum::wire::{
    AgentAddress, AgentError, AssignmentRequest, LeaseAnswer, LeaseRequest, NodeAgent, Observation, ObservationQuery,
};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::gate::{Gate, Point};
use crate::history::Fact;
use crate::machine::Machine;
use crate::story::Recorder;

/// How messages fare, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    pub lost: u64,
    pub repeated: u64,
    /// By up to a second.
    pub slow: u64,
    /// By up to a minute or two: long after whoever sent it has given up.
    pub stray: u64,
}

/// Which way a node is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Requests do not arrive.
    There,
    /// Answers do not arrive.
    Back,
}

/// How one message fares.
struct Fate {
    lost: bool,
    delay: Duration,
}

pub struct Network {
    machines: BTreeMap<String, Arc<Machine>>,
    state: Mutex<State>,
    recorder: Recorder,
}

struct State {
    chance: Chance,
    weather: Weather,
    cut: BTreeSet<(String, Way)>,
}

/// What is asked of a machine.
#[derive(Clone)]
enum Call {
    Assign(Box<AssignmentRequest>),
    Renew(Box<LeaseRequest>),
    Observe(Box<ObservationQuery>),
}

/// What it answers.
enum Answer {
    Observation(Box<Observation>),
    Lease(Box<LeaseAnswer>),
}

impl Network {
    /// `machines`: by the address at which they are reached.
    pub fn new(machines: BTreeMap<String, Arc<Machine>>, chance: Chance, recorder: Recorder) -> Arc<Self> {
        let state = Mutex::new(State { chance, weather: Weather::default(), cut: BTreeSet::new() });
        Arc::new(Self { machines, state, recorder })
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state.lock().unwrap().weather = weather;
    }

    pub fn cut(&self, address: &str, ways: &[Way]) {
        let mut state = self.state.lock().unwrap();
        state.cut.extend(ways.iter().map(|way| (address.to_owned(), *way)));
    }

    pub fn heal(&self, address: &str) {
        self.state.lock().unwrap().cut.retain(|(cut, _)| cut != address);
    }

    fn fate(&self) -> Fate {
        let State { chance, weather, .. } = &mut *self.state.lock().unwrap();
        let lost = chance.permille(weather.lost);
        let delay = match chance.between(0..=999) {
            draw if draw < weather.stray => chance.millis(1_000..=120_000),
            draw if draw < weather.stray + weather.slow => chance.millis(5..=1_000),
            _ => chance.millis(0..=3),
        };
        Fate { lost, delay }
    }

    fn is_repeated(&self) -> bool {
        let State { chance, weather, .. } = &mut *self.state.lock().unwrap();
        chance.permille(weather.repeated)
    }

    fn is_cut(&self, address: &str, way: Way) -> bool {
        self.state.lock().unwrap().cut.contains(&(address.to_owned(), way))
    }

    /// Sends a call on its way; what comes back, if anything does, comes to whoever still waits.
    async fn send(self: &Arc<Self>, to: &str, call: Call) -> Result<Answer, AgentError> {
        let (sender, answer) = oneshot::channel();
        if self.is_repeated() {
            self.recorder.count("network", "a request was repeated");
            tokio::spawn(self.clone().carry(to.to_owned(), call.clone(), None));
        }
        tokio::spawn(self.clone().carry(to.to_owned(), call, Some(sender)));
        match answer.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    async fn carry(self: Arc<Self>, to: String, call: Call, back: Option<oneshot::Sender<Result<Answer, AgentError>>>) {
        let fate = self.fate();
        sleep(fate.delay).await;
        if fate.lost || self.is_cut(&to, Way::There) {
            return self.recorder.count("network", "a request was lost");
        }
        if back.as_ref().is_some_and(oneshot::Sender::is_closed) {
            self.recorder.count("network", "a request arrived after its sender gave up");
        }
        let Some(machine) = self.machines.get(&to) else { panic!("nothing is at {to}") };
        let answer = match call {
            Call::Assign(request) => machine.assign(*request).await.map(|o| Answer::Observation(Box::new(o))),
            Call::Renew(request) => machine.renew(*request).await.map(|lease| Answer::Lease(Box::new(lease))),
            Call::Observe(query) => machine.observe(*query).await.map(|o| Answer::Observation(Box::new(o))),
        };
        self.count_refusal(&to, &answer);
        let fate = self.fate();
        sleep(fate.delay).await;
        if fate.lost || self.is_cut(&to, Way::Back) {
            return self.recorder.count("network", "an answer was lost");
        }
        if let Some(back) = back {
            // Whoever asked may have given up.
            let _ = back.send(answer);
        }
    }

    fn count_refusal(&self, from: &str, answer: &Result<Answer, AgentError>) {
        if let Err(AgentError::Refused(refusal)) = answer {
            let code = serde_json::to_value(refusal.code).unwrap();
            let code = code.as_str().unwrap();
            self.recorder.count("refusal", code);
            if !matches!(code, "stale_stamp" | "stale_decision" | "stale_term") {
                self.recorder.say("network", format!("the agent at {from} refuses: {}", refusal.detail));
            }
        }
    }
}

/// The network as one control plane has it: nothing of it goes out or comes in once that has crashed.
pub struct Line {
    pub network: Arc<Network>,
    pub gate: Arc<Gate>,
}

impl Line {
    async fn call(&self, at: &AgentAddress, call: Call) -> Result<Answer, AgentError> {
        self.gate.pass().await;
        let answer = self.network.send(&at.url, call).await;
        self.gate.pass().await;
        answer
    }

    fn push(&self, node: &NodeName, request: &AssignmentRequest) {
        let groups: Vec<_> =
            request.assignment.0.groups.iter().map(|group| (group.group.clone(), group.epoch)).collect();
        let list: Vec<String> = groups.iter().map(|(group, epoch)| format!("{group} (epoch {epoch})")).collect();
        let list = if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
        let decision = request.decision;
        self.network.recorder.say("control plane", format!("pushes decision {decision} to {node}: {list}"));
        self.network.recorder.note(Fact::Pushed { node: node.clone(), groups });
    }
}

#[async_trait]
impl NodeAgent for Line {
    async fn assign(&self, at: &AgentAddress, request: &AssignmentRequest) -> Result<Observation, AgentError> {
        self.gate.reach(Point::BeforePush).await;
        self.push(&request.order.node, request);
        let answer = self.call(at, Call::Assign(Box::new(request.clone()))).await?;
        self.gate.reach(Point::AfterPush).await;
        let Answer::Observation(observation) = answer else { unreachable!("a push is answered by an observation") };
        Ok(*observation)
    }

    async fn renew(&self, at: &AgentAddress, request: &LeaseRequest) -> Result<LeaseAnswer, AgentError> {
        let answer = self.call(at, Call::Renew(Box::new(request.clone()))).await?;
        let Answer::Lease(lease) = answer else { unreachable!("a renewal is answered by a lease") };
        Ok(*lease)
    }

    async fn observe(&self, at: &AgentAddress, query: &ObservationQuery) -> Result<Observation, AgentError> {
        let answer = self.call(at, Call::Observe(Box::new(query.clone()))).await?;
        let Answer::Observation(observation) = answer else { unreachable!("a question is answered by an observation") };
        Ok(*observation)
    }
}
