//! What may happen in the modelled world, and what follows?

use std::sync::Arc;

use stateright::{Model, Property};

use super::bounds::Bounds;
use super::control;
use super::rules::{Rule, Rules};
use super::state::{
    Account, Bond, Content, Control, Database, Echo, Faults, NODES, Node, NodeState, Phase, Run, Seen, Set, State,
};
use super::{network, peers, recovery, reduce};

/// The protocol within bounds, under rules of which one may be broken.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub bounds: Bounds,
    pub rules: Rules,
    /// The same without bounds, in which it is seen whether all becomes well.
    pub calm: Option<Arc<Protocol>>,
}

/// One thing that may happen. Numbers are nodes, or places in the lists of what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Tick,
    // -- between the control plane and a node
    /// A request of the new reign reaches a node, which obeys it from now on.
    Greet(Node),
    /// An answer that is heard at once.
    Listen(Node),
    Answer(Node),
    Hear(usize),
    Renew(Node),
    Push(Node),
    Deliver(usize),
    Lose(usize),
    // -- on a node
    Start(Node),
    Stop(Node),
    Died(Node),
    // -- decisions of the control plane
    Lapse(Node),
    Decide(Node),
    Release,
    Free,
    /// With the proof that the old owner has stopped, if there was one.
    Place(Node),
    Adopt(Node),
    // -- faults
    Restart(Node),
    Reboot(Node),
    /// An operator says that a node runs nothing, which is true: it has just lost its power.
    Confirm(Node),
    Reign,
    /// A node refuses, since it knows higher numbers: a reign above them begins.
    GiveWay(Node),
    Restore,
    Edit(Set),
    /// The reign before goes on granting. It can't, unless that rule is broken.
    Haunt(Node),
    // -- peer hold
    Ask(Node),
    /// A question to one peer whose promise comes at once.
    Consult {
        owner: Node,
        peer: Node,
    },
    Promise {
        word: usize,
        peer: Node,
    },
    Count(usize),
    LosePeerWord(usize),
    Claim(Node),
    Withdraw,
    /// The owner has applied the newest owner set.
    NoteSet,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let clocks = self.bounds.slow.iter().flat_map(|slow| {
            let cycle = if *slow == 0 { 1 } else { self.bounds.timers.cycle };
            (0..cycle).map(move |beat| (*slow, beat))
        });
        clocks.map(|(slow, beat)| self.beginning(slow, beat)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        use Action::{
            Answer, Ask, Confirm, Decide, Died, Free, GiveWay, Greet, Haunt, Hear, Lapse, NoteSet, Place, Promise,
            Push, Reboot, Reign, Release, Renew, Restart, Restore, Start, Stop, Tick, Withdraw,
        };
        actions.extend([Tick, Release, Free, Reign, Restore]);
        let answer = if self.bounds.answers == 0 { Action::Listen } else { Answer };
        let decide = if self.bounds.fine { Decide } else { Lapse };
        let each: [fn(Node) -> Action; 15] = [
            Greet,
            answer,
            Renew,
            Push,
            Start,
            Stop,
            Died,
            Lapse,
            Place,
            Action::Adopt,
            Restart,
            Reboot,
            Confirm,
            GiveWay,
            decide,
        ];
        actions.extend(each.iter().flat_map(|action| (0..NODES).map(action)));
        actions.extend((0..state.answers.len()).map(Hear));
        actions.extend((0..state.requests.len()).flat_map(|index| [Action::Deliver(index), Action::Lose(index)]));
        actions.extend(self.bounds.sets.iter().map(|set| Action::Edit(*set)));
        if state.deposed.is_some() {
            actions.extend((0..NODES).map(Haunt));
        }
        if self.bounds.peer_hold {
            actions.extend((0..NODES).map(Action::Claim));
            if self.bounds.peer_words > 0 {
                actions.extend((0..NODES).map(Ask));
            } else {
                let pairs = (0..NODES).flat_map(|owner| (0..NODES).map(move |peer| (owner, peer)));
                actions.extend(pairs.map(|(owner, peer)| Action::Consult { owner, peer }));
            }
            actions.extend([Withdraw, NoteSet]);
            for word in 0..state.peer_words.len() {
                actions.extend([Action::Count(word), Action::LosePeerWord(word)]);
                actions.extend((0..NODES).map(|peer| Promise { word, peer }));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        (self.bounds.may)(&action).then_some(())?;
        let mut state = last.clone();
        self.happen(&mut state, action)?;
        reduce::reduce(&mut state, self);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(AT_MOST_ONE, |_, state: &State| running(state) <= 1),
            Property::always(PROVEN, |protocol: &Self, state: &State| {
                // A restored database knows less than there is.
                protocol.bounds.faults.restores > 0 || (0..NODES).all(|node| is_meant(state, node))
            }),
            Property::always(EPOCHS_GO_UP, |_, state: &State| !state.went_back),
            Property::always(RUNS_AGAIN, recovery::runs_again),
            Property::always(GOES_ON, recovery::goes_on_with_its_peers),
        ]
    }
}

