//! How does an owner go on through its peers while the control plane is away, and how is a takeover kept from it?

use super::node;
use super::protocol::{Action, Protocol};
use super::rules::Rule;
use super::state::{Content, Node, NodeState, PeerWord, Phase, Run, State, has};

pub fn happen(state: &mut State, protocol: &Protocol, action: Action) -> Option<()> {
    match action {
        Action::Ask(node) => ask(state, protocol, node),
        Action::Consult { owner, peer } => {
            let question = question(state, protocol, owner)?;
            let answer = promise(state, protocol, (question, peer))?;
            count(state, protocol, answer)
        }
        Action::Promise { word, peer } => {
            let question = state.peer_words[word];
            let answer = promise(state, protocol, (question, peer))?;
            // It may be lost on its way: then the promise binds all the same.
            let _ = say(state, protocol, answer);
            Some(())
        }
        Action::Count(word) => count(state, protocol, state.peer_words[word]),
        Action::LosePeerWord(word) => {
            (state.peer_words.len() >= protocol.bounds.peer_words).then(|| state.peer_words.remove(word))?;
            Some(())
        }
        Action::Claim(_) | Action::Withdraw | Action::NoteSet => decide(state, protocol, action),
        _ => None,
    }
}

fn say(state: &mut State, protocol: &Protocol, word: PeerWord) -> Option<()> {
    let room = state.peer_words.len() < protocol.bounds.peer_words;
    (room && !state.peer_words.contains(&word)).then(|| state.peer_words.push(word))
}

fn ask(state: &mut State, protocol: &Protocol, node: Node) -> Option<()> {
    let question = question(state, protocol, node)?;
    say(state, protocol, question)
}

/// What an owner asks that runs the group.
fn question(state: &State, protocol: &Protocol, node: Node) -> Option<PeerWord> {
    let owner = &state.nodes[node];
    let Content::Run { epoch, .. } = owner.content else { return None };
    let may = owner.run == Run::On { epoch } || !protocol.rules.hold(Rule::HoldStartsNothing);
    may.then_some(PeerWord { owner: u8::try_from(node).unwrap(), promiser: None, epoch, age: 0 })
}

/// Whether `peer` may promise not to start the group that runs under `epoch` elsewhere.
pub fn promises(peer: &NodeState, epoch: u8, protocol: &Protocol) -> bool {
    let claimed = match peer.content {
        Content::Nothing => false,
        Content::Run { .. } => true,
        Content::Claim { epoch: claimed } => claimed >= epoch && protocol.rules.hold(Rule::TheClaimedPromiseNothing),
    };
    peer.run == Run::Off && !claimed && peer.top <= epoch
}

fn promise(state: &mut State, protocol: &Protocol, (question, peer): (PeerWord, Node)) -> Option<PeerWord> {
    let owner = usize::from(question.owner);
    (question.promiser.is_none() && owner != peer).then_some(())?;
    let Content::Run { set, .. } = state.nodes[owner].content else { return None };
    let may = has(set, peer) && promises(&state.nodes[peer], question.epoch, protocol);
    may.then_some(())?;
    let binds = node::promise(&protocol.bounds.timers, protocol.rules);
    let answer = PeerWord { promiser: Some(u8::try_from(peer).unwrap()), ..question };
    let given = &mut state.nodes[peer].promised;
    *given = binds.max(*given);
    Some(answer)
}

fn count(state: &mut State, protocol: &Protocol, word: PeerWord) -> Option<()> {
    let owner = &mut state.nodes[usize::from(word.owner)];
    let Content::Run { epoch, set } = owner.content else { return None };
    let peer = usize::from(word.promiser?);
    let runs = owner.run == Run::On { epoch } || !protocol.rules.hold(Rule::HoldStartsNothing);
    (epoch == word.epoch && has(set, peer) && runs).then_some(())?;
    let left = protocol.bounds.timers.hold.saturating_sub(word.age);
    owner.held[peer] = owner.held[peer].max(left);
    Some(())
}

fn decide(state: &mut State, protocol: &Protocol, action: Action) -> Option<()> {
    let State { database, control, .. } = state;
    let owner = database.owner()?;
    let rules = protocol.rules;
    match action {
        Action::NoteSet => {
            let seen = control.accounts[owner].seen?;
            let newest = database.phase == Phase::Held && seen.applied >= database.at[owner];
            (newest && database.common != database.set).then(|| database.common = database.set)?;
            return Some(());
        }
        _ => (database.decision < protocol.bounds.decisions).then_some(())?,
    }
    match action {
        Action::Claim(target) => {
            let heard = control.accounts[target].seen.is_some();
            let may = target != owner && has(database.common & database.set, target) && heard;
            (may && database.claim.is_none()).then(|| database.claim(target))?;
        }
        Action::Withdraw => {
            let back = control.accounts[owner].seen.is_some() && rules.hold(Rule::ClaimsAreWithdrawn);
            (back && database.claim.is_some()).then(|| database.withdraw())?;
        }
        _ => return None,
    }
    Some(())
}
