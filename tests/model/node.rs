//! What does a node do with an order, and when does it start and stop the service?

use super::bounds::Timers;
use super::rules::{Rule, Rules};
use super::state::{Bond, Content, Echo, NODES, NodeState, Request, Run, Seen};

/// How a request is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// By the sender's rank: nothing changes.
    NotAdmitted,
    /// The sender is obeyed from now on, the assignment is not.
    Refused,
    /// It is in force; a grant may have made the lease longer.
    Obeyed,
}

impl NodeState {
    /// Ticks left of what lets the service go on: the lease, or what every peer promised.
    pub fn may_go_on(&self, node: usize, rules: Rules) -> u8 {
        self.lease.max(self.hold(node, rules))
    }

    /// Ticks left of the hold: none without an assignment, or while any member of the owner set has not promised.
    pub fn hold(&self, node: usize, rules: Rules) -> u8 {
        let Content::Run { set, .. } = self.content else { return 0 };
        let promised = (0..NODES).filter(|peer| *peer != node && super::state::has(set, *peer));
        let promised = promised.map(|peer| self.held[peer]);
        if rules.hold(Rule::HoldNeedsEveryPromise) { promised.min() } else { promised.max() }.unwrap_or(0)
    }

    pub fn admits(&self, bond: Bond, rules: Rules) -> bool {
        let other_reign = bond.term == self.bond.term && bond.reign != self.bond.reign;
        !(rules.hold(Rule::TermsAreCompared) && bond.term < self.bond.term
            || rules.hold(Rule::ReignsAreCompared) && other_reign)
    }

    /// Obeys or refuses an order.
    pub fn meet(&mut self, request: &Request, timers: &Timers, rules: Rules) -> Met {
        if !self.admits(request.bond, rules) {
            return Met::NotAdmitted;
        }
        self.bond = request.bond;
        if let Some(content) = request.push
            && !self.weigh(request, content, (timers, rules))
        {
            return Met::Refused;
        }
        self.extend(request, timers, rules);
        Met::Obeyed
    }

    /// Whether the assignment is in force afterwards.
    fn weigh(&mut self, request: &Request, content: Content, (timers, rules): (&Timers, Rules)) -> bool {
        let offered = (request.bond.term, request.decision);
        if rules.hold(Rule::AssignmentsEchoAStamp) && !matches!(request.echo, Echo::Age(_)) {
            return false;
        }
        let older = request.decision < self.applied.1;
        let differs = request.decision == self.applied.1 && content != self.content;
        if rules.hold(Rule::DecisionsAreOrdered) && self.applied != (0, 0) && (older || differs) {
            return false;
        }
        if offered == self.applied {
            return true;
        }
        if rules.hold(Rule::EpochsAreOrdered) && content.epoch().is_some_and(|epoch| epoch < self.top) {
            return false;
        }
        if rules.hold(Rule::OwnerSetsChangeUnderALease) && self.lives_on_another_set(request, content, timers) {
            return false;
        }
        self.apply(offered, content, rules);
        true
    }

    /// Whether it goes on only by a hold under another owner set: its stop, once that counts no more, would take time
    /// that nobody waits for.
    fn lives_on_another_set(&self, request: &Request, content: Content, timers: &Timers) -> bool {
        let changes = match (self.content, content) {
            (Content::Run { set: old, .. }, Content::Run { set, .. }) => old != set,
            _ => false,
        };
        let granted = match request.echo {
            Echo::Age(age) => timers.ttl.saturating_sub(age),
            Echo::Dead | Echo::None => 0,
        };
        timers.hold > 0 && changes && self.run != Run::Off && self.lease.max(granted) <= timers.margin
    }

    fn apply(&mut self, applied: (u8, u8), content: Content, rules: Rules) {
        let same_set = matches!((self.content, content),
            (Content::Run { set: old, epoch: was }, Content::Run { set, epoch }) if old == set && was == epoch);
        if !same_set && rules.hold(Rule::HoldsEndWithTheirOwnerSet) {
            self.held = [0; NODES];
        } else if !same_set {
            // The hold goes on as it was, whoever is in the new set.
            let Content::Run { set, .. } = self.content else { return self.take(applied, content) };
            let was = (0..NODES).filter(|peer| super::state::has(set, *peer)).map(|peer| self.held[peer]).max();
            self.held = [was.unwrap_or(0); NODES];
        }
        self.take(applied, content);
    }

    fn take(&mut self, applied: (u8, u8), content: Content) {
        self.applied = applied;
        self.content = content;
        if let Content::Run { epoch, .. } = content {
            self.top = self.top.max(epoch);
        }
    }

