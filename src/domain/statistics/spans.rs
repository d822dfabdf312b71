//! What did a group do from when to when? Its records are gone through in the order of time.

use std::ops::Range;

use jiff::Timestamp;
use uuid::Uuid;

use super::{History, Span, SpanState, Window, is_wish};
use crate::domain::{
    Cause, EventKind, FailoverRecord, GroupName, GroupWanted, NodeName, Operation, OperationKind, OperationState,
    Outcome, Wanted,
};

/// Something that is known of a group at a moment.
enum What<'a> {
    Wanted(OperationKind),
    /// A failover is detected.
    Leaves(&'a FailoverRecord),
    /// A failover has brought it online.
    Arrives(&'a FailoverRecord),
    Happened(EventKind),
}

/// The spans of a window, one after the other without a gap.
pub(super) fn of_group(history: &History, group: &GroupName, window: Window) -> Vec<Span> {
    let records: Vec<&FailoverRecord> = history.failovers.iter().filter(|record| record.group == *group).collect();
    let mut standing = Standing::new(&records, history.groups.get(group).and_then(Option::as_ref));
    let moments = moments(history, group, &records);
    // When a group was taken out of the topology is not told: after its last record nothing is known of it.
    let gone = !history.groups.contains_key(group);
    let ended = history.ended.or_else(|| moments.last().filter(|_| gone).map(|(at, _)| *at));
    let mut spans = Spans { window, known: known(history.known_since, ended, window), spans: Vec::new() };
    let mut begin = Timestamp::MIN;
    for (at, what) in moments {
        spans.add(begin..at, &standing);
        begin = begin.max(at);
        standing.take(at, &what);
    }
    spans.add(begin..window.until, &standing);
    spans.spans
}

/// The part of a window of which something is known.
fn known(since: Option<Timestamp>, ended: Option<Timestamp>, window: Window) -> Range<Timestamp> {
    let since = since.map_or(window.since, |since| since.clamp(window.since, window.until));
    since..ended.map_or(window.until, |ended| ended.clamp(since, window.until))
}

/// What is known of a group, in the order of time. What a plan wrote at once stays in the order of that: a wish, what failovers
/// did, and what was told of it.
fn moments<'a>(history: &History, group: &GroupName, records: &[&'a FailoverRecord]) -> Vec<(Timestamp, What<'a>)> {
    let wishes = history.operations.iter().filter(|asked| is_wish(asked.kind) && asked.target == group.as_str());
    let taken_back = wishes.clone().filter_map(taken_back).map(|(at, kind)| (at, What::Wanted(kind)));
    let mut all: Vec<_> = wishes.map(|asked| (asked.created_at, What::Wanted(asked.kind))).chain(taken_back).collect();
    for record in records {
        all.push((record.detected_at, What::Leaves(record)));
        let online_at = record.online_at.filter(|_| record.outcome == Outcome::Succeeded);
        all.extend(online_at.map(|at| (at.max(record.detected_at), What::Arrives(record))));
    }
    let events = history.events.iter().filter(|event| event.kind.is_of_group() && event.subject == group.as_str());
    all.extend(events.map(|event| (event.at, What::Happened(event.kind))));
    all.sort_by_key(|(at, _)| *at);
    all
}

/// When a wish was cancelled, and what was wanted again then.
fn taken_back(asked: &Operation) -> Option<(Timestamp, OperationKind)> {
    let Some(Wanted::Group(before)) = asked.wanted_before else { return None };
    let kind = match before {
        GroupWanted::Online => OperationKind::Online,
        GroupWanted::Offline => OperationKind::Offline,
    };
    let at = asked.ended_at.filter(|_| asked.state == OperationState::Cancelled)?;
    Some((at, kind))
}

#[derive(Clone, Copy, PartialEq)]
enum Running {
    Unknown,
    Yes,
    No,
}

/// Where a group stands at a moment.
struct Standing<'a> {
    running: Running,
    /// The failover for which it does not run.
    gap: Option<&'a FailoverRecord>,
    /// A failover that was held back while the group still ran.
    held: Option<&'a FailoverRecord>,
    /// An operator asked for it to be offline.
    wanted_offline: bool,
    /// It left its owner without a failover, as it does when a document wants it offline.
    left: bool,
    /// Who was the last to own it, as far as failovers tell.
    owner: Option<&'a NodeName>,
    /// The failovers that were not detected yet.
    to_come: &'a [&'a FailoverRecord],
    /// Who owns it in the end.
    present: Option<&'a NodeName>,
}

