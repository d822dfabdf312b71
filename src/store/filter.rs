//! Which records of history are asked for?

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{Cause, Event, EventKind, FailoverRecord, GroupName, NodeName, Outcome};

/// Which failovers, and how many of them.
#[derive(Debug, Clone, Default)]
pub struct FailoverFilter {
    pub group: Option<GroupName>,
    /// That it left or came to.
    pub node: Option<NodeName>,
    pub cause: Option<Cause>,
    pub outcome: Option<Outcome>,
    /// Detected at this moment or later.
    pub since: Option<Timestamp>,
    /// Detected before this moment.
    pub until: Option<Timestamp>,
    /// Whether somebody has seen it.
    pub acknowledged: Option<bool>,
    pub limit: u32,
    /// Only those that come after this one in the list.
    pub after: Option<Uuid>,
    /// Else newest first.
    pub oldest_first: bool,
}

impl FailoverFilter {
    /// Whether it takes a record, wherever that stands in the list.
    pub fn takes(&self, record: &FailoverRecord) -> bool {
        let at = |node: &NodeName| record.from.as_ref() == Some(node) || record.to.as_ref() == Some(node);
        self.group.as_ref().is_none_or(|group| record.group == *group)
            && self.node.as_ref().is_none_or(at)
            && self.cause.is_none_or(|cause| record.cause == cause)
            && self.outcome.is_none_or(|outcome| record.outcome == outcome)
            && self.since.is_none_or(|since| record.detected_at >= since)
            && self.until.is_none_or(|until| record.detected_at < until)
            && self.acknowledged.is_none_or(|seen| record.acknowledged_at.is_some() == seen)
    }
}

/// Which events, and how many of them.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub kind: Option<EventKind>,
    /// What they are about, word for word.
    pub subject: Option<String>,
    /// Only those with a number above this one.
    pub after: u64,
    pub limit: u32,
}

impl EventFilter {
    /// All of them.
    pub fn after(after: u64, limit: u32) -> Self {
        Self { after, limit, ..Self::default() }
    }

    /// Whether it takes an event, whatever its number.
    pub fn takes(&self, event: &Event) -> bool {
        self.kind.is_none_or(|kind| event.kind == kind)
            && self.subject.as_ref().is_none_or(|subject| event.subject == *subject)
    }
}
