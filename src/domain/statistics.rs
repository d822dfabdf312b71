//! How long was each group up, who owned it when, and how did its failovers go?
//!
//! All of it is worked out of what is kept anyway: failovers, the events of groups, and operators' wishes. What is not known
//! is said to be unknown: the time before the first record of a group, what was removed since, and what came after its
//! cluster's end. A restart in place is no failover and counts as up.

mod spans;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Cause, ClusterName, Event, FailoverRecord, GroupName, NodeName, Operation, OperationKind, Outcome};

/// What is kept of what groups did: of all of a cluster, or of one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The groups of the topology, each with who owns it now or did last.
    pub groups: BTreeMap<GroupName, Option<NodeName>>,
    /// In the order in which they were detected, without their steps.
    pub failovers: Vec<FailoverRecord>,
    /// Those that `EventKind::is_of_group` takes, by number.
    pub events: Vec<Event>,
    /// Those that `is_wish` takes, in the order in which they were asked for.
    pub operations: Vec<Operation>,
    /// Of what was before this, something may have been removed.
    pub known_since: Option<Timestamp>,
    /// When the cluster was deleted.
    pub ended: Option<Timestamp>,
}

/// Whether an operation says that a group is wanted online or offline.
pub const fn is_wish(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Online | OperationKind::Offline)
}

/// From when to when: the beginning belongs to it, the end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    since: Timestamp,
    until: Timestamp,
}

impl Window {
    /// How far back it goes when nobody says.
    const DEFAULT: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// What was asked for, cut off at `now`. Refuses one without any time in it, as a sentence.
    pub fn new(since: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Result<Self, String> {
        let asked = until.unwrap_or(now);
        let until = asked.min(now);
        let since = since.unwrap_or_else(|| until.checked_sub(Self::DEFAULT).unwrap_or(Timestamp::MIN));
        if since < until {
            return Ok(Self { since, until });
        }
        Err(if until < asked || since >= now {
            format!("since ({since}) must be in the past: it is {now}, and what is to come has no statistics")
        } else {
            format!("since ({since}) must be before until ({until})")
        })
    }
}

/// What a group did for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpanState {
    /// It ran on its owner.
    Online,
    /// It was wanted online and did not run, or not whole.
    Down,
    /// It was wanted offline: planned, neither up nor down.
    Offline,
    /// Nothing is kept that would say.
    Unknown,
}

impl SpanState {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Down => "down",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }
}

/// A part of a group's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    pub state: SpanState,
    /// Who owned it; null while it was not online.
    pub owner: Option<NodeName>,
    /// The failover that it was down for; null if there was none.
    pub failover: Option<Uuid>,
    pub cause: Option<Cause>,
}

/// Who owned a group when. The spans follow each other without a gap, from the window's beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    pub cluster: ClusterName,
    pub group: GroupName,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    pub spans: Vec<Span>,
}

/// How the groups of a cluster fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    pub cluster: ClusterName,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// By name: those of the topology, and those that left a record within the window.
    pub groups: Vec<GroupStatistics>,
}

/// How a group fared. The four lengths of time sum to the window. Failovers count where they were detected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupStatistics {
    pub group: GroupName,
    /// How many there were, those that were held back too.
    pub failovers: u64,
    /// How many ended so.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How many had this cause.
    pub causes: BTreeMap<Cause, u64>,
    /// Its share of the time in which it was up or down, rounded down to a ten-thousandth: 100 is without any downtime.
    /// Null when it was neither.
    pub uptime_percent: Option<f64>,
    pub uptime_ms: u64,
    pub downtime_ms: u64,
    /// It was wanted offline.
    pub offline_ms: u64,
    pub unknown_ms: u64,
    /// Mean time from the beginning of a failover to that of the next, of those that were not held back; null if there
    /// were less than two.
    pub mean_between_ms: Option<u64>,
    /// Mean downtime of those that succeeded; null if none did.
    pub mean_recovery_ms: Option<u64>,
    /// The one that succeeded with the most downtime.
    pub longest: Option<FailoverBrief>,
    pub last: Option<FailoverBrief>,
}

/// A failover in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailoverBrief {
    pub id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub detected_at: Timestamp,
    pub cause: Cause,
    pub outcome: Outcome,
    /// From the moment that it was detected until the group was online again; null if that was not reached.
    pub downtime_ms: Option<u64>,
}

