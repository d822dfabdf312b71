//! What do operators ask for, and what do they hear? The store's verbs and the nudge, as the API's handlers use them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use locum::clock::Clock as _;
use locum::domain::operation::DEFAULT_TIMEOUT;
use locum::domain::{Actor, ClusterName, HumanDuration, NodeName, NodeState, OperationKind, TopologySpec};
use locum::store::{Cancellation, Error, Expect, NewOperation, OperationFilter, Store as _};
use serde_json::Value;

use crate::chance::Chance;
use crate::control::{Control, Door};
use crate::history::{Fact, Reply, Wish};
use crate::machine::Machine;
use crate::story::Recorder;
use crate::topology;

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Operators {
    control: Arc<Control>,
    machines: BTreeMap<String, Arc<Machine>>,
    recorder: Recorder,
    chance: Chance,
    asked: u64,
    /// Not where the database may be restored: a copy that knows a shorter lease than is outstanding is not safe to start
    /// from before that has passed, whatever the control plane does.
    pub edit_timers: bool,
}

/// What somebody may do.
#[derive(Clone, Copy)]
enum Deed {
    Operate(OperationKind),
    ConfirmDown,
    Cancel,
    Edit,
}

/// One operator with one wish: what is asked leaves traces in no other name.
struct Asker {
    door: Door,
    recorder: Recorder,
    actor: Actor,
}

impl Operators {
    pub fn new(
        control: Arc<Control>,
        machines: BTreeMap<String, Arc<Machine>>,
        recorder: Recorder,
        chance: Chance,
    ) -> Self {
        Self { control, machines, recorder, chance, asked: 0, edit_timers: true }
    }

    fn asker(&mut self) -> Option<Asker> {
        let door = self.control.door()?;
        self.asked += 1;
        Some(Asker { door, recorder: self.recorder.clone(), actor: Actor(format!("ann-{}", self.asked)) })
    }

    /// Somebody does something.
    pub fn act(&mut self) {
        let deed = self.chance.weighted(&[
            (5, Deed::Operate(OperationKind::Move)),
            (2, Deed::Operate(OperationKind::Online)),
            (2, Deed::Operate(OperationKind::Offline)),
            (2, Deed::Operate(OperationKind::Reset)),
            (1, Deed::Operate(OperationKind::Pause)),
            (2, Deed::Operate(OperationKind::Drain)),
            (3, Deed::Operate(OperationKind::Resume)),
            (2, Deed::ConfirmDown),
            (3, Deed::Cancel),
            (6, Deed::Edit),
        ]);
        match deed {
            Deed::ConfirmDown => self.confirm_down(),
            Deed::Operate(kind) => self.operate(kind),
            Deed::Cancel => self.cancel(),
            Deed::Edit => self.edit(),
        }
    }

    /// What somebody asked for, who may be another one.
    fn cancel(&mut self) {
        let number = self.chance.number();
        if let Some(asker) = self.asker() {
            tokio::spawn(asker.cancel(number));
        }
    }

    fn operate(&mut self, kind: OperationKind) {
        let names = if kind.targets_node() { &topology::NODES[..] } else { &topology::GROUPS[..3] };
        let target = (*self.chance.pick(names)).to_owned();
        let to = kind == OperationKind::Move && self.chance.one_in(2);
        let to = to.then(|| self.chance.pick(&topology::NODES).parse().unwrap());
        let timeout = if self.chance.one_in(4) { HumanDuration::from_secs(1) } else { DEFAULT_TIMEOUT };
        let again = self.chance.one_in(4).then(|| self.chance.number());
        let Some(asker) = self.asker() else { return };
        let second = again.zip(self.asker());
        tokio::spawn(async move {
            asker.operate(kind, target, to, timeout).await;
            if let Some((number, second)) = second {
                second.cancel(number).await;
            }
        });
    }

    /// Only of a node whose machines are truly off: that is what the operator looks at.
    fn confirm_down(&mut self) {
        let off = |machine: &Machine| !machine.is_on() && !machine.runs_anything();
        let spare = |name: &str| topology::SPARES.iter().find(|(_, of)| *of == name).map(|(spare, _)| *spare);
        let all_off =
            |name: &&str| off(&self.machines[*name]) && spare(name).is_none_or(|spare| off(&self.machines[spare]));
        let off: Vec<String> = topology::NODES.iter().filter(|n| all_off(n)).map(|name| (*name).to_owned()).collect();
        let Some(target) = self.chance.any(&off).cloned() else { return };
        if let Some(asker) = self.asker() {
            tokio::spawn(asker.operate(OperationKind::ConfirmDown, target, None, DEFAULT_TIMEOUT));
        }
    }

    fn edit(&mut self) {
        let (number, blind, timers) = (self.chance.number(), self.chance.one_in(2), self.edit_timers);
        if let Some(asker) = self.asker() {
            tokio::spawn(asker.edit(number, blind, timers));
        }
    }

    /// Creates the cluster, and waits until that is acknowledged.
    pub async fn create(&mut self, document: &Value) {
        let spec = topology::checked(document);
        for _ in 0..100 {
            let Some(asker) = self.asker() else { panic!("the cluster is created while a control plane is up") };
            if asker.put(&spec, Expect::Absent, "creates the cluster").await {
                return;
            }
        }
        panic!("the cluster could not be created");
    }

    /// Makes another document the desired state.
    pub async fn put(&mut self, document: &Value) {
        let spec = topology::checked(document);
        let Some(asker) = self.asker() else { panic!("a document is put while a control plane is up") };
        assert!(asker.put(&spec, Expect::Anything, "puts a document").await, "the document is not taken");
    }

