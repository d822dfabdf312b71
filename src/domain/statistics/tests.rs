//! Do the lengths of time sum to the window, and is each what the records say?

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::*;
use crate::domain::{Actor, Decision, Epoch, EventKind, GroupWanted, OperationPhase, OperationState, Wanted};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn window(since: i64, until: i64) -> Window {
    Window::new(Some(at(since)), Some(at(until)), at(100_000)).unwrap()
}

fn group() -> GroupName {
    "ftp".parse().unwrap()
}

fn cluster() -> ClusterName {
    "c".parse().unwrap()
}

/// A failover from bts1 to bts2 that was detected at one second and online again at another.
fn failover(number: u128, detected: i64, online: Option<i64>, (cause, outcome): (Cause, Outcome)) -> FailoverRecord {
    FailoverRecord {
        id: Uuid::from_u128(number),
        cluster: cluster(),
        group: group(),
        cause,
        actor: Actor::locum(),
        reason: String::new(),
        from: Some("bts1".parse().unwrap()),
        to: Some("bts2".parse().unwrap()),
        epoch: (outcome != Outcome::Blocked).then_some(Epoch(2)),
        release_proof: None,
        release_evidence: None,
        outcome,
        detected_at: at(detected),
        released_at: None,
        start_begun_at: None,
        online_at: online.map(at),
        phases_ms: BTreeMap::new(),
        max_overlap_ms: 0,
        steps: Vec::new(),
        verdicts: BTreeMap::new(),
        decision: Decision(1),
        acknowledged_by: None,
        acknowledged_at: None,
        comment: None,
    }
}

fn lost(number: u128, detected: i64, online: i64) -> FailoverRecord {
    failover(number, detected, Some(online), (Cause::NodeLost, Outcome::Succeeded))
}

fn wish(second: i64, kind: OperationKind) -> Operation {
    Operation {
        id: Uuid::nil(),
        cluster: cluster(),
        kind,
        target: "ftp".to_owned(),
        to: None,
        reason: None,
        actor: Actor::locum(),
        state: OperationState::Succeeded,
        phase: OperationPhase::Ended,
        phases: Vec::new(),
        progress: None,
        message: String::new(),
        next_step: None,
        decision: Decision(1),
        created_at: at(second),
        times_out_at: Timestamp::MAX,
        ended_at: None,
        wanted_before: None,
    }
}

/// An offline that was taken back.
fn cancelled(second: i64, until: i64) -> Operation {
    Operation {
        state: OperationState::Cancelled,
        ended_at: Some(at(until)),
        wanted_before: Some(Wanted::Group(GroupWanted::Online)),
        ..wish(second, OperationKind::Offline)
    }
}

fn history(events: &[(i64, EventKind)], failovers: Vec<FailoverRecord>) -> History {
    let event = |(sequence, &(second, kind)): (u64, &(i64, EventKind))| {
        let subject = "ftp".to_owned();
        Event { cluster: cluster(), sequence, at: at(second), kind, subject, message: String::new() }
    };
    let events = (1..).zip(events).map(event).collect();
    History { groups: BTreeMap::from([(group(), None)]), events, failovers, ..History::default() }
}

/// The spans as short text: `0-10 online bts1`.
fn told(history: &History, window: Window) -> Vec<String> {
    let spans = timeline(&cluster(), history, &group(), window).unwrap().spans;
    let second = |at: Timestamp| at.as_second() - 1_800_000_000;
    let told = spans.iter().map(|span| {
        let owner = span.owner.as_ref().map(|owner| format!(" {owner}")).unwrap_or_default();
        let failover = span.failover.map(|id| format!(" #{}", id.as_u128())).unwrap_or_default();
        format!("{}-{} {}{owner}{failover}", second(span.since), second(span.until), span.state.as_str())
    });
    told.collect()
}

use EventKind::{GroupFailed, GroupOnline, GroupPlaced, GroupReleased};

#[test]
fn a_group_is_unknown_then_starts_runs_and_fails_over() {
    let history = history(&[(10, GroupPlaced), (12, GroupOnline)], vec![lost(1, 50, 58), lost(2, 70, 71)]);
    let expected =
        ["0-10 unknown", "10-12 down", "12-50 online bts1", "50-58 down #1", "58-70 online bts2", "70-71 down #2"];
    let all = told(&history, window(0, 100));
    assert_eq!((&all[..6], all[6].as_str()), (&expected.map(String::from)[..], "71-100 online bts2"));
    let found = statistics(&cluster(), &history, window(0, 100)).groups.remove(0);
    assert_eq!((found.uptime_ms, found.downtime_ms, found.unknown_ms), (79_000, 11_000, 10_000));
    assert_eq!(found.uptime_percent, Some(87.7777));
    assert_eq!((found.failovers, found.mean_between_ms, found.mean_recovery_ms), (2, Some(20_000), Some(4_500)));
    assert_eq!(found.longest.unwrap().id, Uuid::from_u128(1));
    assert_eq!(found.last.unwrap().downtime_ms, Some(1_000));
}

