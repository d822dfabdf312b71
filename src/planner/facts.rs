//! What follows from the snapshot alone, and is asked for again and again? Each is worked out once, when first asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::affinity::{self, Mates};
use super::losses::{self, Brake, Quarantined};
use super::order;
use super::snapshot::Snapshot;
use crate::domain::{GroupName, Losses, NodeName};

/// Worked out once for each snapshot.
pub(super) struct Facts<'a> {
    snapshot: &'a Snapshot,
    order: OnceCell<Vec<&'a GroupName>>,
    mates: OnceCell<Mates<'a>>,
    losses: OnceCell<BTreeMap<NodeName, Losses>>,
    quarantined: OnceCell<BTreeMap<&'a NodeName, Quarantined>>,
    brake: OnceCell<Option<Brake>>,
}

impl<'a> Facts<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            order: OnceCell::new(),
            mates: OnceCell::new(),
            losses: OnceCell::new(),
            quarantined: OnceCell::new(),
            brake: OnceCell::new(),
        }
    }

    /// Every group, in the order in which they are placed and started.
    pub fn order(&self) -> &[&'a GroupName] {
        self.order.get_or_init(|| order::start_order(self.snapshot))
    }

    /// Which groups keep away from which.
    pub fn mates(&self) -> &Mates<'a> {
        self.mates.get_or_init(|| affinity::mates(self.snapshot))
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