pub const AT_MOST_ONE: &str = "at most one runs";
pub const PROVEN: &str = "who is stored as stopped has stopped";
pub const EPOCHS_GO_UP: &str = "no start under a lower epoch than ever ran";
pub const RUNS_AGAIN: &str = "with faults over it runs again";
pub const GOES_ON: &str = "no stop while the owner's peers are with it";

/// Whether `node` runs nothing, or is the stored owner.
fn is_meant(state: &State, node: Node) -> bool {
    state.nodes[node].run == Run::Off || state.database.owner() == Some(node)
}

/// On how many nodes anything of the group is alive.
fn running(state: &State) -> usize {
    state.nodes.iter().filter(|node| node.run != Run::Off).count()
}

impl Protocol {
    pub fn new(bounds: Bounds, rules: Rules) -> Self {
        let lifted = Bounds { decisions: u8::MAX, requests: usize::MAX, answers: usize::MAX, ..bounds };
        let lifted = Bounds { peer_words: usize::MAX, faults: Faults::default(), ..lifted };
        Self { bounds, rules, calm: Some(Arc::new(Self { bounds: lifted, rules, calm: None })) }
    }

    fn beginning(&self, slow: Set, beat: u8) -> State {
        let (timers, rules) = (&self.bounds.timers, self.rules);
        let set = self.bounds.sets[0];
        let mut state = State {
            database: Database { set, common: set, ..Database::default() },
            backup: None,
            reigns: 1,
            control: Control::new(Bond { term: 1, reign: 1 }, timers, rules),
            deposed: None,
            nodes: [NodeState::default(); NODES],
            newest: 0,
            went_back: false,
            requests: Vec::new(),
            answers: Vec::new(),
            peer_words: Vec::new(),
            slow,
            beat,
            left: self.bounds.faults,
        };
        state.database.term = 1;
        // Nothing was ever granted: no lease is outstanding.
        state.control.accounts.iter_mut().for_each(|account| account.bound = 0);
        if !self.bounds.blank {
            self.settled(&mut state);
        }
        state.backup = (self.bounds.faults.restores > 0).then_some(state.database);
        state
    }

    /// The group runs on the first node; everyone has just been heard.
    fn settled(&self, state: &mut State) {
        let (timers, rules) = (&self.bounds.timers, self.rules);
        state.database.place(0, 1);
        state.newest = 1;
        for (index, node) in state.nodes.iter_mut().enumerate() {
            let content = state.database.content(index);
            let decision = state.database.at[index];
            let owner = content != Content::Nothing;
            *node = NodeState {
                bond: state.control.bond,
                applied: (1, decision),
                content,
                top: u8::from(owner),
                lease: if owner { timers.ttl } else { 0 },
                run: if owner { Run::On { epoch: 1 } } else { Run::Off },
                ..NodeState::default()
            };
            state.control.accounts[index] = Account {
                echo: Echo::Age(0),
                bound: if owner { control::wait(timers, rules) } else { 0 },
                seen: Some(node.says(rules)),
                naming: Some((decision, content)),
                ..Account::default()
            };
        }
    }

