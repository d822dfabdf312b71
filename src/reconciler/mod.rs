//! How does the wanted topology become true?

use tokio::sync::mpsc;

use crate::domain::ClusterName;

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