#[test]
fn failovers_over_the_edges_count_for_what_lies_within() {
    let open = failover(2, 90, None, (Cause::NodeLost, Outcome::InProgress));
    let history = history(&[(0, GroupPlaced), (1, GroupOnline)], vec![lost(1, 50, 60), open]);
    assert_eq!(told(&history, window(55, 95)), ["55-60 down #1", "60-90 online bts2", "90-95 down #2"]);
    let found = statistics(&cluster(), &history, window(55, 95)).groups.remove(0);
    assert_eq!((found.failovers, found.downtime_ms, found.uptime_ms), (1, 10_000, 30_000));
    assert_eq!(found.outcomes, BTreeMap::from([(Outcome::InProgress, 1)]));
    assert_eq!((found.mean_recovery_ms, found.longest), (None, None));
    assert_eq!(told(&history, window(51, 59)), ["51-59 down #1"], "nothing but a gap");
}

#[test]
fn what_is_wanted_offline_is_neither_up_nor_down() {
    let events = [(0, GroupPlaced), (1, GroupOnline), (22, GroupReleased), (40, GroupPlaced), (42, GroupOnline)];
    let mut by_operator = history(&events, vec![]);
    by_operator.operations = vec![wish(20, OperationKind::Offline), wish(39, OperationKind::Online)];
    by_operator.groups.insert(group(), Some("bts3".parse().unwrap()));
    let expected = ["1-20 online bts3", "20-39 offline", "39-42 down", "42-50 online bts3"];
    assert_eq!(told(&by_operator, window(1, 50)), expected);
    // A document says so too, and leaves only what its groups do.
    let by_document = history(&events, vec![]);
    assert_eq!(told(&by_document, window(1, 50)), ["1-22 online", "22-40 offline", "40-42 down", "42-50 online"]);
    // Who changes his mind in time has stopped nothing.
    let mut withdrawn = history(&events[..2], vec![]);
    withdrawn.operations = vec![wish(20, OperationKind::Offline), wish(21, OperationKind::Online)];
    let expected = ["1-20 online", "20-21 offline", "21-50 online"];
    assert_eq!(told(&withdrawn, window(1, 50)), expected);
    withdrawn.operations = vec![cancelled(20, 21)];
    assert_eq!(told(&withdrawn, window(1, 50)), expected);
}

#[test]
fn a_failover_that_is_held_back_is_down_only_where_the_group_stops() {
    let held = |cause| failover(1, 30, None, (cause, Outcome::Blocked));
    let up = [(0, GroupPlaced), (1, GroupOnline)];
    let stopped = [up[0], up[1], (32, GroupReleased), (50, GroupPlaced), (51, GroupOnline)];
    let cases: [(&[_], _, &[&str]); 4] = [
        (&up, Cause::TopologyChange, &["10-60 online bts1"]),
        (&stopped, Cause::TopologyChange, &["10-32 online bts1", "32-51 down #1", "51-60 online bts1"]),
        (&stopped, Cause::NodeLost, &["10-30 online bts1", "30-51 down #1", "51-60 online bts1"]),
        (&[up[0], up[1], (30, GroupFailed)], Cause::ResourceFailed, &["10-30 online bts1", "30-60 down #1"]),
    ];
    for (events, cause, expected) in cases {
        assert_eq!(told(&history(events, vec![held(cause)]), window(10, 60)), expected, "{cause:?} {events:?}");
    }
}

#[test]
fn a_failover_knows_better_than_a_report_when_it_was_over() {
    // While it moves its old owner still reports, and the next one begins in the plan that ends it.
    let moves = |n, from, to| failover(n, from, Some(to), (Cause::OperatorMove, Outcome::Succeeded));
    let events = [(0, GroupPlaced), (1, GroupOnline), (31, GroupOnline), (40, GroupOnline), (41, GroupReleased)];
    let moved = history(&events, vec![moves(1, 30, 35), moves(2, 40, 45)]);
    let expected = ["20-30 online bts1", "30-35 down #1", "35-40 online bts2", "40-45 down #2", "45-50 online bts2"];
    assert_eq!(told(&moved, window(20, 50)), expected);
    // One that failed is over when the group is online again.
    let failed = failover(1, 30, None, (Cause::StartFailed, Outcome::Failed));
    let begun_again = history(&events[..4], vec![failed]);
    assert_eq!(told(&begun_again, window(20, 50)), ["20-30 online bts1", "30-31 down #1", "31-50 online bts2"]);
}

#[test]
fn what_was_removed_or_came_after_the_end_is_unknown() {
    let mut kept = history(&[(0, GroupPlaced), (1, GroupOnline)], vec![lost(1, 50, 60)]);
    (kept.known_since, kept.ended) = (Some(at(30)), Some(at(80)));
    let expected = ["10-30 unknown", "30-50 online bts1", "50-60 down #1", "60-80 online bts2", "80-90 unknown"];
    assert_eq!(told(&kept, window(10, 90)), expected);
    assert_eq!(told(&kept, window(0, 20)), ["0-20 unknown"]);
    assert_eq!(told(&kept, window(85, 95)), ["85-95 unknown"]);
    // A group that is no longer in the topology is known up to its last record.
    let mut removed = history(&[(0, GroupPlaced), (1, GroupOnline), (50, GroupReleased)], vec![]);
    removed.groups.clear();
    assert_eq!(told(&removed, window(10, 90)), ["10-50 online", "50-90 unknown"]);
    let nobody = "nobody".parse().unwrap();
    assert_eq!(timeline(&cluster(), &kept, &nobody, window(0, 20)), None);
}