    /// `None`: it can't happen now.
    pub fn happen(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Tick => network::tick(state, self),
            Action::Greet(_)
            | Action::Listen(_)
            | Action::Answer(_)
            | Action::Hear(_)
            | Action::Renew(_)
            | Action::Push(_) => {
                return network::talk(state, self, action);
            }
            Action::Deliver(_) | Action::Lose(_) | Action::Haunt(_) => return network::talk(state, self, action),
            Action::Start(node) => {
                let may = state.nodes[node].may_start(node, &self.bounds.timers, self.rules);
                may.then(|| state.nodes[node].start())?;
                let epoch = state.nodes[node].run.epoch()?;
                let known = state.nodes[node].top;
                // A restored database may have lost an epoch that nobody who answers knows.
                let newest = if self.bounds.faults.restores > 0 { known } else { state.newest };
                state.went_back |= epoch < newest;
                state.newest = state.newest.max(epoch);
            }
            Action::Stop(node) => {
                let must = state.nodes[node].must_stop();
                must.then(|| state.nodes[node].begin_stop(&self.bounds.timers))?;
            }
            Action::Died(node) => {
                matches!(state.nodes[node].run, Run::Dying { .. }).then_some(())?;
                state.nodes[node].run = Run::Off;
            }
            Action::Lapse(_) | Action::Decide(_) | Action::Release | Action::Free | Action::Place(_) => {
                return self.decide(state, action);
            }
            Action::Adopt(_) | Action::Edit(_) => return self.decide(state, action),
            Action::Restart(_) | Action::Reboot(_) | Action::Confirm(_) => return self.fault(state, action),
            Action::Reign | Action::GiveWay(_) | Action::Restore => return self.reign(state, action),
            _ => return peers::happen(state, self, action),
        }
        Some(())
    }

    fn decide(&self, state: &mut State, action: Action) -> Option<()> {
        let State { control, database, left, .. } = state;
        let rules = self.rules;
        match action {
            Action::Lapse(node) => {
                let account = &mut control.accounts[node];
                (!account.down && account.bound == 0).then(|| account.lapse(rules))?;
                return Some(());
            }
            Action::Decide(node) => {
                control.accounts[node].naming = Some(control.decide(node, database, rules)?);
                return Some(());
            }
            _ => (database.decision < self.bounds.decisions).then_some(())?,
        }
        match action {
            Action::Release => (database.phase == Phase::Held).then(|| database.release())?,
            Action::Free => control.has_proof(database, &self.bounds, rules).then(|| database.free())?,
            Action::Place(target) => {
                let free = matches!(database.phase, Phase::Never | Phase::Released);
                let proven = free || control.has_proof(database, &self.bounds, rules);
                (proven && control.may_place(target, database, rules)).then_some(())?;
                database.place(target, control.next_epoch(database));
            }
            Action::Adopt(node) => adopt(control, database, node)?,
            Action::Edit(set) => {
                (left.edits > 0 && set != database.set).then_some(())?;
                left.edits -= 1;
                database.edit(set, rules);
            }
            _ => return None,
        }
        Some(())
    }

    fn fault(&self, state: &mut State, action: Action) -> Option<()> {
        let (timers, rules) = (&self.bounds.timers, self.rules);
        let node = match action {
            Action::Restart(node) => {
                state.left.restarts = state.left.restarts.checked_sub(1)?;
                state.nodes[node].restart(timers, rules);
                node
            }
            Action::Reboot(node) | Action::Confirm(node) => {
                state.left.reboots = state.left.reboots.checked_sub(1)?;
                state.nodes[node].reboot(timers, rules);
                node
            }
            _ => return None,
        };
        network::end_stamps(state, node);
        if matches!(action, Action::Confirm(_)) {
            let account = &mut state.control.accounts[node];
            account.lapse(rules);
            account.confirmed = true;
        }
        Some(())
    }

    fn reign(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Restore => state.database = state.backup.take()?,
            Action::Reign => state.left.reigns = state.left.reigns.checked_sub(1)?,
            Action::GiveWay(node) => {
                let (wanted, assigned) = (state.database.content(node), state.database.at[node]);
                let (node, ours) = (&state.nodes[node], state.control.bond);
                // Not the cluster's decision counts, but that of what this node is to get.
                let differs = node.applied.1 == assigned && node.content != wanted;
                let outranks = !node.admits(ours, Rules::ALL) || node.applied.1 > assigned || differs;
                (outranks && node.bond != Bond::default()).then_some(())?;
                if self.rules.hold(Rule::NumbersAreRaisedAboveWhatIsHeard) {
                    let decision = node.applied.1 + 1;
                    state.database.term = state.database.term.max(node.bond.term);
                    if decision > state.database.decision {
                        state.database.decision = decision;
                        state.database.at = [decision; NODES];
                    }
                }
            }
            _ => return None,
        }
        self.begin_reign(state);
        Some(())
    }

    fn begin_reign(&self, state: &mut State) {
        state.reigns += 1;
        state.database.term += 1;
        let bond = Bond { term: state.database.term, reign: state.reigns };
        let old = std::mem::replace(&mut state.control, Control::new(bond, &self.bounds.timers, self.rules));
        if !self.rules.hold(Rule::TheOldReignHasEnded) {
            state.deposed = Some(old);
        }
    }
}

/// Takes over what runs on `node`: under a higher epoch than is stored, or though nobody owns it.
fn adopt(control: &Control, database: &mut Database, node: Node) -> Option<()> {
    let seen = control.accounts[node].seen?;
    let raised = database.phase == Phase::Held && usize::from(database.owner) == node && seen.top > database.epoch;
    let runs = |account: &Account| account.seen.is_some_and(|seen: Seen| seen.holds.is_some());
    let alone = control.accounts.iter().filter(|account| runs(account)).count() == 1;
    let orphan = database.owner().is_none() && alone && super::state::has(database.set, node);
    let epoch = if raised { Some(seen.top) } else { seen.running.filter(|_| orphan) };
    database.adopt(node, epoch?);
    Some(())
}
