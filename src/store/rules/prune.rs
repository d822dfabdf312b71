//! How far back does history go?

use jiff::{SignedDuration, Timestamp};

use super::snapshot::earliest;
use crate::domain::{HumanDuration, Policy};
use crate::store::state::State;

/// What was over before this is removed: what is older than the cluster's retention, as far as no budget counts it.
pub fn removes_before(state: &State, now: Timestamp) -> Timestamp {
    let kept = begin_of(state.cluster.policy.retention, now);
    earliest(state, now).map_or(kept, |counted| counted.min(kept))
}

/// Of a cluster that was deleted, and its policy with it.
pub fn removes_of_deleted_before(now: Timestamp) -> Timestamp {
    begin_of(Policy::default().retention, now)
}

fn begin_of(retention: HumanDuration, now: Timestamp) -> Timestamp {
    let retention = SignedDuration::try_from(retention.get()).unwrap_or(SignedDuration::MAX);
    now.checked_sub(retention).unwrap_or(Timestamp::MIN)
}
