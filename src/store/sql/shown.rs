//! What is committed of each cluster, to be read without a query?

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::domain::ClusterName;
use crate::store::Stored;
use crate::store::state::State;

/// The clusters that were written since the database was opened.
#[derive(Default)]
pub struct Shown(RwLock<BTreeMap<ClusterName, Arc<Committed>>>);

/// A cluster as it was last committed.
pub struct Committed {
    pub state: Arc<State>,
    stored: OnceLock<Arc<Stored>>,
}

impl Committed {
    /// The desired state, put together for the first who asks.
    pub fn stored(&self) -> Arc<Stored> {
        Arc::clone(self.stored.get_or_init(|| Arc::new(self.state.stored())))
    }
}

impl Shown {
    pub fn get(&self, name: &ClusterName) -> Option<Arc<Committed>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Shows these clusters and no others.
    pub fn show(&self, known: &BTreeMap<ClusterName, Arc<State>>) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|name, _| known.contains_key(name));
        for (name, state) in known {
            if shown.get(name).is_none_or(|committed| !Arc::ptr_eq(&committed.state, state)) {
                let committed = Committed { state: Arc::clone(state), stored: OnceLock::new() };
                shown.insert(name.clone(), Arc::new(committed));
            }
        }
    }

    /// From now on everything is read from the database, until it is written again.
    pub fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
