//! When is what is older than the retention removed? At once, then every hour, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::ClusterName;
use crate::store::{Error, Pruned, Store};

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Of each kind in one transaction, so that nobody else who writes waits for long.
const ROWS: u32 = 500;

/// Removes what is old of every cluster, also of those that are gone, until `shutdown`.
pub async fn keep(store: Arc<dyn Store>, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    loop {
        round(&*store, clock.now(), &shutdown).await;
        tokio::select! {
            biased; // nothing more is removed once it is over
            () = shutdown.cancelled() => return,
            () = clock.sleep(EVERY) => {}
        }
    }
}

async fn round(store: &dyn Store, now: Timestamp, shutdown: &CancellationToken) {
    let heads = match store.clusters().await {
        Ok(heads) => heads,
        Err(error) => return stays("(all)", &error),
    };
    let living = heads.into_iter().map(|head| Some(head.name));
    for cluster in living.chain([None]) {
        let name = cluster.as_ref().map_or("(deleted)", ClusterName::as_str);
        match remove(store, cluster.as_ref(), now, shutdown).await {
            Ok(pruned) if pruned.any() => went(name, pruned),
            // One that was deleted meanwhile is among those that are gone.
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => stays(name, &error),
        }
    }
}

fn went(cluster: &str, Pruned { failovers, operations, events }: Pruned) {
    tracing::info!(cluster, failovers, operations, events, "removed what is older than the retention");
}

fn stays(cluster: &str, error: &Error) {
    tracing::warn!(cluster, %error, "what is older than the retention stays for now");
}

/// Until nothing is left to remove. What was removed before a failure stays removed.
async fn remove(
    store: &dyn Store,
    cluster: Option<&ClusterName>,
    now: Timestamp,
    shutdown: &CancellationToken,
) -> Result<Pruned, Error> {
    let mut all = Pruned::default();
    while !shutdown.is_cancelled() {
        let some = store.prune(cluster, now, ROWS).await?;
        if !some.any() {
            break;
        }
        all = all.and(some);
    }
    Ok(all)
}
