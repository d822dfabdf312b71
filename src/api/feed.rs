//! Who waits for a cluster's next events? One look at the database for everybody who does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::AppState;
use crate::domain::{ClusterName, Event};
use crate::store::{Error as StoreError, EventFilter};

/// Most events come with something new on the board; the others are found at this pace.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How many events are read at once.
pub const SLICE: u32 = 500;

/// A reader that is further behind reads from the database itself.
const KEPT_SLICES: usize = 64;

/// Events in a row. The next slice need not join: another cluster may have taken the name.
pub type Slice = Arc<Vec<Event>>;

/// The clusters whose events somebody waits for.
#[derive(Debug, Default)]
pub struct Feeds {
    clusters: Mutex<BTreeMap<ClusterName, broadcast::Sender<Slice>>>,
}

impl Feeds {
    /// All events from now on, at the latest. What came before is in the database already.
    pub async fn subscribe(
        self: &Arc<Self>,
        state: &AppState,
        cluster: &ClusterName,
    ) -> Result<broadcast::Receiver<Slice>, StoreError> {
        let newest = state.store.newest_event(cluster).await?;
        let mut clusters = self.lock();
        if let Some(sender) = clusters.get(cluster) {
            return Ok(sender.subscribe());
        }
        let (sender, receiver) = broadcast::channel(KEPT_SLICES);
        clusters.insert(cluster.clone(), sender.clone());
        tokio::spawn(self.clone().feed(state.clone(), cluster.clone(), newest, sender));
        Ok(receiver)
    }

    /// Looks for events after `at` until nobody waits any more.
    async fn feed(
        self: Arc<Self>,
        state: AppState,
        cluster: ClusterName,
        mut at: u64,
        sender: broadcast::Sender<Slice>,
    ) {
        let mut board = state.boards.subscribe(&cluster);
        while !self.ends(&state, &cluster, &sender) {
            board.borrow_and_update();
            // What can't be read now is read at the next look.
            let found = state.store.events(&cluster, &EventFilter::after(at, SLICE)).await.unwrap_or_default();
            if let Some(last) = found.last() {
                at = last.sequence;
                let _ = sender.send(Arc::new(found));
                continue;
            }
            tokio::select! {
                // A board that is gone would be new for ever.
                Ok(()) = board.changed() => {}
                () = state.clock.sleep(LOOK_AGAIN) => {}
                () = state.stopping.cancelled() => {}
            }
        }
    }

    fn ends(&self, state: &AppState, cluster: &ClusterName, sender: &broadcast::Sender<Slice>) -> bool {
        // Under the lock: nobody subscribes in between.
        let mut clusters = self.lock();
        let over = sender.receiver_count() == 0 || state.stopping.is_cancelled();
        if over {
            clusters.remove(cluster);
        }
        over
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClusterName, broadcast::Sender<Slice>>> {
        // Nothing under the lock panics half-way: a poisoned map is whole.
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
