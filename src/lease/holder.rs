//! Which orders does an agent obey, and until when may it run its groups? The agent's half.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Grant, Order, Stamp};
use crate::domain::{ClusterName, Decision, Epoch, GroupName, LeaseTimers, NodeName, Term, Ticks};

/// Whom the agent obeys. On disk before the first answer under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    pub cluster_id: Uuid,
    pub cluster: ClusterName,
    pub term: Term,
    pub reign: Uuid,
}

/// The newest assignment that was applied. On disk before it is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub term: Term,
    pub decision: Decision,
}

/// Why an order is not obeyed. Nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    OtherNode,
    OtherCluster,
    StaleTerm {
        highest: Term,
    },
    OtherReign,
    StaleDecision {
        highest: Decision,
    },
    /// The same decision came before with other content.
    ContentDiffers,
    StaleEpoch {
        group: GroupName,
        highest: Epoch,
    },
    StaleStamp,
}

/// What to do with an assignment that is obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// New: write it to disk with these epochs, then `applied`, then act on it.
    Apply { applied: Applied, epochs: BTreeMap<GroupName, Epoch> },
    /// The same as the one applied: nothing to do. (A new term with equal decision and content is `Apply`.)
    Same,
}

/// An assignment as it came.
#[derive(Debug, Clone)]
pub struct Offer {
    pub term: Term,
    pub decision: Decision,
    /// The stamp that it echoes.
    pub echo: Option<Stamp>,
    /// Whether its content equals that of the one applied last.
    pub same_content: bool,
    /// The epochs of its groups.
    pub epochs: BTreeMap<GroupName, Epoch>,
}

/// What a grant did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The lease now ends at this moment.
    Until(Ticks),
    /// Nothing was extended: the stamp is of another incarnation, the decision is not the one applied under the grant's
    /// term, nothing was granted, or the lease is longer already.
    Unchanged,
}

/// One agent process's account of what it may do.
#[derive(Debug, Clone)]
pub struct Holder {
    node: NodeName,
    incarnation: Uuid,
    bond: Option<Bond>,
    applied: Option<Applied>,
    /// The highest epoch of every group that was ever applied here, held or not.
    epochs: BTreeMap<GroupName, Epoch>,
    deadline: Ticks,
    /// The newest moment that was stamped: nobody can echo a later one.
    stamped: Ticks,
}

impl Holder {
    /// An agent process with what its disk remembers, and no lease.
    pub fn new(
        node: NodeName,
        incarnation: Uuid,
        bond: Option<Bond>,
        applied: Option<Applied>,
        epochs: BTreeMap<GroupName, Epoch>,
    ) -> Self {
        Self { node, incarnation, bond, applied, epochs, deadline: Ticks(0), stamped: Ticks(0) }
    }

    /// The deadline that the guard kept over a restart of the agent; `Ticks(0)` for none. Never lowers it.
    pub fn inherit_deadline(&mut self, deadline: Ticks) {
        self.deadline = self.deadline.max(deadline);
    }

    /// A stamp to answer with.
    pub fn stamp(&mut self, now: Ticks) -> Stamp {
        self.stamped = self.stamped.max(now);
        Stamp { incarnation: self.incarnation, ticks: now }
    }

    /// Whether to obey this sender. `Some(bond)`: a new reign; write it to disk, then `bind` it, then answer.
    ///
    /// # Errors
    /// `OtherNode`, `OtherCluster`, `StaleTerm` or `OtherReign`: the first that holds.
    pub fn admit(&self, order: &Order) -> Result<Option<Bond>, Refused> {
        if order.node != self.node {
            return Err(Refused::OtherNode);
        }
        if let Some(bond) = &self.bond {
            if bond.cluster_id != order.cluster_id {
                return Err(Refused::OtherCluster);
            }
            if order.term < bond.term {
                return Err(Refused::StaleTerm { highest: bond.term });
            }
            if order.term == bond.term {
                return if order.reign == bond.reign { Ok(None) } else { Err(Refused::OtherReign) };
            }
        }
        let Order { cluster_id, cluster, reign, term, .. } = order.clone();
        Ok(Some(Bond { cluster_id, cluster, term, reign }))
    }

