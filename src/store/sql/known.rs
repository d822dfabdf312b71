//! Which clusters does the writer know, and what of them is not in the database yet?
//!
//! Verbs of one transaction that touch no record and no placement are written together at its end: the cluster once, each
//! object once, and their history in one go. What is done to the database in another way in between finds them written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::column::Result;
use super::unsaved::Unsaved;
use super::{Conn, state};
use crate::domain::{ClusterName, FailoverRecord, Operation, OperationState, Outcome};
use crate::store::cluster::missing;
use crate::store::state::{Journal, Named, State};

/// The living clusters as this transaction has them, as far as it met them.
#[derive(Default)]
pub struct Known {
    clusters: BTreeMap<ClusterName, Arc<State>>,
    unsaved: BTreeMap<ClusterName, Unsaved>,
}

impl Known {
    pub fn clusters(&self) -> &BTreeMap<ClusterName, Arc<State>> {
        &self.clusters
    }

    /// A cluster with the records that a verb names.
    pub async fn find(&mut self, conn: &mut Conn, name: &ClusterName, named: &Named) -> Result<Arc<State>> {
        let found = match self.clusters.get(name) {
            Some(state) => Arc::clone(state),
            None => {
                let found = state::find(conn, name).await?;
                Arc::new(found.ok_or_else(|| missing("cluster", name.as_str()))?)
            }
        };
        let unknown = named.not_in(&found);
        if unknown.is_empty() {
            return Ok(found);
        }
        // Records are never among what is not in the database yet.
        state::with_named(conn, found, &unknown).await
    }

    /// Takes over what a verb made of what it found.
    pub async fn step(&mut self, conn: &mut Conn, before: Arc<State>, after: State) -> Result<()> {
        let name = after.cluster.name.clone();
        let step = Unsaved::step(conn, before, after).await?;
        let earlier = self.unsaved.remove(&name);
        let (deleted, next) = (step.after().deleted, bare(Arc::clone(step.after())));
        if step.can_wait() {
            // What was only named is not to be written with what comes next.
            let step = step.ending_in(Arc::clone(&next));
            let all = match earlier {
                Some(earlier) => earlier.then(step),
                None => step,
            };
            self.unsaved.insert(name.clone(), all);
        } else {
            if let Some(earlier) = earlier {
                earlier.save(conn).await?;
            }
            step.save(conn).await?;
        }
        if deleted {
            self.clusters.remove(&name);
        } else {
            self.clusters.insert(name, next);
        }
        Ok(())
    }

    /// Writes what is not in the database yet.
    pub async fn save(&mut self, conn: &mut Conn) -> Result<()> {
        while let Some((_, unsaved)) = self.unsaved.pop_first() {
            unsaved.save(conn).await?;
        }
        Ok(())
    }

    /// One cluster, of which all is in the database, is written in another way: it is read anew.
    pub fn forget(&mut self, name: &ClusterName) {
        self.clusters.remove(name);
    }

    /// All are read anew. Whatever the database does not have is not kept.
    pub fn forget_all(&mut self) {
        *self = Self::default();
    }
}

/// What the next verb begins with: neither what has ended nor what was only named.
fn bare(mut state: Arc<State>) -> Arc<State> {
    let runs = |operation: &Operation| operation.state == OperationState::Running;
    let is_open = |record: &FailoverRecord| record.outcome == Outcome::InProgress;
    let is_bare = state.journal == Journal::default()
        && state.taken.is_empty()
        && state.operations.values().all(runs)
        && state.failovers.values().all(is_open);
    // Most verbs leave nothing to take away, and the whole is large.
    if !is_bare {
        let bare = Arc::make_mut(&mut state);
        bare.journal = Journal::default();
        bare.taken.clear();
        bare.operations.retain(|_, operation| runs(operation));
        bare.failovers.retain(|_, record| is_open(record));
    }
    state
}
