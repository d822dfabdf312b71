//! Do the shipped `lease/` and supervisor take every step that the model takes, and no other?
//!
//! A state is the model's and, beside it, the code that it stands for: for each node a holder and a supervisor, for the
//! control plane a grantor. Every action is taken by both, and after each what they say is compared. The checker tells
//! states apart by the model's half only, and so walks every edge of the model with code that came there by one way.
//!
//! What the model leaves open and the code does not is closed here: the supervisor starts and stops at once, so the
//! model's `Start` and `Stop` are taken exactly when it acts, and at rest nothing is left that the model's node could
//! start or must stop. The guard kills at once; the model may do so with the next tick.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use stateright::{Model, Property};

use super::bounds::Bounds;
use super::control;
use super::protocol::{Action, Protocol};
use super::reduce;
use super::rules::Rules;
use super::state::{Account, Echo, NODES, Node, NodeState, Request, Run, Set, State, has};

mod agent;
mod compare;
mod guard;
mod plane;
mod probe;
mod step;
mod walk;
mod words;
mod worlds;

use agent::Agent;
use plane::Plane;

/// The code beside a state of the model.
#[derive(Debug, Clone)]
pub struct Code {
    plane: Arc<Plane>,
    agents: [Arc<Agent>; NODES],
}

impl Code {
    fn agent(&mut self, node: Node) -> &mut Agent {
        Arc::make_mut(&mut self.agents[node])
    }

    fn plane(&mut self) -> &mut Plane {
        Arc::make_mut(&mut self.plane)
    }
}

/// A state of the model with its code, and where they part.
#[derive(Debug, Clone)]
pub struct Both {
    model: State,
    code: Code,
    apart: Option<String>,
}

impl PartialEq for Both {
    fn eq(&self, other: &Self) -> bool {
        self.model == other.model && self.apart.is_some() == other.apart.is_some()
    }
}

impl Hash for Both {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.model.hash(hasher);
        self.apart.is_some().hash(hasher);
    }
}

/// The model and the code, side by side.
pub struct Lockstep {
    protocol: Protocol,
    /// To whom anything happens but time: the others are silent, and were counted down before the world begins.
    alive: Set,
    /// The states of nodes at which every order was tried, with what then parted, and the refusals that were met.
    probed: Mutex<BTreeMap<NodeState, Result<(), String>>>,
    refusals: Mutex<BTreeSet<String>>,
}

const AGREE: &str = "model and code agree";

impl Lockstep {
    /// In a world without the model's shortcuts, which forget what the code still knows.
    pub fn new(bounds: Bounds, alive: Set) -> Self {
        let bounds = Bounds { reduced: false, nameless: false, peer_hold: false, ..bounds };
        let protocol = Protocol::new(bounds, Rules::ALL);
        Self { protocol, alive, probed: Mutex::default(), refusals: Mutex::default() }
    }

    /// The kinds of refusals that were met.
    fn refusals(&self) -> BTreeSet<String> {
        self.refusals.lock().unwrap().clone()
    }

    fn begin(&self, mut model: State) -> Both {
        let gone = (0..NODES).filter(|node| !has(self.alive, *node));
        let since = control::wait(&self.protocol.bounds.timers, self.protocol.rules);
        gone.for_each(|node| model.control.accounts[node] = Account { since, down: true, ..Account::default() });
        let code = self.code_of(&model).unwrap();
        let apart = self.differ(&model, &code, None).err();
        Both { model, code, apart }
    }

    /// The code in the state in which the model begins: nothing was granted yet, or everyone has just been heard.
    fn code_of(&self, model: &State) -> Result<Code, String> {
        let timers = &self.protocol.bounds.timers;
        let mut plane = Plane::begin(model.control.bond, timers);
        let mut agents = Vec::new();
        for (node, state) in model.nodes.iter().enumerate() {
            let mut agent = Agent::begin(node, state, timers)?;
            let account = &model.control.accounts[node];
            if account.echo == Echo::Age(0) {
                plane.heard(node, agent.stamp())?;
            }
            if let Some((decision, _)) = account.naming {
                plane.assign(node, decision);
            }
            if account.bound > 0 {
                plane.grant(node);
            }
            if account.down {
                plane.confirm_down(node);
                plane.lapses[node] = 1;
            }
            agents.push(Arc::new(agent));
        }
        Ok(Code { plane: Arc::new(plane), agents: agents.try_into().unwrap() })
    }

    /// Compares all that both sides say at rest; of what was compared in `last`, only what is no longer the same.
    fn differ(&self, model: &State, code: &Code, last: Option<&Both>) -> Result<(), String> {
        let timers = &self.protocol.bounds.timers;
        let last = last.filter(|last| last.model.control.bond == model.control.bond);
        for (node, agent) in code.agents.iter().enumerate() {
            let state = &model.nodes[node];
            let known = |last: &Both| last.model.nodes[node] == *state && Arc::ptr_eq(&last.code.agents[node], agent);
            if !last.is_some_and(known) {
                compare::nodes_agree(model, agent, timers).map_err(|why| format!("node {node}, {why}"))?;
                self.probe(state, agent).map_err(|why| format!("node {node}, {why}"))?;
            }
        }
        let known = |last: &Both| {
            last.model.control == model.control
                && Arc::ptr_eq(&last.code.plane, &code.plane)
                && (0..NODES).all(|node| Arc::ptr_eq(&last.code.agents[node], &code.agents[node]))
        };
        if last.is_some_and(known) {
            return Ok(());
        }
        let agents = std::array::from_fn(|node| &*code.agents[node]);
        compare::planes_agree(model, &code.plane, agents, &self.protocol)
    }
}

/// To which node it happens, if to one.
fn node_of(action: Action) -> Option<Node> {
    match action {
        Action::Greet(node)
        | Action::Listen(node)
        | Action::Answer(node)
        | Action::Renew(node)
        | Action::Push(node) => Some(node),
        Action::Died(node) | Action::Decide(node) | Action::Place(node) | Action::Adopt(node) => Some(node),
        Action::Restart(node) | Action::Reboot(node) | Action::Confirm(node) | Action::GiveWay(node) => Some(node),
        _ => None,
    }
}

impl Model for Lockstep {
    type State = Both;
    type Action = Action;

    fn init_states(&self) -> Vec<Both> {
        self.protocol.init_states().into_iter().map(|model| self.begin(model)).collect()
    }

    fn actions(&self, both: &Both, actions: &mut Vec<Action>) {
        if both.apart.is_some() {
            return;
        }
        self.protocol.actions(&both.model, actions);
        // A look at what time has brought is one for all nodes; starts and stops follow by themselves.
        actions.retain(|action| match action {
            Action::Start(_) | Action::Stop(_) | Action::Lapse(_) => false,
            action => node_of(*action).is_none_or(|node| has(self.alive, node)),
        });
        actions.push(Action::Lapse(0));
    }

    fn next_state(&self, last: &Both, action: Action) -> Option<Both> {
        let mut next = last.clone();
        let taken = self.take(&mut next, action).transpose()?;
        next.apart = taken.and_then(|()| self.differ(&next.model, &next.code, Some(last))).err();
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(AGREE, |_, both: &Both| both.apart.is_none())]
    }
}
