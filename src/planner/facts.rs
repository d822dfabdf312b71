//! What follows from the snapshot alone, and is asked for again and again? Each is worked out once, when first asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use foldhash::HashMap;

use super::losses::{self, Brake, Quarantined};
use super::order;
use super::snapshot::{GroupView, Snapshot};
use crate::domain::{GroupName, Losses, NodeName};

/// Worked out once for each snapshot.
pub(super) struct Facts<'a> {
    snapshot: &'a Snapshot,
    order: OnceCell<Vec<(&'a GroupName, &'a GroupView)>>,
    turns: OnceCell<HashMap<&'a GroupName, usize>>,
    losses: OnceCell<BTreeMap<NodeName, Losses>>,
    quarantined: OnceCell<BTreeMap<&'a NodeName, Quarantined>>,
    brake: OnceCell<Option<Brake>>,
}

impl<'a> Facts<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            order: OnceCell::new(),
            turns: OnceCell::new(),
            losses: OnceCell::new(),
            quarantined: OnceCell::new(),
            brake: OnceCell::new(),
        }
    }

    /// Every group, in the order in which they are placed and started.
    pub fn order(&self) -> &[(&'a GroupName, &'a GroupView)] {
        self.order.get_or_init(|| order::start_order(self.snapshot))
    }

    /// The place of `group` in that order, counted from 0; of one that is not there: after all.
    pub fn turn(&self, group: &GroupName) -> usize {
        let turns = || self.order().iter().enumerate().map(|(turn, (name, _))| (*name, turn)).collect();
        self.turns.get_or_init(turns).get(group).copied().unwrap_or(usize::MAX)
    }

    /// The losses of the nodes of which one begins or ends now.
    pub fn losses(&self) -> &BTreeMap<NodeName, Losses> {
        self.losses.get_or_init(|| losses::changed(self.snapshot))
    }

    /// The nodes that get nothing for a while, since they were lost too often.
    pub fn quarantined(&self) -> &BTreeMap<&'a NodeName, Quarantined> {
        self.quarantined.get_or_init(|| losses::quarantined(self.snapshot, self.losses()))
    }

    /// Set while too many nodes are lost at once.
    pub fn brake(&self) -> Option<&Brake> {
        self.brake.get_or_init(|| losses::brake(self.snapshot, self.losses())).as_ref()
    }
}
