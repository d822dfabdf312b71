//! How do model and code take one action together?

use locum::lease::Refused;

use super::super::node::Met;
use super::agent::Agent;
use super::compare::{oldest, refusal_of, same};
use super::guard::Did;
use super::words::TICK;
use super::{Action, Arc, Both, Code, Lockstep, NODES, Node, NodeState, Request, Run, State, has, reduce};

/// `None`: the model can't take the action now. An error: the code does otherwise.
pub type Taken = Result<Option<()>, String>;

/// What the model has taken up of what is stored, the grantor is told.
fn take_up(both: &mut Both, before: &State) {
    let anew = both.model.control.bond != before.control.bond;
    for node in 0..NODES {
        let naming = both.model.control.accounts[node].naming;
        if let Some((decision, _)) = naming.filter(|_| anew || naming != before.control.accounts[node].naming) {
            both.code.plane().assign(node, decision);
        }
    }
}

impl Lockstep {
    pub fn take(&self, both: &mut Both, action: Action) -> Taken {
        let before = both.model.clone();
        let possible = match action {
            Action::Lapse(_) => self.look(both).map(Some)?,
            Action::Confirm(node) => self.confirm(both, node)?,
            _ => self.protocol.happen(&mut both.model, action),
        };
        if possible.is_none() {
            return Ok(None);
        }
        self.follow(both, &before, action)?;
        for node in 0..NODES {
            let delivered = matches!(action, Action::Deliver(_));
            let most = if delivered { before.nodes[node].lease } else { 0 };
            if !both.code.agents[node].did.is_empty() {
                let agent = Arc::make_mut(&mut both.code.agents[node]);
                let acted = self.act(&mut both.model.nodes[node], agent, most);
                acted.map_err(|why| format!("node {node} {why}"))?;
            }
        }
        reduce::reduce(&mut both.model, &self.protocol);
        if !self.protocol.bounds.fine {
            take_up(both, &before);
        }
        Ok(Some(()))
    }

    /// The control plane lets the time that has passed count. The model may count a node down as soon as its bound has
    /// passed; the grantor not before it has missed three heartbeats, which are over with the next tick.
    fn look(&self, both: &mut Both) -> Result<(), String> {
        for node in both.code.plane().look() {
            let lapsed = self.protocol.happen(&mut both.model, Action::Lapse(node));
            lapsed.ok_or_else(|| format!("node {node} is counted down before its bound"))?;
            both.code.plane().lapses[node] += 1;
        }
        let accounts = both.model.control.accounts.iter().enumerate();
        let late = accounts.filter(|(_, account)| !account.down && account.bound == 0 && account.since > 0);
        match late.map(|(node, _)| node).next() {
            Some(node) => Err(format!("node {node} is not counted down though its bound has passed")),
            None => Ok(()),
        }
    }

    /// An operator's word counts for a node that is silent; in the model at any time.
    fn confirm(&self, both: &mut Both, node: Node) -> Taken {
        self.look(both)?;
        let account = both.model.control.accounts[node];
        let silent = account.down || account.echo == super::Echo::None || account.since > 0;
        let counts = both.code.plane().confirm_down(node);
        same(format_args!("whether the word on node {node} counts"), &silent, &counts)?;
        both.code.plane().lapses[node] += u64::from(counts && !account.down);
        Ok(if counts { self.protocol.happen(&mut both.model, Action::Confirm(node)) } else { None })
    }

    /// The code takes the action that the model has taken.
    fn follow(&self, both: &mut Both, before: &State, action: Action) -> Result<(), String> {
        let Both { model, code, .. } = both;
        match action {
            Action::Tick => {
                let plane = code.plane();
                plane.now = plane.now.plus(TICK);
                for node in 0..NODES {
                    let dying = matches!(before.nodes[node].run, Run::Dying { .. });
                    let ended = dying && model.nodes[node].run == Run::Off;
                    code.agent(node).pass(has(before.slow, node) && before.beat == 0, ended)?;
                }
            }
            Action::Greet(node) => {
                let greeted = code.agent(node).greet(model.control.bond);
                same(format_args!("how node {node} is greeted"), &Ok(()), &greeted)?;
            }
            Action::Listen(node) => {
                let stamp = code.agent(node).stamp();
                code.plane().heard(node, stamp)?;
            }
            Action::Renew(node) | Action::Push(node) => self.send(both, before, node)?,
            Action::Deliver(index) => self.deliver(both, before, index)?,
            Action::Decide(node) => {
                let (decision, _) = model.control.accounts[node].naming.ok_or("it decides nothing")?;
                code.plane().assign(node, decision);
            }
            Action::Died(node) => code.agent(node).exited()?,
            Action::Restart(node) => code.agent(node).restart()?,
            Action::Reboot(node) | Action::Confirm(node) => code.agent(node).reboot()?,
            Action::Reign | Action::GiveWay(_) | Action::Restore => code.plane().end(model.control.bond),
            // What is decided and stored becomes known by what grants name.
            _ => {}
        }
        Ok(())
    }

