//! What does the agent do with an order? It weighs it, writes down what came of it, and then obeys.

use std::sync::Arc;

use super::convert::{self, lease_grant, lease_order, lease_stamp};
use super::{Core, CoreError, place};
use crate::agent::guard::client::LeaseEnd;
use crate::agent::ledger::Ledger;
use crate::agent::supervisor::Event;
use crate::domain::Ticks;
use crate::lease::{Bond, Extension, Offer, Refused, Verdict};
use crate::wire::{AssignmentRequest, Grant, LeaseAnswer, LeaseRequest, Observation, Order};

impl Core {
    pub(super) async fn assign(&mut self, request: AssignmentRequest) -> Result<Observation, CoreError> {
        let bond = self.holder.admit(&lease_order(&request.order)).map_err(|r| self.refusal(&r, &request.order))?;
        let assignment = request.assignment.0;
        let offer = Offer {
            term: request.order.term,
            decision: request.decision,
            echo: request.grant.echo.map(lease_stamp),
            same_content: assignment == self.ledger.assignment,
            epochs: assignment.groups.iter().map(|group| (group.group.clone(), group.epoch)).collect(),
        };
        match self.holder.weigh(&offer) {
            Ok(Verdict::Apply { applied, epochs }) => {
                let mut ledger = Ledger { applied: Some(applied), assignment, epochs, ..self.ledger.clone() };
                ledger.bond = bond.or(ledger.bond);
                self.write(ledger).await?;
                self.happened(Event::Assigned(self.ledger.assignment.clone()));
                self.revise();
            }
            Ok(Verdict::Same) => self.bind(bond).await?,
            Err(refused) => {
                self.bind(bond).await?;
                return Err(self.refusal(&refused, &request.order));
            }
        }
        self.extend(&request.order, &request.grant);
        Ok(self.observation())
    }

    pub(super) async fn renew(&mut self, request: &LeaseRequest) -> Result<LeaseAnswer, CoreError> {
        self.admit(&request.order).await?;
        self.extend(&request.order, &request.grant);
        let Observation { identity, stamp, applied, revision, lease_left_ms, .. } = self.observation();
        Ok(LeaseAnswer { identity, stamp, applied, revision, lease_left_ms })
    }

    pub(super) async fn admit(&mut self, order: &Order) -> Result<(), CoreError> {
        let bond = self.holder.admit(&lease_order(order)).map_err(|refused| self.refusal(&refused, order))?;
        self.bind(bond).await
    }

    async fn bind(&mut self, bond: Option<Bond>) -> Result<(), CoreError> {
        match bond {
            Some(bond) => self.write(Ledger { bond: Some(bond), ..self.ledger.clone() }).await,
            None => Ok(()),
        }
    }

    /// Ordering: on disk first, then in force.
    async fn write(&mut self, ledger: Ledger) -> Result<(), CoreError> {
        self.machine.write(&ledger).await.map_err(|error| {
            let why = format!("{error:#}");
            tracing::error!(%why, "an order is not obeyed, since it could not be written down");
            CoreError::Failed(why)
        })?;
        if let Some(bond) = ledger.bond.clone() {
            self.holder.bind(bond);
        }
        if let Some(applied) = ledger.applied {
            self.holder.applied(applied, ledger.epochs.clone());
        }
        self.ledger = ledger;
        self.place = Arc::new(place(&*self.machine, &self.ledger));
        Ok(())
    }

    fn extend(&mut self, order: &Order, grant: &Grant) {
        if let Extension::Until(_) = self.holder.extend(order.term, &lease_grant(grant)) {
            self.show();
            // It was granted on exactly what is applied here, to this process.
            if !self.supervisor.is_told() {
                self.happened(Event::AssignmentStands);
            }
        }
        self.tell_lease();
    }

    /// Tells the guard when the lease ends; one telling at a time, the newest next.
    pub(super) fn tell_lease(&mut self) {
        let timers = self.ledger.assignment.timers;
        let deadline = self.holder.deadline();
        if deadline == Ticks(0) {
            return;
        }
        let end = LeaseEnd {
            stop_at: deadline.minus(timers.stop_budget.get()),
            kill_at: deadline.minus(timers.margin.get()),
        };
        if end == self.taken {
            return;
        }
        if end.stop_at < self.taken.stop_at {
            // Other timers make it end earlier: that holds before the guard knows it.
            self.happened(Event::LeaseMoved(end));
        }
        let Some(hands) = self.hands.as_ref().filter(|_| !self.telling) else { return };
        hands.set_lease(end);
        self.telling = true;
    }

    fn refusal(&self, refused: &Refused, order: &Order) -> CoreError {
        CoreError::Refused(Box::new(convert::refusal(refused, order, &self.ledger, self.machine.state_dir())))
    }
}
