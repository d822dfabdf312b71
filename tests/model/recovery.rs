//! Does all become well from here: once faults are over, and when an owner is left alone with its peers?

use super::peers;
use super::protocol::{Action, Protocol};
use super::rules::Rules;
use super::state::{Content, Echo, NODES, Node, Phase, Request, Run, Set, State, has};

/// Ticks within which it must run again: a lease and a promise pass, and another lease.
const ROUNDS: usize = 14;

/// Ticks through which an owner must go on without the control plane.
const OUTAGE: usize = 8;

/// Whether the group runs where it is meant to, once everyone answers and time passes.
pub fn runs_again(protocol: &Protocol, state: &State) -> bool {
    protocol.calm.as_ref().is_none_or(|calm| is_settled(&calmed(calm, state)))
}

/// Whether an owner whose peers are all with it goes on without the control plane: now, and once all was well again.
pub fn goes_on_with_its_peers(protocol: &Protocol, state: &State) -> bool {
    let Some(calm) = protocol.calm.as_ref().filter(|_| protocol.bounds.peer_hold) else { return true };
    let owners: Vec<Node> = (0..NODES).filter(|node| are_with_it(calm, state, *node)).collect();
    if !owners.iter().all(|owner| outlasts(calm, state.clone(), *owner)) {
        return false;
    }
    let calmed = calmed(calm, state);
    !is_settled(&calmed) || outlasts(calm, calmed.clone(), usize::from(calmed.database.owner))
}

fn is_settled(state: &State) -> bool {
    let database = &state.database;
    let runs = |node: Node| {
        let meant = database.phase == Phase::Held && usize::from(database.owner) == node;
        state.nodes[node].run == if meant { Run::On { epoch: database.epoch } } else { Run::Off }
    };
    database.phase == Phase::Held && (0..NODES).all(runs)
}

/// Whether `owner` runs the group as it is assigned, and every other member of its owner set would promise.
fn are_with_it(protocol: &Protocol, state: &State, owner: Node) -> bool {
    let node = &state.nodes[owner];
    let Content::Run { epoch, .. } = node.content else { return false };
    let mut peers = others(state, owner);
    node.run == Run::On { epoch } && peers.all(|peer| peers::promises(&state.nodes[peer], epoch, protocol))
}

/// The other members of the owner set of `node`.
fn others(state: &State, node: Node) -> impl Iterator<Item = Node> {
    let set: Set = match state.nodes[node].content {
        Content::Run { set, .. } => set,
        Content::Nothing | Content::Claim { .. } => 0,
    };
    (0..NODES).filter(move |peer| *peer != node && has(set, *peer))
}

/// Nobody hears of the control plane; the owner asks its peers, who answer at once.
fn outlasts(protocol: &Protocol, mut state: State, owner: Node) -> bool {
    let peers: Vec<Node> = others(&state, owner).collect();
    for _ in 0..OUTAGE {
        for peer in &peers {
            let _ = protocol.happen(&mut state, Action::Consult { owner, peer: *peer });
        }
        let _ = protocol.happen(&mut state, Action::Tick);
    }
    peers.is_empty() || matches!(state.nodes[owner].run, Run::On { .. })
}

/// The state after a while without faults, with a control plane that does what is to be done.
fn calmed(protocol: &Protocol, state: &State) -> State {
    let mut state = state.clone();
    state.deposed = None;
    for round in 0..ROUNDS {
        if round > 0 {
            let _ = protocol.happen(&mut state, Action::Tick);
        }
        for _ in 0..3 {
            listen(protocol, &mut state);
            plan(protocol, &mut state);
            order(protocol, &mut state);
        }
    }
    state
}

fn listen(protocol: &Protocol, state: &mut State) {
    for node in 0..NODES {
        for action in [Action::Stop(node), Action::Died(node), Action::Start(node)] {
            let _ = protocol.happen(state, action);
        }
        let _ = protocol.happen(state, Action::GiveWay(node));
    }
    state.answers.clear();
    for node in 0..NODES {
        let _ = protocol.happen(state, Action::Greet(node));
        let _ = protocol.happen(state, Action::Listen(node));
    }
}

fn plan(protocol: &Protocol, state: &mut State) {
    let _ = protocol.happen(state, Action::NoteSet);
    let _ = protocol.happen(state, Action::Withdraw);
    let owner = usize::from(state.database.owner);
    let heard = |node: Node| state.control.accounts[node].seen;
    let elsewhere = (0..NODES).any(|node| {
        node != owner && heard(node).is_some_and(|seen| seen.holds.is_some_and(|epoch| epoch > state.database.epoch))
    });
    if elsewhere || !has(state.database.set, owner) {
        let _ = protocol.happen(state, Action::Release);
    }
    for node in 0..NODES {
        let _ = protocol.happen(state, Action::Adopt(node));
    }
    if state.database.phase != Phase::Held {
        let _ = (0..NODES).any(|node| protocol.happen(state, Action::Place(node)).is_some());
    }
}

fn order(protocol: &Protocol, state: &mut State) {
    let (timers, rules) = (&protocol.bounds.timers, protocol.rules);
    for node in 0..NODES {
        let _ = protocol.happen(state, Action::Decide(node));
        let Some((decision, content, echo)) = state.control.accounts[node].grant(timers, rules) else { continue };
        let (to, bond) = (u8::try_from(node).unwrap(), state.control.bond);
        let behind = state.control.accounts[node].seen.is_none_or(|seen| seen.applied != decision);
        let request = Request { to, bond, decision, push: behind.then_some(content), echo };
        debug_assert!(echo != Echo::None);
        state.nodes[node].meet(&request, timers, Rules::clone(&rules));
    }
}
