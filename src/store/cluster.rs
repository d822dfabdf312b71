//! Where do a cluster's counters stand?

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{ClusterHead, Error};
use crate::domain::{
    ClusterName, CommonDependency, Decision, Event, Generation, Maintenance, NewEvent, Policy, Settings, Term,
    TopologySpec, Waiver,
};

/// A cluster without its nodes, groups, hosts and handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub id: Uuid,
    pub name: ClusterName,
    pub settings: Settings,
    pub policy: Policy,
    pub common_dependencies: Vec<CommonDependency>,
    pub waivers: Vec<Waiver>,
    pub maintenance: Option<Maintenance>,
    pub generation: Generation,
    pub decision: Decision,
    pub term: Term,
    pub reign: Option<Uuid>,
    /// Somebody has heard of more than was stored, and no reign has waited since for all that may be out.
    pub restored: bool,
    /// The longest lease that may be outstanding, in whole microseconds; zero until a reign has begun.
    pub longest_lease: Duration,
    /// The number of the newest event.
    pub last_event: u64,
    /// Of what was before this, something may have been removed.
    pub known_since: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The replacement that made the present generation, if that is known: it is not stored.
    pub made_by: Option<Uuid>,
}

/// With what a new cluster begins. What counts goes on where those of its name ended: who read of that one, by an ETag or up
/// to an event, never takes this one for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    pub id: Uuid,
    /// That of the last change before; 0 if there was none.
    pub generation: Generation,
    /// The number of the last event before.
    pub last_event: u64,
}

impl Cluster {
    /// A cluster before its first change.
    pub fn new(fresh: Fresh, spec: &TopologySpec, at: Timestamp) -> Self {
        let Fresh { id, generation, last_event } = fresh;
        Self {
            id,
            name: spec.cluster.clone(),
            settings: spec.settings,
            policy: spec.policy,
            common_dependencies: spec.common_dependencies.clone(),
            waivers: spec.waivers.clone(),
            maintenance: spec.maintenance.clone(),
            generation,
            decision: Decision(0),
            term: Term(0),
            reign: None,
            restored: false,
            longest_lease: Duration::ZERO,
            last_event,
            known_since: None,
            created_at: at,
            made_by: None,
        }
    }

    pub fn head(&self) -> ClusterHead {
        let Self { name, id, generation, created_at, .. } = self;
        ClusterHead { name: name.clone(), id: *id, generation: *generation, created_at: *created_at }
    }

    /// Takes over what `spec` wants of the cluster as a whole.
    pub fn want(&mut self, spec: &TopologySpec) {
        self.settings = spec.settings;
        self.policy = spec.policy;
        self.common_dependencies.clone_from(&spec.common_dependencies);
        self.waivers.clone_from(&spec.waivers);
        self.maintenance.clone_from(&spec.maintenance);
    }

    /// Counts an accepted change of desired state.
    pub fn count_change(&mut self) {
        self.generation = self.generation.next();
        self.decision = self.decision.next();
        self.made_by = None;
    }

    /// Notes that something of what was before this was removed.
    pub fn forget(&mut self, before: Timestamp) {
        self.known_since = self.known_since.max(Some(before));
    }

    /// Gives an event the next number.
    pub fn number(&mut self, new: NewEvent) -> Event {
        self.last_event += 1;
        let NewEvent { at, kind, subject, message } = new;
        Event { cluster: self.name.clone(), sequence: self.last_event, at, kind, subject, message }
    }
}

/// The id of a cluster that is created at `at`: a UUIDv7. It is above `last`, that of the newest cluster that had the
/// name before, whatever the wall clock says, so that the newest one of a name is the one with the highest id.
pub fn new_id(at: Timestamp, random: &[u8; 10], last: Option<Uuid>) -> Uuid {
    let now = u64::try_from(at.as_millisecond()).unwrap_or(0);
    // The first six bytes of a UUIDv7 are its milliseconds.
    let after = last.map_or(0, |last| (last.as_u128() >> 80) as u64 + 1);
    uuid::Builder::from_unix_timestamp_millis(now.max(after), random).into_uuid()
}

pub fn missing(kind: &'static str, name: &str) -> Error {
    Error::NotFound { kind, name: name.to_owned() }
}