    /// The bond is on disk. One whose term is not above the present one's changes nothing.
    pub fn bind(&mut self, bond: Bond) {
        if self.bond.as_ref().is_none_or(|present| present.term < bond.term) {
            self.bond = Some(bond);
        }
    }

    /// Whether to apply an assignment from an admitted sender.
    ///
    /// # Errors
    /// `StaleTerm` if a newer reign was bound since it was admitted, `StaleStamp`, `StaleDecision`, `ContentDiffers` or
    /// `StaleEpoch`: the first that holds.
    pub fn weigh(&self, offer: &Offer) -> Result<Verdict, Refused> {
        if let Some(bond) = self.bond.as_ref().filter(|bond| offer.term < bond.term) {
            return Err(Refused::StaleTerm { highest: bond.term });
        }
        // None from before a restart of this agent: what it was sent then may have been taken back since.
        if !offer.echo.is_some_and(|echo| self.is_mine(echo)) {
            return Err(Refused::StaleStamp);
        }
        if let Some(applied) = self.applied {
            // Also under a newer term: a restored database may count from below, and then takes numbers above.
            if offer.decision < applied.decision {
                return Err(Refused::StaleDecision { highest: applied.decision });
            }
            if offer.decision == applied.decision && !offer.same_content {
                return Err(Refused::ContentDiffers);
            }
            if offer.decision == applied.decision && offer.term == applied.term {
                return Ok(Verdict::Same);
            }
        }
        let mut epochs = self.epochs.clone();
        for (group, epoch) in &offer.epochs {
            let highest = epochs.entry(group.clone()).or_default();
            if *epoch < *highest {
                return Err(Refused::StaleEpoch { group: group.clone(), highest: *highest });
            }
            *highest = *epoch;
        }
        Ok(Verdict::Apply { applied: Applied { term: offer.term, decision: offer.decision }, epochs })
    }

    /// It is on disk. Nothing goes down: an older assignment leaves the newer one, and every epoch keeps its highest.
    pub fn applied(&mut self, applied: Applied, epochs: BTreeMap<GroupName, Epoch>) {
        if self.applied.is_none_or(|present| (present.term, present.decision) < (applied.term, applied.decision)) {
            self.applied = Some(applied);
        }
        for (group, epoch) in epochs {
            let highest = self.epochs.entry(group).or_default();
            *highest = epoch.max(*highest);
        }
    }

    /// A grant from an admitted sender, under its term. Counts from the stamp, so that delay only shortens a lease.
    pub fn extend(&mut self, term: Term, grant: &Grant) -> Extension {
        let (Some(echo), Some(decision)) = (grant.echo, grant.decision) else { return Extension::Unchanged };
        let reigns = self.bond.as_ref().is_some_and(|bond| bond.term == term);
        let in_force = reigns && self.applied == Some(Applied { term, decision });
        let deadline = echo.ticks.plus(grant.ttl);
        if !self.is_mine(echo) || !in_force || grant.ttl.is_zero() || deadline <= self.deadline {
            return Extension::Unchanged;
        }
        self.deadline = deadline;
        Extension::Until(deadline)
    }

    /// Whether this process may have put that stamp on an answer: it is its own, and not from the future.
    fn is_mine(&self, echo: Stamp) -> bool {
        echo.incarnation == self.incarnation && echo.ticks <= self.stamped
    }

    /// When the lease ends; `Ticks(0)` before the first.
    pub fn deadline(&self) -> Ticks {
        self.deadline
    }

    /// Whether groups may be started and go on running at `now`: before `deadline - stop_budget`.
    pub fn may_run(&self, now: Ticks, timers: &LeaseTimers) -> bool {
        now < self.deadline.minus(timers.stop_budget.get())
    }

    /// Whom the agent obeys; none before its first order.
    pub fn bond(&self) -> Option<&Bond> {
        self.bond.as_ref()
    }

    /// The newest assignment that was applied, also by an earlier process of this agent.
    pub fn applied_decision(&self) -> Option<Applied> {
        self.applied
    }

    /// The highest epoch of every group that was ever applied here, held or not.
    pub fn epochs(&self) -> &BTreeMap<GroupName, Epoch> {
        &self.epochs
    }
}
