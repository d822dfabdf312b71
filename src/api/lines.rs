//! Where do the writers of a cluster stand in line, and what does the next one begin with?
//!
//! Each is judged on what the one before it makes, which may not be durable yet: so they wait for a disk together. If that
//! fails, those behind are refused by the store, which compares generations, and begin anew on what is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::advice::{Advice, Seen};
use crate::domain::{ClusterName, TopologySpec};
use crate::store::Stored;

/// The lines of all clusters.
#[derive(Debug, Default)]
pub struct Lines {
    clusters: Mutex<BTreeMap<ClusterName, Arc<Line>>>,
}

/// Its lock is the place at the front.
pub type Line = tokio::sync::Mutex<Front>;

/// What whoever is at the front begins with.
#[derive(Debug, Default)]
pub struct Front {
    /// What the writers before make, ahead of what is stored.
    ahead: Option<Arc<Stored>>,
    /// How often that came to nothing.
    falls: u64,
    /// What the rules said last, and of what.
    judged: Option<Judged>,
}

#[derive(Debug)]
struct Judged {
    spec: TopologySpec,
    seen: Seen,
    advice: Arc<Advice>,
}

impl Lines {
    pub fn of(&self, cluster: &ClusterName) -> Arc<Line> {
        // Nothing under the lock panics half-way: a poisoned map is whole.
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        // Only those are kept that somebody stands in.
        if !clusters.contains_key(cluster) {
            clusters.retain(|_, line| Arc::strong_count(line) > 1);
        }
        Arc::clone(clusters.entry(cluster.clone()).or_default())
    }
}

impl Front {
    /// What a writer begins with: what is stored, or what is ahead of it.
    pub fn before(&mut self, stored: Arc<Stored>) -> Arc<Stored> {
        self.ahead = self.ahead.take().filter(|ahead| ahead.generation > stored.generation);
        self.ahead.clone().unwrap_or(stored)
    }

    /// What the next one begins with, if this one changed anything. Whoever fails says with what is answered here that all
    /// that rests on it fails too.
    pub fn go_ahead(&mut self, made: Option<Stored>) -> u64 {
        self.ahead = made.map(Arc::new).or_else(|| self.ahead.take());
        self.falls
    }

    /// What was ahead will never be stored; those behind fail as well, and have no say in what others begin after this.
    pub fn fall_back(&mut self, falls: u64) {
        if self.falls == falls {
            self.falls += 1;
            self.ahead = None;
        }
    }

    /// What the rules say of a topology: as last time, where nothing is different.
    pub fn judge(&mut self, spec: &TopologySpec, seen: &Seen, judge: impl FnOnce() -> Advice) -> Arc<Advice> {
        let known = self.judged.as_ref().filter(|known| known.spec == *spec && known.seen == *seen);
        // What ends by itself is judged anew.
        let lasts = spec.waivers.is_empty() && spec.common_dependencies.iter().all(|one| one.down.is_none());
        if let Some(known) = known.filter(|_| lasts) {
            return Arc::clone(&known.advice);
        }
        let advice = Arc::new(judge());
        self.judged = Some(Judged { spec: spec.clone(), seen: seen.clone(), advice: Arc::clone(&advice) });
        advice
    }
}
