//! In which words does the model's state say what the code says, and do both say the same?

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use locum::domain::{Decision, Epoch, GroupName, NodeState as Seen, Term};
use locum::lease::{Applied, Refused};

use super::super::bounds::Timers;
use super::super::protocol::Protocol;
use super::super::rules::Rules;
use super::super::state::{self, Account, Content, Echo, NODES, Node, NodeState, Request, Run, State};
use super::agent::Agent;
use super::plane::Plane;
use super::words::{TICK, group, order, real_bond};

/// What a node has applied, in the code's words.
pub fn applied_of(state: &NodeState) -> Option<Applied> {
    let (term, decision) = state.applied;
    (state.applied != (0, 0)).then(|| Applied { term: Term(term.into()), decision: Decision(decision.into()) })
}

/// Why the model's node does not obey: none if it does. The same order of rules as its `meet`, which only says whether.
pub fn refusal_of(state: &NodeState, request: &Request) -> Option<Refused> {
    let (offered, known) = (request.bond, state.bond);
    if offered.term < known.term {
        return Some(Refused::StaleTerm { highest: Term(known.term.into()) });
    }
    if offered.term == known.term && offered.reign != known.reign {
        return Some(Refused::OtherReign);
    }
    let content = request.push?;
    let ((_, newest), some) = (state.applied, state.applied != (0, 0));
    if !matches!(request.echo, Echo::Age(_)) {
        Some(Refused::StaleStamp)
    } else if some && request.decision < newest {
        Some(Refused::StaleDecision { highest: Decision(newest.into()) })
    } else if some && request.decision == newest && content != state.content {
        Some(Refused::ContentDiffers)
    } else if (offered.term, request.decision) != state.applied && content.epoch().is_some_and(|e| e < state.top) {
        Some(Refused::StaleEpoch { group: group(), highest: Epoch(state.top.into()) })
    } else {
        None
    }
}

/// An error if both are not the same.
pub fn same<T: PartialEq + Debug>(what: impl Display, model: &T, code: &T) -> Result<(), String> {
    if model == code { Ok(()) } else { Err(format!("{what}: {model:?} in the model, {code:?} in the code")) }
}

/// What is observed of the group: its epoch and whether anything of it is alive. None if there is nothing to say.
pub fn observed(agent: &Agent) -> Option<(u64, bool)> {
    let [seen] = agent.supervisor.groups() else { return None };
    Some((seen.epoch.0, seen.running))
}

/// The same of the model's node.
pub fn expected(state: &NodeState) -> Option<(u64, bool)> {
    let assigned = match state.content {
        Content::Run { epoch, .. } => Some(epoch),
        Content::Nothing | Content::Claim { .. } => None,
    };
    let epoch = state.run.epoch().or(assigned)?;
    Some((epoch.into(), state.run != Run::Off))
}

pub fn epochs_of(state: &NodeState) -> BTreeMap<GroupName, Epoch> {
    (state.top > 0).then(|| (group(), Epoch(state.top.into()))).into_iter().collect()
}

/// What the holder knows of its orders and its lease.
pub fn holders_agree(state: &NodeState, agent: &Agent, timers: &Timers) -> Result<(), String> {
    let holder = &agent.holder;
    let bond = (state.bond != state::Bond::default()).then(|| real_bond(state.bond));
    same("whom it obeys", &bond.as_ref(), &holder.bond())?;
    same("what it has applied", &applied_of(state), &holder.applied_decision())?;
    same("its epochs", &epochs_of(state), holder.epochs())?;
    // A new process goes by the guard's kill moment; until its first order the model keeps the guard's own lease.
    let lease = if state.inherited { state.lease.saturating_sub(timers.margin) } else { state.lease };
    let left = holder.deadline().since(agent.clock).as_micros().div_ceil(TICK.as_micros());
    same("what is left of its lease", &u128::from(lease), &left)?;
    same("whether it may run", &(lease > timers.stop_budget), &agent.may_run())
}

/// What the supervisor has made of it, at rest: it does at once what it may and must, so nothing is left to be started
/// or stopped.
pub fn supervisors_agree(state: &NodeState, agent: &Agent, timers: &Timers) -> Result<(), String> {
    same("the group that is observed", &expected(state), &observed(agent))?;
    same("whether the service is alive", &(state.run != Run::Off), &agent.is_alive())?;
    same("whether the service is told to end", &matches!(state.run, Run::Dying { .. }), &agent.is_ending())?;
    same("whether it has yet to start", &state.may_start(agent.node, timers, Rules::ALL), &false)?;
    same("whether it has yet to stop", &state.must_stop(), &false)
}

/// Everything of a node.
pub fn nodes_agree(model: &State, agent: &Agent, timers: &Timers) -> Result<(), String> {
    let state = &model.nodes[agent.node];
    holders_agree(state, agent, timers)?;
    supervisors_agree(state, agent, timers)?;
    let asks = Request { to: 0, bond: model.control.bond, decision: 0, push: None, echo: Echo::None };
    let admitted = agent.holder.admit(&order(agent.node, asks.bond));
    same("whether it admits who reigns", &refusal_of(state, &asks), &admitted.err())
}

/// What the control plane knows of each node, and what it would grant it now.
pub fn planes_agree(model: &State, plane: &Plane, agents: [&Agent; NODES], protocol: &Protocol) -> Result<(), String> {
    let mut plane = plane.clone();
    (0..NODES).try_for_each(|node| {
        let account = model.control.accounts[node];
        accounts_agree(account, (node, &mut plane), agents[node], protocol)
            .map_err(|why| format!("node {node} in the control plane's account, {why}"))
    })
}

fn accounts_agree(
    mut account: Account,
    (node, plane): (Node, &mut Plane),
    agent: &Agent,
    protocol: &Protocol,
) -> Result<(), String> {
    let timers = &protocol.bounds.timers;
    let standing = plane.standing(node);
    same("whether it is down", &account.down, &(standing.state == Seen::Down))?;
    same("whether it has answered", &(account.echo != Echo::None), &standing.answered)?;
    same("how often it was counted down", &plane.lapses[node], &standing.lapses)?;
    same("when it is proven stopped", &account.bound, &plane.left(standing.stopped_at))?;
    let granted = account.grant(timers, protocol.rules);
    let grant = plane.grant(node);
    same("what is granted", &granted.map(|(decision, ..)| decision), &plane.names(&grant)?)?;
    if let Some((.., echo)) = granted
        && !agent.is(grant.echo, echo, oldest(timers))
    {
        return Err(format!("a grant echoes {echo:?} in the model, {:?} in the code", grant.echo));
    }
    same("when it is proven stopped, once granted", &account.bound, &plane.left(plane.standing(node).stopped_at))?;
    plane.forgets_old_views(node)
}

/// Up to which the model tells the ages of stamps apart.
pub fn oldest(timers: &Timers) -> u8 {
    timers.ttl.max(timers.hold)
}
