//! Does a node meet every order that could ever come as the model's node would, also those that nobody sent?

use super::super::state::{Bond, Content, EVERYONE, Echo};
use super::agent::Agent;
use super::compare;
use super::{Lockstep, NodeState, Request};

impl Lockstep {
    /// Tries every order around what the node knows, once for each state of a node.
    pub fn probe(&self, state: &NodeState, agent: &Agent) -> Result<(), String> {
        if let Some(known) = self.probed.lock().unwrap().get(state) {
            return known.clone();
        }
        let mut agent = agent.clone();
        // An echo of some age presumes that there was a stamp.
        agent.stamp();
        let parted = orders(state).iter().try_for_each(|request| {
            self.try_order(*state, agent.clone(), request).map_err(|why| format!("if {request:?} came: {why}"))
        });
        self.probed.lock().unwrap().insert(*state, parted.clone());
        parted
    }

    fn try_order(&self, state: NodeState, mut agent: Agent, request: &Request) -> Result<(), String> {
        let timers = &self.protocol.bounds.timers;
        let obeyed = agent.obey(request)?;
        self.met(&state, request, obeyed.as_ref().err())?;
        let mut after = state;
        after.meet(request, timers, self.protocol.rules);
        self.act(&mut after, &mut agent, state.lease)?;
        compare::holders_agree(&after, &agent, timers)?;
        compare::supervisors_agree(&after, &agent, timers)
    }
}

/// Nothing is ever numbered 0.
fn around(number: u8) -> impl Iterator<Item = u8> {
    number.saturating_sub(1).max(1)..=number + 1
}

fn orders(state: &NodeState) -> Vec<Request> {
    let Bond { term, reign } = state.bond;
    let bonds = around(term).flat_map(|term| [reign, reign + 1].map(|reign| Bond { term, reign }));
    let ranks = bonds.flat_map(|bond| around(state.applied.1).map(move |decision| (bond, decision)));
    let runs = around(state.top).flat_map(|epoch| [EVERYONE, 0b011].map(|set| Content::Run { epoch, set }));
    let pushes: Vec<_> = runs.chain([Content::Nothing]).map(Some).chain([None]).collect();
    let mut orders = Vec::new();
    for (bond, decision) in ranks {
        for push in &pushes {
            let echoes = [Echo::None, Echo::Dead, Echo::Age(0), Echo::Age(1)];
            orders.extend(echoes.map(|echo| Request { to: 0, bond, decision, push: *push, echo }));
        }
    }
    orders
}
