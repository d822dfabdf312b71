//! A machine with an agent: does what it runs, and until when, follow the holder's rules at every request?

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::node;
use crate::domain::{Decision, Epoch, Ticks};
use crate::lease::{Applied, Extension, Grant, Holder, Offer, Order, Refused, Stamp, Verdict};

#[derive(Debug, Clone)]
pub struct Request {
    pub order: Order,
    pub grant: Grant,
    pub push: Option<Decision>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub agent: Uuid,
    pub reign: Uuid,
    pub stamp: Stamp,
}

pub struct Machine {
    agent: Uuid,
    rate: u64,
    clock: u64,
    holder: Holder,
    /// What this incarnation stamped.
    stamped: BTreeSet<Ticks>,
}

impl Machine {
    pub fn new(agent: Uuid, incarnation: Uuid, rate: u64, clock: u64) -> Self {
        let holder = Holder::new(node(), incarnation, None, None, BTreeMap::new());
        Self { agent, rate, clock, holder, stamped: BTreeSet::new() }
    }

    pub fn clock(&self) -> u64 {
        self.clock
    }

    pub fn set_clock(&mut self, clock: u64) {
        self.clock = clock;
    }

    pub fn deadline(&self) -> Ticks {
        self.holder.deadline()
    }

    pub fn decision(&self) -> Option<Decision> {
        self.holder.applied_decision().map(|applied| applied.decision)
    }

    fn ticks(&self, now: u64) -> Ticks {
        Ticks(self.clock + u64::try_from(u128::from(now) * u128::from(self.rate) / 1_000_000).unwrap())
    }

    pub fn stopped(&self, now: u64) -> bool {
        self.ticks(now) >= self.holder.deadline()
    }

    pub fn begin(&mut self, incarnation: Uuid, deadline: Ticks) {
        let before = &self.holder;
        let (bond, applied) = (before.bond().cloned(), before.applied_decision());
        self.holder = Holder::new(node(), incarnation, bond, applied, before.epochs().clone());
        self.holder.inherit_deadline(deadline);
        self.stamped.clear();
    }

    /// Obeys or refuses, as an agent does; a refusal carries no stamp.
    pub fn receive(&mut self, request: &Request, now: u64) -> Result<Answer, Refused> {
        let before = self.holder.clone();
        let answer = self.obey(request, now);
        self.check(&before, request);
        answer
    }

    fn obey(&mut self, request: &Request, now: u64) -> Result<Answer, Refused> {
        if let Some(bond) = self.holder.admit(&request.order)? {
            self.holder.bind(bond);
        }
        let term = request.order.term;
        if let Some(decision) = request.push {
            let same_content = self.holder.applied_decision().is_some_and(|a| a.decision == decision);
            let epochs = BTreeMap::from([("ftp".parse().unwrap(), Epoch(decision.0))]);
            let offer = Offer { term, decision, echo: request.grant.echo, same_content, epochs };
            if let Verdict::Apply { applied, epochs } = self.holder.weigh(&offer)? {
                self.holder.applied(applied, epochs);
            }
        }
        if let Extension::Until(end) = self.holder.extend(term, &request.grant) {
            assert_eq!(end, self.holder.deadline());
        }
        let stamp = self.holder.stamp(self.ticks(now));
        self.stamped.insert(stamp.ticks);
        Ok(Answer { agent: self.agent, reign: request.order.reign, stamp })
    }

    /// Nothing went down, and a lease grew only by a grant for what runs here, from a moment stamped here.
    fn check(&self, before: &Holder, request: &Request) {
        let holder = &self.holder;
        let order = |a: Option<Applied>| a.map(|a| (a.term, a.decision));
        assert!(holder.bond().map(|b| b.term) >= before.bond().map(|b| b.term), "a term went down");
        assert!(order(holder.applied_decision()) >= order(before.applied_decision()), "an assignment went back");
        let decision = |h: &Holder| h.applied_decision().map(|a| a.decision);
        assert!(decision(holder) >= decision(before), "a decision went down");
        assert!(before.epochs().iter().all(|(g, e)| holder.epochs()[g] >= *e), "an epoch went down");
        assert!(holder.deadline() >= before.deadline(), "a lease was shortened");
        if holder.deadline() > before.deadline() {
            let Grant { echo: Some(echo), decision: Some(decision), ttl } = request.grant else {
                panic!("a lease grew by a grant of nothing")
            };
            assert!(self.stamped.contains(&echo.ticks), "a lease grew from a moment that was not stamped here");
            assert_eq!(holder.deadline(), echo.ticks.plus(ttl), "a lease ends a ttl after its stamp");
            let applied = Applied { term: request.order.term, decision };
            assert_eq!(holder.applied_decision(), Some(applied), "a lease grew on an assignment that is not applied");
            assert_eq!(holder.bond().map(|b| b.reign), Some(request.order.reign), "a lease grew by another reign");
        }
    }
}
