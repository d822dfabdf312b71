//! How do files arrive? Evenly, into each inbox in turn, and whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::cli::out;
use crate::clock::{Clock, SystemClock};

/// Puts files into inboxes until it is dropped.
#[derive(Debug)]
pub struct Sender {
    sent: Arc<AtomicU64>,
    allowed: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Sender {
    /// One file each `every`, as many as `allow` lets it.
    pub fn start(inboxes: Vec<PathBuf>, every: Duration) -> Self {
        let (sent, allowed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (count, limit) = (sent.clone(), allowed.clone());
        let task = tokio::spawn(async move {
            let mut next_at = SystemClock.ticks();
            for (number, inbox) in (1..).zip(inboxes.iter().cycle()) {
                next_at = next_at.plus(every);
                SystemClock.sleep_until(next_at).await;
                while number > limit.load(Ordering::Relaxed) {
                    SystemClock.sleep(every).await;
                    next_at = SystemClock.ticks();
                }
                if let Err(error) = deliver(inbox, number) {
                    out::remark(format!("files stop arriving: {error}"));
                    return;
                }
                count.store(number, Ordering::Relaxed);
            }
        });
        Self { sent, allowed, task }
    }

    /// Lets it send up to `total` files since its start.
    pub fn allow(&self, total: u64) {
        self.allowed.store(total, Ordering::Relaxed);
    }

    /// How many it has sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A file appears under its name only when it is whole.
fn deliver(inbox: &Path, number: u64) -> std::io::Result<()> {
    let name = format!("order-{number:06}.xml");
    let partial = inbox.join(format!(".{name}"));
    std::fs::write(&partial, format!("<order number=\"{number}\"/>\n"))?;
    std::fs::rename(partial, inbox.join(name))
}
