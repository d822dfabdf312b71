//! Which states need not be told apart? What can change nothing any more is dropped, while every rule holds.

use super::protocol::Protocol;
use super::rules::{Rule, Rules};
use super::state::{Account, Content, Echo, NodeState, Request, Run, State};
use super::symmetry;

/// Brings a state to the one that stands for all that differ from it in nothing that matters.
pub fn reduce(state: &mut State, protocol: &Protocol) {
    if protocol.rules.hold(Rule::AcknowledgedUnderThisReign) {
        let bond = state.control.bond;
        state.answers.retain(|answer| answer.bond == bond);
    }
    if !protocol.bounds.fine {
        state.control.take_up(&state.database, protocol.rules);
    }
    if protocol.bounds.reduced {
        if !protocol.bounds.idle_leases {
            idle(state);
        }
        let (nodes, ttl) = (&state.nodes, protocol.bounds.timers.ttl);
        let rules = protocol.rules;
        state.requests.retain(|request| may_matter(request, &nodes[usize::from(request.to)], (ttl, rules)));
        let most = protocol.bounds.timers.hold;
        state.peer_words.retain(|word| {
            let owner = &nodes[usize::from(word.owner)];
            word.age < most && matches!(owner.content, Content::Run { epoch, .. } if epoch == word.epoch)
        });
        state.control.accounts.iter_mut().for_each(|account| stamp(account, protocol));
    }
    state.requests.sort_unstable();
    state.requests.dedup();
    state.peer_words.sort_unstable();
    state.peer_words.dedup();
    if protocol.bounds.nameless {
        symmetry::canonical(state);
    }
}

/// A node that neither has the group nor is about to get it could do nothing with a lease, since the assignment that
/// gives it something brings one of its own. It may be counted down the sooner: so more can happen, never less.
fn idle(state: &mut State) {
    let requests = &state.requests;
    for (index, node) in state.nodes.iter_mut().enumerate() {
        let to_run =
            |request: &Request| usize::from(request.to) == index && matches!(request.push, Some(Content::Run { .. }));
        if node.content == Content::Nothing && node.run == Run::Off && !requests.iter().any(to_run) {
            node.lease = 0;
            state.control.accounts[index].bound = 0;
        }
    }
}

/// Whether an order may still put an assignment in force or make a lease longer: decisions and terms only go up, and a
/// lease and what a stamp would make it shrink in step.
fn may_matter(request: &Request, node: &NodeState, (ttl, rules): (u8, Rules)) -> bool {
    let dead = request.echo == Echo::Dead;
    let unstamped = dead && !rules.hold(Rule::StampsEndWithTheProcess);
    let stamped = matches!(request.echo, Echo::Age(_)) || dead && !rules.hold(Rule::AssignmentsEchoAStamp) || unstamped;
    let ordered = rules.hold(Rule::DecisionsAreOrdered) && rules.hold(Rule::AppliedIsOnDisk);
    let newer = request.decision > node.applied.1 || request.bond.term != node.applied.0 || !ordered;
    let longer = matches!(request.echo, Echo::Age(age) if ttl.saturating_sub(age) > node.lease) || unstamped;
    let extends = longer && (newer || node.applied == (request.bond.term, request.decision));
    let useful = if request.push.is_some() { stamped && newer || extends } else { extends };
    node.admits(request.bond, rules) && (request.decision >= node.applied.1 || !ordered) && useful
}

/// Forgets a stamp on which nothing more will be sent: a lease on it has passed, or there is nothing to grant. A newer
/// one can be had at any time.
fn stamp(account: &mut Account, protocol: &Protocol) {
    let ttl = protocol.bounds.timers.ttl;
    let passed = account.echo == Echo::Dead || matches!(account.echo, Echo::Age(age) if age >= ttl);
    let wanted = account.naming.is_some_and(|(decision, content)| {
        let behind = account.seen.is_none_or(|seen| seen.applied != decision);
        matches!(content, Content::Run { .. }) || behind || protocol.bounds.idle_leases
    });
    if passed || !wanted || !protocol.bounds.fine {
        (account.echo, account.since) = (Echo::None, 0);
    }
}
