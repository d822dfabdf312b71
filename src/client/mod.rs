//! How are the control plane and the agents called over HTTP? The only place with an HTTP client.

pub mod agent;
pub mod control_plane;
