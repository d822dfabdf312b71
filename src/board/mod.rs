//! What is seen now, per cluster? The last snapshot and the rendered status, as a value that can be watched.
//!
//! The reconciler writes it, the API reads it: so reads cost no query, and everybody waits on the same value.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::domain::ClusterName;
use crate::planner::Snapshot;

pub mod hosts;
pub mod status;

pub use hosts::{HostStatus, InstanceStatus, VirtualInstance};
pub use status::{GroupStatus, NodeStatus, ResourceStatus, StatusDocument};

/// A cluster as last seen.
#[derive(Debug)]
pub struct View {
    pub snapshot: Arc<Snapshot>,
    pub status: Arc<StatusDocument>,
    /// The status document as JSON, rendered once.
    pub body: Arc<str>,
    /// Changes when, and only when, `body` does; in quotes, as HTTP has it.
    pub etag: String,
}

/// What a watcher holds: none before the first look at a cluster, and after it is gone.
pub type Latest = Option<Arc<View>>;

/// The views of all clusters.
#[derive(Debug, Default)]
pub struct Boards {
    clusters: Mutex<BTreeMap<ClusterName, watch::Sender<Latest>>>,
}

impl Boards {
    /// Shows a cluster as it is now. Watchers wake only if the status document differs.
    pub fn publish(&self, snapshot: Snapshot) {
        let name = snapshot.cluster.clone();
        let mut status = status::render(&snapshot);
        let body = serde_json::to_string(&status).unwrap_or_else(|error| error.to_string());
        let etag = etag(&body);
        status.etag.clone_from(&etag);
        // It stands first, so that the rest need not be written again.
        let body: Arc<str> = body.replacen("\"etag\":\"\"", &format!("\"etag\":\"{etag}\""), 1).into();
        let etag = format!("\"{etag}\"");
        let view = Arc::new(View { snapshot: Arc::new(snapshot), status: Arc::new(status), body, etag });
        self.sender(&name).send_if_modified(|latest| {
            let differs = latest.as_ref().is_none_or(|before| before.etag != view.etag);
            *latest = Some(view);
            differs
        });
    }

    /// The cluster as last seen, if it was.
    pub fn view(&self, cluster: &ClusterName) -> Latest {
        self.lock().get(cluster).and_then(|sender| sender.borrow().clone())
    }

    /// To be woken when the status document changes; also for a cluster that is not there yet.
    pub fn subscribe(&self, cluster: &ClusterName) -> watch::Receiver<Latest> {
        self.sender(cluster).subscribe()
    }

    /// The cluster is gone: its watchers see nothing.
    pub fn remove(&self, cluster: &ClusterName) {
        if let Some(sender) = self.lock().remove(cluster) {
            sender.send_replace(None);
        }
    }

    fn sender(&self, cluster: &ClusterName) -> watch::Sender<Latest> {
        self.lock().entry(cluster.clone()).or_insert_with(|| watch::channel(None).0).clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClusterName, watch::Sender<Latest>>> {
        // Nothing under the lock panics half-way: a poisoned map is whole.
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Half of a SHA-256 is enough to tell two renderings apart.
fn etag(body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let mut etag = String::new();
    for byte in &hash[..16] {
        // Writing to a String can't fail.
        let _ = write!(etag, "{byte:02x}");
    }
    etag
}
