//! How does the wanted topology become true? One loop per cluster: load, plan, commit, push, observe, record.
//!
//! The loop takes no input. A nudge says only that a look is worth it; what changed is found in the store and in what
//! the agents report. So there is one way through the code, walked after a restart, after a missed nudge and after a
//! failed call alike, and nothing is lost with a message. It runs when nudged, when a node reports something new, when
//! a lease runs out, when the plan asked to look again, and every few seconds besides. It does not retry: the next turn
//! is the retry.
//!
//! Ordering: a plan is committed before anything of it is pushed. The commit is a compare-and-swap on generation,
//! decision and reign, so that two control planes, or an operator and the loop, can't both be right. Only after the
//! commit does the grantor name the new decision, so no lease is ever renewed on an assignment that was taken back.
//!
//! | file | question |
//! | --- | --- |
//! | `cluster` | what is one turn of the loop, and when is the next? |
//! | `account` | what is known under this reign, and what may each node be granted? |
//! | `node_account` | what is known of one node? |
//! | `node` | how is one node talked to? |
//! | `retention` | when is what is older than the retention removed? |
//! | `seen` | how does an agent's report become part of a snapshot? |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::board::Boards;
use crate::clock::{Clock, IdSource};
use crate::domain::ClusterName;
use crate::store::Store;
use crate::wire::NodeAgent;

mod account;
mod cluster;
mod node;
mod node_account;
pub mod retention;
mod seen;

/// Wakes the loop of a cluster. It carries no content: the loop finds out by itself what there is to do.
#[derive(Debug, Clone)]
pub struct Nudge(mpsc::UnboundedSender<ClusterName>);

impl Nudge {
    /// A nudge and the end that the reconciler listens to.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<ClusterName>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Something about this cluster changed in the store, or it is new or gone.
    pub fn cluster(&self, name: &ClusterName) {
        // A closed channel means that the control plane is stopping: the next one finds the change in the store.
        let _ = self.0.send(name.clone());
    }
}

/// What the loops work with: everything that is not a decision is handed in.
#[derive(Clone)]
pub struct Deps {
    pub store: Arc<dyn Store>,
    pub agents: Arc<dyn NodeAgent>,
    pub boards: Arc<Boards>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
}

/// Wait before the list of clusters is asked for again when the database did not give it.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Runs a loop for every cluster, old and new, until `shutdown`.
pub async fn run(deps: Deps, mut nudges: mpsc::UnboundedReceiver<ClusterName>, shutdown: CancellationToken) {
    let mut wakers: BTreeMap<ClusterName, Arc<Notify>> = BTreeMap::new();
    let mut loops: JoinSet<ClusterName> = JoinSet::new();
    for name in known_clusters(&deps, &shutdown).await {
        begin(&deps, &mut wakers, &mut loops, name, &shutdown);
    }
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            // Before nudges: the waker of a loop that has ended wakes nobody. Loops are few, so nudges get their turn.
            Some(ended) = loops.join_next() => match ended {
                Ok(name) => {
                    deps.boards.remove(&name);
                    // A nudge that the loop did not live to hear: the cluster may have been created anew.
                    let unheard = wakers.remove(&name).and_then(|waker| waker.notified().now_or_never());
                    if unheard.is_some() {
                        begin(&deps, &mut wakers, &mut loops, name, &shutdown);
                    }
                }
                Err(error) => tracing::error!(%error, "the loop of a cluster ended by a defect"),
            },
            nudge = nudges.recv() => match nudge {
                None => break,
                Some(name) => match wakers.get(&name) {
                    Some(waker) => waker.notify_one(),
                    None => begin(&deps, &mut wakers, &mut loops, name, &shutdown),
                },
            },
        }
    }
    while loops.join_next().await.is_some() {}
}

async fn known_clusters(deps: &Deps, shutdown: &CancellationToken) -> Vec<ClusterName> {
    loop {
        match deps.store.clusters().await {
            Ok(heads) => return heads.into_iter().map(|head| head.name).collect(),
            Err(error) => tracing::error!(%error, "the clusters could not be listed"),
        }
        tokio::select! {
            biased; // nothing more is tried once it is over
            () = shutdown.cancelled() => return Vec::new(),
            () = deps.clock.sleep(STORE_RETRY) => {}
        }
    }
}

fn begin(
    deps: &Deps,
    wakers: &mut BTreeMap<ClusterName, Arc<Notify>>,
    loops: &mut JoinSet<ClusterName>,
    name: ClusterName,
    shutdown: &CancellationToken,
) {
    let waker = Arc::new(Notify::new());
    wakers.insert(name.clone(), waker.clone());
    let (deps, shutdown) = (deps.clone(), shutdown.child_token());
    loops.spawn(async move {
        cluster::run(deps, name.clone(), waker, shutdown).await;
        name
    });
}