impl<'a> Standing<'a> {
    fn new(records: &'a [&'a FailoverRecord], present: Option<&'a NodeName>) -> Self {
        Self {
            running: Running::Unknown,
            gap: None,
            held: None,
            wanted_offline: false,
            left: false,
            owner: None,
            to_come: records,
            present,
        }
    }

    fn take(&mut self, at: Timestamp, what: &What<'a>) {
        match what {
            What::Wanted(kind) => {
                self.wanted_offline = *kind == OperationKind::Offline;
                self.left &= self.wanted_offline;
            }
            What::Leaves(record) => self.leaves(record),
            What::Arrives(record) => {
                if self.gap.is_none_or(|gap| gap.id == record.id) {
                    self.runs();
                }
            }
            What::Happened(EventKind::GroupOnline) if self.believes(at) => self.runs(),
            What::Happened(EventKind::GroupPlaced) => {
                (self.wanted_offline, self.left, self.held) = (false, false, None);
                if self.running == Running::Unknown {
                    self.running = Running::No;
                }
            }
            What::Happened(EventKind::GroupReleased) if self.running == Running::Yes => {
                self.running = Running::No;
                self.gap = self.held.take();
                self.left = self.gap.is_none();
            }
            What::Happened(EventKind::GroupFailed) => {
                (self.running, self.left) = (Running::No, false);
                self.gap = self.gap.or(self.held.take());
            }
            What::Happened(_) => {}
        }
    }

    /// A failover that is held back takes nothing away, unless what it was for does.
    fn leaves(&mut self, record: &'a FailoverRecord) {
        self.to_come = self.to_come.split_first().map_or(&[], |(_, rest)| rest);
        // Once it is placed it is the new owner's; until then it goes back to the old one, if anywhere.
        let placed_on = record.epoch.and(record.to.as_ref());
        self.owner = placed_on.or(record.from.as_ref()).or(self.owner);
        if record.outcome == Outcome::Blocked && !record.cause.spends_budget() && self.running != Running::No {
            self.held = Some(record);
            return;
        }
        (self.running, self.gap, self.held) = (Running::No, Some(record), None);
        (self.wanted_offline, self.left) = (false, false);
    }

    fn runs(&mut self) {
        (self.running, self.gap, self.held, self.left) = (Running::Yes, None, None, false);
    }

    /// Whether a report that it is online counts. A failover that goes on, or that says itself when it was online again, knows
    /// better: its old owner may still report. What was told with the failover was told of what was before.
    fn believes(&self, at: Timestamp) -> bool {
        self.gap.is_none_or(|gap| {
            let tells =
                gap.outcome == Outcome::InProgress || gap.outcome == Outcome::Succeeded && gap.online_at.is_some();
            !tells && gap.detected_at < at
        })
    }

    fn state(&self) -> SpanState {
        match self.running {
            _ if self.wanted_offline || self.left => SpanState::Offline,
            Running::Unknown => SpanState::Unknown,
            Running::Yes => SpanState::Online,
            Running::No => SpanState::Down,
        }
    }

    /// It changes only with a failover: before one it is whom that left.
    fn owner(&self) -> Option<&'a NodeName> {
        let left = || self.to_come.iter().find_map(|record| record.from.as_ref());
        self.owner.or_else(left).or(self.present)
    }

    fn failover(&self) -> Option<(Uuid, Cause)> {
        self.gap.map(|gap| (gap.id, gap.cause))
    }
}

struct Spans {
    window: Window,
    /// What of the window something is known of.
    known: Range<Timestamp>,
    spans: Vec<Span>,
}

impl Spans {
    /// Adds what of `during` lies within the window.
    fn add(&mut self, during: Range<Timestamp>, standing: &Standing<'_>) {
        let (since, until) = (self.window.since, self.window.until);
        let (begin, end) = (during.start.clamp(since, until), during.end.clamp(since, until));
        let Range { start, end: over } = self.known.clone();
        let state = standing.state();
        let owner = standing.owner().filter(|_| state == SpanState::Online).cloned();
        let (failover, cause) = standing.failover().filter(|_| state == SpanState::Down).unzip();
        self.push(unknown(begin, end.min(start)));
        self.push(Span { since: begin.max(start), until: end.min(over), state, owner, failover, cause });
        self.push(unknown(begin.max(over), end));
    }

    /// What goes on as it was is one span; what has no time in it is none.
    fn push(&mut self, span: Span) {
        if span.since >= span.until {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if (last.state, &last.owner, last.failover) == (span.state, &span.owner, span.failover) => {
                last.until = span.until;
            }
            _ => self.spans.push(span),
        }
    }
}

fn unknown(since: Timestamp, until: Timestamp) -> Span {
    Span { since, until, state: SpanState::Unknown, owner: None, failover: None, cause: None }
}