    fn extend(&mut self, request: &Request, timers: &Timers, rules: Rules) {
        if std::mem::take(&mut self.inherited) {
            self.lease = self.lease.saturating_sub(timers.margin);
        }
        let in_force = self.applied == (request.bond.term, request.decision);
        if rules.hold(Rule::GrantsNameTheDecision) && !in_force {
            return;
        }
        let age = match request.echo {
            Echo::Age(_) if !rules.hold(Rule::LeaseCountsFromTheStamp) => 0,
            Echo::Age(age) => age,
            Echo::Dead if !rules.hold(Rule::StampsEndWithTheProcess) => 0,
            Echo::Dead | Echo::None => return,
        };
        self.lease = self.lease.max(timers.ttl.saturating_sub(age));
    }

    /// Whether it may start the service now.
    pub fn may_start(&self, node: usize, timers: &Timers, rules: Rules) -> bool {
        let Content::Run { .. } = self.content else { return false };
        let leased = match (rules.hold(Rule::StartsNeedALease), rules.hold(Rule::HoldStartsNothing)) {
            (true, true) => self.lease > timers.stop_budget,
            (true, false) => self.may_go_on(node, rules) > timers.stop_budget,
            (false, _) => true,
        };
        let free = self.promised == 0 || !rules.hold(Rule::ClaimsWaitForPromises);
        self.run == Run::Off && leased && free
    }

    pub fn start(&mut self) {
        if let Content::Run { epoch, .. } = self.content {
            self.run = Run::On { epoch };
        }
    }

    /// Whether the service that runs is another than the assigned one.
    pub fn must_stop(&self) -> bool {
        let wanted = match self.content {
            Content::Run { epoch, .. } => Some(epoch),
            Content::Nothing | Content::Claim { .. } => None,
        };
        matches!(self.run, Run::On { epoch } if wanted != Some(epoch))
    }

    pub fn begin_stop(&mut self, timers: &Timers) {
        if let Run::On { epoch } = self.run {
            self.run = Run::Dying { epoch, left: timers.kill };
        }
    }

    /// Lets a tick pass by its own clock, unless that skips it. The guard kills what has come to the end of its time.
    pub fn pass(&mut self, node: usize, skips: bool, (timers, rules): (&Timers, Rules)) {
        if let Run::Dying { epoch, left } = self.run {
            self.run = if left <= 1 { Run::Off } else { Run::Dying { epoch, left: left - 1 } };
        }
        if !skips {
            self.lease = self.lease.saturating_sub(1);
            self.promised = self.promised.saturating_sub(1);
            self.held = self.held.map(|left| left.saturating_sub(1));
            self.inherited &= self.lease > 0;
        }
        let margin = if rules.hold(Rule::TheNodesMargin) { timers.margin } else { 0 };
        if self.may_go_on(node, rules) <= margin && rules.hold(Rule::TheGuardKills) {
            self.begin_stop(timers);
        }
    }

    /// The agent process ends and begins anew; the guard keeps what runs, and the end of the lease.
    pub fn restart(&mut self, timers: &Timers, rules: Rules) {
        self.inherited = self.lease > 0;
        self.forget(timers, rules);
    }

    /// The machine loses its power.
    pub fn reboot(&mut self, timers: &Timers, rules: Rules) {
        (self.lease, self.inherited) = (0, false);
        self.run = Run::Off;
        self.forget(timers, rules);
    }

    fn forget(&mut self, timers: &Timers, rules: Rules) {
        self.held = [0; NODES];
        if !rules.hold(Rule::AppliedIsOnDisk) {
            self.applied = (0, 0);
        }
        // The clock may have begun anew: a promise counts whole.
        if self.promised > 0 {
            self.promised = if rules.hold(Rule::PromisesSurviveARestart) { promise(timers, rules) } else { 0 };
        }
    }

    /// What it says of itself.
    pub fn says(&self, rules: Rules) -> Seen {
        let under_this_term = self.applied.0 == self.bond.term || !rules.hold(Rule::AcknowledgedUnderThisReign);
        let applied = if under_this_term { self.applied.1 } else { 0 };
        let running = self.run.epoch();
        let assigned = match self.content {
            Content::Run { epoch, .. } if rules.hold(Rule::WhatIsAssignedMayRun) => Some(epoch),
            _ => None,
        };
        Seen { applied, running, holds: running.or(assigned), top: self.top, free: self.promised == 0 }
    }
}

/// How long a promise binds, by the clock of who gives it.
pub fn promise(timers: &Timers, rules: Rules) -> u8 {
    let hold = if rules.hold(Rule::PromisesCountDrift) { timers.stretch(timers.hold) } else { timers.hold };
    hold + timers.margin
}