    /// A grant is sent. Unless stamps are fetched in steps of their own, it rests on one that has just come.
    fn send(&self, both: &mut Both, before: &State, node: Node) -> Result<(), String> {
        let Both { model, code: Code { plane, agents }, .. } = both;
        let (plane, agent) = (Arc::make_mut(plane), Arc::make_mut(&mut agents[node]));
        if !self.protocol.bounds.fine && before.nodes[node].bond == before.control.bond {
            plane.heard(node, agent.stamp())?;
        }
        let sent = model.requests.iter().find(|request| !before.requests.contains(request)).ok_or("nothing is sent")?;
        let grant = plane.grant(node);
        same("the decision that is sent", &Some(sent.decision), &plane.names(&grant)?)?;
        if !agent.is(grant.echo, sent.echo, oldest(&self.protocol.bounds.timers)) {
            return Err(format!("the model echoes {:?}, the code {:?}", sent.echo, grant.echo));
        }
        Ok(())
    }

    fn deliver(&self, both: &mut Both, before: &State, index: usize) -> Result<(), String> {
        let request = before.requests[index];
        let node = usize::from(request.to);
        let obeyed = both.code.agent(node).obey(&request)?;
        self.met(&before.nodes[node], &request, obeyed.as_ref().err()).map_err(|why| format!("node {node}, {why}"))
    }

    /// Both refuse the order for the same reason, or obey it.
    pub fn met(&self, state: &NodeState, request: &Request, refused: Option<&Refused>) -> Result<(), String> {
        let why = refusal_of(state, request);
        let met = { *state }.meet(request, &self.protocol.bounds.timers, self.protocol.rules);
        let rank = matches!(why, Some(Refused::StaleTerm { .. } | Refused::OtherReign));
        let said = if rank {
            Met::NotAdmitted
        } else if why.is_some() {
            Met::Refused
        } else {
            Met::Obeyed
        };
        same("how the model meets it, by its reason", &met, &said)?;
        if let Some(refused) = refused {
            let kind = format!("{refused:?}");
            self.refusals.lock().unwrap().insert(kind.split(' ').next().unwrap().to_owned());
        }
        same("why it is refused", &why.as_ref(), &refused)
    }

    /// What the supervisor did is done in the model too, if it may be. `most`: the lease may have been that long at the
    /// moment at which a new assignment came into force, before the order made a new process tell the guard less.
    pub fn act(&self, state: &mut NodeState, agent: &mut Agent, most: u8) -> Result<(), String> {
        let timers = &self.protocol.bounds.timers;
        let did = std::mem::take(&mut agent.did);
        for did in did {
            let ends = state.lease <= timers.margin;
            match (did, state.run) {
                (Did::Start { epoch }, Run::Off) => {
                    let at_best = NodeState { lease: state.lease.max(most), ..*state };
                    if !at_best.may_start(agent.node, timers, self.protocol.rules) {
                        return Err(format!("starts the service, and may not: {state:?}"));
                    }
                    state.start();
                    same("starts it under the epoch", &state.run.epoch().map(u64::from), &Some(epoch))?;
                }
                // Asked by the guard, it was to stop though the lease was then renewed; the model's guard only kills.
                (Did::Signal, Run::On { .. }) if state.must_stop() || ends || agent.was_asked() => {
                    state.begin_stop(timers)
                }
                (Did::Kill, Run::On { .. }) if ends => state.begin_stop(timers),
                (Did::Signal | Did::Kill, Run::Dying { .. }) => {}
                _ => return Err(format!("does {did:?}, and there is no reason to: {state:?}")),
            }
        }
        Ok(())
    }
}
