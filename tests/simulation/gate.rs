//! Does this control plane still act? A crash closes its gate: from then on nothing of it reaches the store or the
//! network, and nothing comes back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// A point at which a control plane may crash, whatever it was about to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A commit is asked for, and not done.
    BeforeCommit,
    /// It is done, and nobody was told.
    AfterCommit,
    BeforePush,
    /// An agent's answer to a push has come.
    AfterPush,
    AfterReign,
    AfterRecord,
    AfterWish,
}

/// The gate of one control plane.
#[derive(Debug, Default)]
pub struct Gate {
    closed: AtomicBool,
    fuse: Mutex<Option<Point>>,
    /// Cancelled when it closes.
    fell: CancellationToken,
}

impl Gate {
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.fell.cancel();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Returns once it has closed.
    pub async fn closed(&self) {
        self.fell.cancelled().await;
    }

    /// It crashes when it next gets to `point`.
    pub fn arm(&self, point: Point) {
        *self.fuse.lock().unwrap() = Some(point);
    }

    /// Goes on, unless it has crashed; then never.
    pub async fn pass(&self) {
        if self.is_closed() {
            std::future::pending::<()>().await;
        }
    }

    /// Crashes here if it was to.
    pub async fn reach(&self, point: Point) {
        if self.fuse.lock().unwrap().take_if(|fuse| *fuse == point).is_some() {
            self.close();
        }
        self.pass().await;
    }
}