    /// Every node may be used, and every group is wanted.
    pub async fn want_everything(&mut self) {
        for node in topology::NODES {
            self.insist(OperationKind::Resume, node).await;
        }
        for group in topology::GROUPS {
            self.insist(OperationKind::Online, group).await;
        }
    }

    /// Asks, and hears what comes of it.
    pub async fn insist(&mut self, kind: OperationKind, target: &str) {
        if let Some(asker) = self.asker() {
            asker.operate(kind, target.to_owned(), None, DEFAULT_TIMEOUT).await;
        }
    }
}

impl Asker {
    async fn operate(self, kind: OperationKind, target: String, to: Option<NodeName>, timeout: HumanDuration) {
        let Door { store, boards, nudge, clock, ids, .. } = &self.door;
        let cluster = topology::CLUSTER.parse().unwrap();
        if kind == OperationKind::ConfirmDown {
            let view = boards.view(&cluster);
            let seen =
                view.as_ref().and_then(|view| view.snapshot.nodes.get(target.as_str())).map(|node| node.seen.state);
            if seen == Some(NodeState::Up) {
                return self.recorder.count("wish", "confirm_down refused: it is up");
            }
        }
        let id = ids.next_id();
        let (actor, at) = (self.actor.clone(), clock.now());
        let way = to.as_ref().map_or_else(String::new, |to| format!(" to {to}"));
        self.recorder.say(&self.actor.0, format!("asks for {} of {target}{way}", kind.as_str()));
        let new = NewOperation { id, kind, target, to, reason: None, actor, at, timeout, answer: None };
        let answer = self.answer(store.begin_operation(&cluster, &new)).await;
        if answer.is_some() {
            nudge.cluster(&cluster);
        }
        self.hear(Wish::Operation(id), answer.map(|answer| answer.map(|_| None)));
    }

    /// Whatever runs of what was asked for, or has just ended.
    async fn cancel(self, number: u64) {
        let Door { store, nudge, clock, .. } = &self.door;
        let cluster: ClusterName = topology::CLUSTER.parse().unwrap();
        let newest = OperationFilter { cluster: Some(cluster.clone()), limit: 20, ..OperationFilter::default() };
        let Some(Ok(all)) = self.answer(store.operations(&newest)).await else { return };
        let (running, ended): (Vec<_>, Vec<_>) = all.into_iter().partition(|operation| operation.is_running());
        let all: Vec<_> = running.into_iter().chain(ended.into_iter().take(1)).collect();
        let Some(operation) = all.get(usize::try_from(number % 20).unwrap() % all.len().max(1)) else { return };
        let (id, kind, target) = (operation.id, operation.kind.as_str(), &operation.target);
        self.recorder.say(&self.actor.0, format!("cancels {kind} of {target}"));
        let new = Cancellation { id, reason: None, actor: self.actor.clone(), at: clock.now(), answer: None };
        let answer = self.answer(store.cancel_operation(&cluster, &new)).await;
        if answer.is_some() {
            nudge.cluster(&cluster);
        }
        self.hear(Wish::Cancel(id), answer.map(|answer| answer.map(|_| None)));
    }

    async fn edit(self, number: u64, blind: bool, timers: bool) {
        let Some(Ok(stored)) = self.answer(self.door.store.topology(&topology::CLUSTER.parse().unwrap())).await else {
            return;
        };
        let mut document = serde_json::to_value(&stored.spec).unwrap();
        let mut chance = Chance::new(number, crate::chance::Stream::Topology);
        if chance.one_in(10) {
            let wrong = topology::mistake(&mut chance, &document);
            let findings = locum::domain::topology::parse(&wrong).expect_err("a mistake is refused");
            return self.recorder.count("wish", &format!("document refused: {}", findings[0].code));
        }
        let Some(said) = topology::edit(&mut chance, &mut document, timers) else { return };
        let expect = if blind { Expect::Anything } else { Expect::At(stored.generation) };
        self.put(&topology::checked(&document), expect, &said).await;
    }

    /// True if it was acknowledged.
    async fn put(self, spec: &TopologySpec, expect: Expect, said: &str) -> bool {
        self.recorder.say(&self.actor.0, said);
        let Door { store, nudge, clock, .. } = &self.door;
        let answer = self.answer(store.put_topology(spec, expect, &self.actor, clock.now())).await;
        nudge.cluster(&spec.cluster);
        let written = matches!(answer, Some(Ok(_)));
        let generation = answer.map(|a| a.map(|accepted| accepted.changed.then_some(accepted.generation)));
        self.hear(Wish::Topology, generation);
        written
    }

    /// `None` if nothing came back.
    async fn answer<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.door.gate.closed() => None,
            answer = tokio::time::timeout(PATIENCE, work) => answer.ok(),
        }
    }

    fn hear(&self, wish: Wish, answer: Option<Result<Option<locum::domain::Generation>, Error>>) {
        let reply = match answer {
            Some(Ok(generation)) => Reply::Written(generation),
            None | Some(Err(Error::Database(_))) => Reply::Unknown,
            Some(Err(refusal)) => Reply::Refused(refusal.to_string()),
        };
        let said = match &reply {
            Reply::Written(Some(generation)) => format!("hears that it is generation {generation}"),
            Reply::Written(None) => "hears that it is accepted".to_owned(),
            Reply::Refused(why) => format!("is refused: {why}"),
            Reply::Unknown => "hears nothing certain".to_owned(),
        };
        self.recorder.count(
            "wish",
            match &reply {
                Reply::Written(_) => "acknowledged",
                Reply::Refused(_) => "refused",
                Reply::Unknown => "unknown",
            },
        );
        self.recorder.say(&self.actor.0, said);
        self.recorder.note(Fact::Answered { who: self.actor.clone(), wish, reply });
    }
}
