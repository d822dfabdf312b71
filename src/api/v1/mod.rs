//! What does version 1 of the API offer? One file per kind of thing.

use std::time::Duration;

use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::{ClusterName, HumanDuration};

pub mod actions;
pub mod active;
pub mod advice;
pub mod batch;
pub mod changes;
pub mod clustering;
pub mod clusters;
pub mod common_dependencies;
mod cursors;
mod edit;
pub mod events;
pub mod explain;
pub mod groups;
pub mod handlers;
pub mod history;
pub mod hosts;
pub mod instances;
mod judged;
mod kinds;
mod lists;
pub mod maintenance;
mod marks;
pub mod nodes;
mod objects;
pub mod operations;
mod places;
pub mod plan;
mod precondition;
mod preview;
mod queries;
mod references;
pub mod replay;
pub mod resources;
pub mod statistics;
pub mod status;
pub mod topology;
mod whole;
mod writing;
mod written;

/// A call may be held this long: shorter than what proxies cut.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A list gives this many without being asked, and this many at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// A cluster in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneCluster {
    /// The cluster's name.
    cluster: ClusterName,
}

/// How long a call is held.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Hold the answer until there is something new, at most this long: up to 60s.
    #[param(value_type = Option<String>, example = "30s")]
    wait: Option<HumanDuration>,
}

/// The wait that was asked for, within bounds.
pub fn bounded(wait: Option<HumanDuration>) -> Duration {
    wait.map_or(Duration::ZERO, HumanDuration::get).min(MAX_WAIT)
}

/// The limit that was asked for; who asks for one beyond bounds was refused for what the document says of it.
fn limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
}