#[test]
fn a_window_has_time_in_it() {
    let now = at(100);
    let made = |since: Option<i64>, until: Option<i64>| Window::new(since.map(at), until.map(at), now);
    assert_eq!(made(Some(10), None), Ok(Window { since: at(10), until: now }));
    assert_eq!(made(Some(10), Some(500)), Ok(Window { since: at(10), until: now }), "what is to come is cut off");
    assert_eq!(made(None, Some(50)), Ok(Window { since: at(50 - 30 * 24 * 3600), until: at(50) }));
    assert!(made(Some(60), Some(50)).unwrap_err().contains("must be before until"));
    assert!(made(Some(50), Some(50)).unwrap_err().contains("must be before until"));
    for (since, until) in [(Some(100), None), (Some(200), Some(300))] {
        assert!(made(since, until).unwrap_err().contains("must be in the past"), "{since:?}");
    }
}

fn any_failover() -> impl Strategy<Value = (i64, Option<i64>, Cause, Outcome)> {
    use Outcome::{Blocked, Failed, InProgress, Succeeded, Superseded};
    let causes = select(vec![Cause::NodeLost, Cause::ResourceFailed, Cause::OperatorMove, Cause::TopologyChange]);
    let outcomes = select(vec![Succeeded, Succeeded, Succeeded, Failed, Blocked, Superseded, InProgress]);
    (0_i64..1000, prop::option::weighted(0.9, 0_i64..60), causes, outcomes)
}

fn any_history() -> impl Strategy<Value = History> {
    let events = prop::collection::vec(
        (0_i64..1000, select(vec![GroupPlaced, GroupReleased, GroupOnline, GroupOnline, GroupFailed])),
        0..12,
    );
    let wishes =
        prop::collection::vec((0_i64..1000, select(vec![OperationKind::Offline, OperationKind::Online])), 0..4);
    let failovers = prop::collection::vec(any_failover(), 0..6);
    let edges = (prop::option::weighted(0.3, 0_i64..1000), prop::option::weighted(0.2, 0_i64..1000));
    (events, wishes, failovers, edges).prop_map(|(mut events, mut wishes, mut failovers, (known, ended))| {
        events.sort_by_key(|(second, _)| *second);
        wishes.sort_by_key(|(second, _)| *second);
        failovers.sort_by_key(|(detected, ..)| *detected);
        let failovers = (1..).zip(failovers).map(|(number, (detected, took, cause, outcome))| {
            let online = took.filter(|_| outcome == Outcome::Succeeded).map(|took| detected + took);
            failover(number, detected, online, (cause, outcome))
        });
        let mut history = history(&events, failovers.collect());
        history.operations = wishes.into_iter().map(|(second, kind)| wish(second, kind)).collect();
        (history.known_since, history.ended) = (known.map(at), ended.map(at));
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn spans_cover_the_window_exactly(history in any_history(), since in -50_i64..1050, length in 1_i64..1100) {
        let window = window(since, since + length);
        let spans = timeline(&cluster(), &history, &group(), window).unwrap().spans;
        prop_assert_eq!(spans[0].since, window.since);
        prop_assert_eq!(spans[spans.len() - 1].until, window.until);
        prop_assert!(spans.iter().all(|span| span.since < span.until));
        prop_assert!(spans.windows(2).all(|two| two[0].until == two[1].since));
        let found = statistics(&cluster(), &history, window).groups.remove(0);
        let sum = found.uptime_ms + found.downtime_ms + found.offline_ms + found.unknown_ms;
        prop_assert_eq!(sum, u64::try_from(length).unwrap() * 1000);
        let counted = [found.outcomes.values().sum::<u64>(), found.causes.values().sum()];
        prop_assert_eq!(counted, [found.failovers; 2]);
        prop_assert!(found.uptime_percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)));
    }

    /// What a group did does not depend on who looks: a smaller window sees the same.
    #[test]
    fn a_part_of_a_window_is_a_part_of_its_spans(history in any_history(), since in 0_i64..900, length in 1_i64..100) {
        let state_at = |spans: &[Span], moment| {
            let span = spans.iter().find(|span| span.since <= moment && moment < span.until);
            span.map(|span| (span.state, span.owner.clone(), span.failover))
        };
        let all = timeline(&cluster(), &history, &group(), window(-10, 1100)).unwrap().spans;
        let part = timeline(&cluster(), &history, &group(), window(since, since + length)).unwrap().spans;
        for second in since..since + length {
            prop_assert_eq!(state_at(&all, at(second)), state_at(&part, at(second)));
        }
    }
}
