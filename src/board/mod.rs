//! What is seen now, per cluster? The last snapshot and the rendered status, as a value that can be watched.

pub mod status;

pub use status::{GroupStatus, NodeStatus, ResourceStatus, StatusDocument};
