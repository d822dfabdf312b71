//! Where do the writers of a cluster stand in line, and what does the next one begin with?
//!
//! Each is judged on what the one before it makes, which may not be durable yet: so they wait for a disk together. If that
//! fails, or somebody who does not stand in line comes in between, those behind are refused by the store, which knows what each rests
//! on, and begin anew on what is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::advice::{self, Advice, Judged, Seen};
use crate::board::View;
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
    ahead: Option<Ahead>,
    /// How often that came to nothing.
    falls: u64,
    /// What was last seen of the cluster, as rules look at it.
    seen: Option<(Weak<View>, Arc<Seen>)>,
    /// What the rules said last, and of what.
    judged: Option<Judged>,
}

/// What a writer makes, ahead of what is stored.
#[derive(Debug, Clone)]
pub struct Ahead {
    made: Arc<Stored>,
    /// The replacement that makes it.
    pub id: Uuid,
    /// Whether it was stored, once that is known.
    fate: watch::Receiver<Option<bool>>,
}

/// Tells those who rest on what a writer makes what became of it.
pub struct Fate(watch::Sender<Option<bool>>);

impl Ahead {
    pub fn new(made: Stored, id: Uuid) -> (Self, Fate) {
        let (sender, fate) = watch::channel(None);
        (Self { made: Arc::new(made), id, fate }, Fate(sender))
    }

    /// Waits until it is known whether it was stored; none if its writer did not wait for that.
    pub async fn is_stored(mut self) -> Option<bool> {
        self.fate.wait_for(Option::is_some).await.ok().and_then(|fate| *fate)
    }
}

impl Fate {
    pub fn tell(self, is_stored: bool) {
        self.0.send_replace(Some(is_stored));
    }
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
    /// What a writer begins with: what is stored, or what is ahead of it, if anything is.
    pub fn before(&mut self, stored: Arc<Stored>) -> (Arc<Stored>, Option<Ahead>) {
        self.ahead = self.ahead.take().filter(|ahead| ahead.made.generation > stored.generation);
        (self.ahead.as_ref().map_or(stored, |ahead| Arc::clone(&ahead.made)), self.ahead.clone())
    }

    /// What the next one begins with, if this one changed anything. Whoever fails says with what is answered here that all
    /// that rests on it fails too.
    pub fn go_ahead(&mut self, made: Option<Ahead>) -> u64 {
        self.ahead = made.or_else(|| self.ahead.take());
        self.falls
    }

    /// Nobody knows what became of what was ahead, and it is over: whoever comes next begins with what is stored.
    pub fn forget(&mut self, ahead: Uuid) {
        self.ahead = self.ahead.take().filter(|known| known.id != ahead);
    }

    /// What was ahead will never be stored; those behind fail as well, and have no say in what others begin after this.
    pub fn fall_back(&mut self, falls: u64) {
        if self.falls == falls {
            self.falls += 1;
            self.ahead = None;
        }
    }

    /// What rules need to know of what is seen: as last time, where nobody has looked since.
    pub fn seen(&mut self, view: Option<Arc<View>>, look: impl FnOnce(&View) -> Seen) -> Arc<Seen> {
        let Some(view) = view else { return Arc::default() };
        // While somebody remembers its place, no other view is put there.
        if let Some((_, seen)) = self.seen.as_ref().filter(|(known, _)| known.as_ptr() == Arc::as_ptr(&view)) {
            return Arc::clone(seen);
        }
        let seen = Arc::new(look(&view));
        self.seen = Some((Arc::downgrade(&view), Arc::clone(&seen)));
        seen
    }

    /// What the rules say of a topology: as last time, where nothing is different.
    pub fn judge(&mut self, spec: &Arc<TopologySpec>, seen: &Arc<Seen>, now: Timestamp) -> Arc<Advice> {
        // What ends by itself is judged anew.
        let lasts = spec.waivers.is_empty() && spec.common_dependencies.iter().all(|one| one.down.is_none());
        let judged = match self.judged.take() {
            Some(known) if lasts && known.is_of(spec, seen) => known,
            known => advice::judge_after(known.as_ref(), spec, seen, now),
        };
        let advice = Arc::clone(judged.advice());
        self.judged = Some(judged);
        advice
    }
}