impl FailoverBrief {
    fn of(record: &FailoverRecord) -> Self {
        let &FailoverRecord { id, detected_at, cause, outcome, .. } = record;
        Self { id, detected_at, cause, outcome, downtime_ms: downtime(record) }
    }
}

/// How each group fared within a window.
pub fn statistics(cluster: &ClusterName, history: &History, window: Window) -> Statistics {
    let mut names: BTreeSet<GroupName> = history.groups.keys().cloned().collect();
    names.extend(history.failovers.iter().filter(|record| window.has(record)).map(|record| record.group.clone()));
    let within = |event: &&Event| (window.since..window.until).contains(&event.at);
    names.extend(history.events.iter().filter(within).filter_map(|event| event.subject.parse().ok()));
    let groups = names.into_iter().map(|group| of_group(history, group, window)).collect();
    Statistics { cluster: cluster.clone(), since: window.since, until: window.until, groups }
}

/// Who owned a group when, within a window; none of a group that nothing is known of.
pub fn timeline(cluster: &ClusterName, history: &History, group: &GroupName, window: Window) -> Option<Timeline> {
    let recorded = history.failovers.iter().any(|record| record.group == *group)
        || history.events.iter().any(|event| event.subject == group.as_str());
    let known = recorded || history.groups.contains_key(group);
    known.then(|| Timeline {
        cluster: cluster.clone(),
        group: group.clone(),
        since: window.since,
        until: window.until,
        spans: spans::of_group(history, group, window),
    })
}

impl Window {
    fn has(self, record: &FailoverRecord) -> bool {
        (self.since..self.until).contains(&record.detected_at)
    }
}

fn of_group(history: &History, group: GroupName, window: Window) -> GroupStatistics {
    let mut lengths: BTreeMap<SpanState, u64> = BTreeMap::new();
    for span in spans::of_group(history, &group, window) {
        *lengths.entry(span.state).or_default() += millis(span.since, span.until);
    }
    let length = |state| lengths.get(&state).copied().unwrap_or_default();
    let (uptime_ms, downtime_ms) = (length(SpanState::Online), length(SpanState::Down));
    let records = || history.failovers.iter().filter(|record| record.group == group && window.has(record));
    let (mut outcomes, mut causes) = (BTreeMap::new(), BTreeMap::new());
    for record in records() {
        *outcomes.entry(record.outcome).or_default() += 1;
        *causes.entry(record.cause).or_default() += 1;
    }
    let recoveries: Vec<u64> = records().filter_map(downtime).collect();
    let begun: Vec<_> = records().filter(|record| record.outcome != Outcome::Blocked).collect();
    let between = match begun.as_slice() {
        [first, .., last] => Some(millis(first.detected_at, last.detected_at) / (begun.len() as u64 - 1)),
        _ => None,
    };
    GroupStatistics {
        failovers: records().count() as u64,
        outcomes,
        causes,
        uptime_percent: percent(uptime_ms, downtime_ms),
        uptime_ms,
        downtime_ms,
        offline_ms: length(SpanState::Offline),
        unknown_ms: length(SpanState::Unknown),
        mean_between_ms: between,
        mean_recovery_ms: recoveries.iter().sum::<u64>().checked_div(recoveries.len() as u64),
        longest: records().filter(|r| downtime(r).is_some()).max_by_key(|r| downtime(r)).map(FailoverBrief::of),
        last: records().next_back().map(FailoverBrief::of),
        group,
    }
}

/// The downtime of a failover that succeeded, as the control plane saw it.
fn downtime(record: &FailoverRecord) -> Option<u64> {
    let online_at = record.online_at.filter(|_| record.outcome == Outcome::Succeeded)?;
    Some(millis(record.detected_at, online_at))
}

/// Between the milliseconds that two moments lie in, so that parts sum to the whole.
fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

#[allow(clippy::cast_precision_loss)] // a ten-thousandth of a percent of any window is far above it
fn percent(up: u64, down: u64) -> Option<f64> {
    const PARTS: u128 = 10_000;
    let parts = (u128::from(up) * 100 * PARTS).checked_div(u128::from(up) + u128::from(down))?;
    Some(parts as f64 / PARTS as f64)
}
