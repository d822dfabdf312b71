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
    /// The same term and decision came before with other content.
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
pub struct Holder {}

impl Holder {
    /// `deadline`: what the guard still holds from before a restart of the agent; `Ticks(0)` for none.
    pub fn new(
        _node: NodeName,
        _incarnation: Uuid,
        _bond: Option<Bond>,
        _applied: Option<Applied>,
        _epochs: BTreeMap<GroupName, Epoch>,
    ) -> Self {
        todo!()
    }

    /// The deadline that the guard kept over a restart of the agent. Never lowers it.
    pub fn inherit_deadline(&mut self, _deadline: Ticks) {
        todo!()
    }

    pub fn stamp(&self, _now: Ticks) -> Stamp {
        todo!()
    }

    /// Whether to obey this sender. `Some(bond)`: a new reign; write it to disk, then `bind` it, then answer.
    pub fn admit(&self, _order: &Order) -> Result<Option<Bond>, Refused> {
        todo!()
    }

    pub fn bind(&mut self, _bond: Bond) {
        todo!()
    }

    /// Whether to apply an assignment from an admitted sender. `echo`: the stamp it echoes. `same_content`: whether it
    /// equals the one applied last. `epochs`: of its groups.
    pub fn weigh(
        &self,
        _term: Term,
        _decision: Decision,
        _echo: Option<Stamp>,
        _same_content: bool,
        _epochs: &BTreeMap<GroupName, Epoch>,
    ) -> Result<Verdict, Refused> {
        todo!()
    }

    /// It is on disk.
    pub fn applied(&mut self, _applied: Applied, _epochs: BTreeMap<GroupName, Epoch>) {
        todo!()
    }

    /// A grant from an admitted sender, under its term.
    pub fn extend(&mut self, _term: Term, _grant: &Grant) -> Extension {
        todo!()
    }

    pub fn deadline(&self) -> Ticks {
        todo!()
    }

    /// Whether groups may be started and go on running at `now`: before `deadline - stop_budget`.
    pub fn may_run(&self, _now: Ticks, _timers: &LeaseTimers) -> bool {
        todo!()
    }

    pub fn bond(&self) -> Option<&Bond> {
        todo!()
    }

    pub fn applied_decision(&self) -> Option<Applied> {
        todo!()
    }

    pub fn epochs(&self) -> &BTreeMap<GroupName, Epoch> {
        todo!()
    }
}
