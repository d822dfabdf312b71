//! What is under way between the control plane and the nodes, and how does it age?

use super::protocol::{Action, Protocol};
use super::state::{Answer, Content, Echo, NODES, Node, Request, State, has};

impl Echo {
    fn grown(self, most: u8) -> Self {
        match self {
            Self::Age(age) => Self::Age((age + 1).min(most)),
            other => other,
        }
    }

    fn ended(self) -> Self {
        if self == Self::None { self } else { Self::Dead }
    }
}

pub fn talk(state: &mut State, protocol: &Protocol, action: Action) -> Option<()> {
    let (timers, rules) = (&protocol.bounds.timers, protocol.rules);
    match action {
        Action::Greet(node) => {
            let bond = state.control.bond;
            state.nodes[node].admits(bond, rules).then(|| state.nodes[node].bond = bond)?;
        }
        Action::Listen(node) => {
            let answer = answer_of(state, protocol, node)?;
            state.control.accounts[node].hear(&answer);
        }
        Action::Answer(node) => answer(state, protocol, node)?,
        Action::Hear(index) => {
            let heard = state.answers[index];
            let from = heard.from;
            state.control.accounts[usize::from(from)].hear(&heard);
            // What it overtook means nothing when it comes, and neither does a copy of it.
            let mut place = 0;
            state.answers.retain(|answer| {
                place += 1;
                answer.from != from || place > index + 1
            });
        }
        Action::Renew(node) | Action::Push(node) | Action::Haunt(node) => {
            let haunts = matches!(action, Action::Haunt(_));
            let control = if haunts { state.deposed.as_mut()? } else { &mut state.control };
            let bond = control.bond;
            if !protocol.bounds.fine && state.nodes[node].bond == bond {
                // A heartbeat's answer brings a stamp, and nothing of what runs.
                (control.accounts[node].echo, control.accounts[node].since) = (Echo::Age(0), 0);
            }
            let (decision, content, echo) = control.accounts[node].grant(timers, rules)?;
            let idle = content == Content::Nothing && !protocol.bounds.idle_leases;
            (!idle || matches!(action, Action::Push(_))).then_some(())?;
            let push = matches!(action, Action::Push(_)).then_some(content);
            let to = u8::try_from(node).unwrap();
            send(state, protocol, Request { to, bond, decision, push, echo })?;
        }
        Action::Deliver(index) => {
            let request = state.requests[index];
            state.nodes[usize::from(request.to)].meet(&request, timers, rules);
        }
        Action::Lose(index) => {
            is_full(state, protocol).then(|| state.requests.remove(index))?;
        }
        _ => return None,
    }
    Some(())
}

fn answer_of(state: &State, protocol: &Protocol, node: Node) -> Option<Answer> {
    let from = u8::try_from(node).unwrap();
    let (bond, seen) = (state.nodes[node].bond, state.nodes[node].says(protocol.rules));
    (bond == state.control.bond).then_some(Answer { from, bond, echo: Echo::Age(0), seen })
}

fn answer(state: &mut State, protocol: &Protocol, node: Node) -> Option<()> {
    let newest = answer_of(state, protocol, node)?;
    let from = newest.from;
    let under_way = state.answers.iter().filter(|answer| answer.from == from).count();
    (state.answers.last() != Some(&newest)).then_some(())?;
    if under_way >= protocol.bounds.answers {
        let oldest = state.answers.iter().position(|answer| answer.from == from)?;
        state.answers.remove(oldest);
    }
    state.answers.push(newest);
    // Only the order of those from one node means anything.
    state.answers.sort_by_key(|answer| answer.from);
    Some(())
}

fn is_full(state: &State, protocol: &Protocol) -> bool {
    state.requests.len() >= protocol.bounds.requests
}

fn send(state: &mut State, protocol: &Protocol, request: Request) -> Option<()> {
    (!state.requests.contains(&request) && !is_full(state, protocol)).then_some(())?;
    state.requests.push(request);
    Some(())
}

/// Lets a tick of true time pass, which is the control plane's; slow clocks may skip it.
pub fn tick(state: &mut State, protocol: &Protocol) {
    let (timers, rules) = (&protocol.bounds.timers, protocol.rules);
    let skips = |node: Node| has(state.slow, node) && state.beat == 0;
    let most = timers.ttl.max(timers.hold);
    for node in 0..NODES {
        state.nodes[node].pass(node, skips(node), (timers, rules));
        for control in state.deposed.iter_mut().chain([&mut state.control]) {
            let account = &mut control.accounts[node];
            account.since = (account.since + 1).min(super::control::wait(timers, rules));
            account.bound = account.bound.saturating_sub(1);
            if !skips(node) {
                account.echo = account.echo.grown(most);
            }
        }
    }
    for request in state.requests.iter_mut().filter(|request| !skips(request.to.into())) {
        request.echo = request.echo.grown(most);
    }
    for answer in state.answers.iter_mut().filter(|answer| !skips(answer.from.into())) {
        answer.echo = answer.echo.grown(most);
    }
    for word in state.peer_words.iter_mut().filter(|word| !skips(word.owner.into())) {
        word.age = (word.age + 1).min(most);
    }
    state.beat = if state.slow == 0 { 0 } else { (state.beat + 1) % timers.cycle };
}

/// The agent process of `node` is gone, and its stamps mean nothing any more.
pub fn end_stamps(state: &mut State, node: Node) {
    let of = |number: u8| usize::from(number) == node;
    for control in state.deposed.iter_mut().chain([&mut state.control]) {
        control.accounts[node].echo = control.accounts[node].echo.ended();
    }
    for request in state.requests.iter_mut().filter(|request| of(request.to)) {
        request.echo = request.echo.ended();
    }
    for answer in state.answers.iter_mut().filter(|answer| of(answer.from)) {
        answer.echo = answer.echo.ended();
    }
    state.peer_words.retain(|word| !of(word.owner));
}
