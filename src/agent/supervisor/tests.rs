//! Each rule of the supervisor, one story each.

use serde_json::json;

use super::*;
use crate::domain::{Bounded, FailureKind, GroupAssignment, GroupState, OwnerSet};

mod dependencies;
mod instances;

const FAR: LeaseEnd = LeaseEnd { stop_at: Ticks(u64::MAX / 4), kill_at: Ticks(u64::MAX / 2) };

fn spec(name: &str, more: serde_json::Value) -> ResourceSpec {
    let mut value = json!({ "name": name, "type": "process", "command": ["/bin/run", name] });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn group(epoch: u64, resources: Vec<ResourceSpec>) -> GroupAssignment {
    let (group, owner_set) = ("g".parse().unwrap(), OwnerSet::default());
    GroupAssignment { group, epoch: Epoch(epoch), owner_set, resources: resources.into() }
}

fn assignment(groups: Vec<GroupAssignment>) -> Assignment {
    Assignment { groups, ..Assignment::default() }
}

fn ms(millis: u64) -> Ticks {
    Ticks::from_millis(millis)
}

fn key(resource: &str) -> ServiceKey {
    match resource.strip_prefix("host ") {
        Some(host) => ServiceKey::Instance { host: host.parse().unwrap() },
        None => ServiceKey::Resource { group: "g".parse().unwrap(), resource: resource.parse().unwrap() },
    }
}

fn running(resource: &str, pid: u32, at: Ticks) -> Guarded {
    Guarded { key: key(resource), epoch: Epoch(1), pid, bounded: Bounded::ProcessGroup, started_at: at, exited: None }
}

/// Each action as one word and a name.
fn words(turn: &Turn) -> Vec<String> {
    let name = |key: &ServiceKey| match key {
        ServiceKey::Resource { resource, .. } => resource.to_string(),
        ServiceKey::Instance { host } => format!("host {host}"),
    };
    let word = |action: &Action| match action {
        Action::Start { key, epoch, .. } if key.is_leased() => format!("start {} {epoch}", name(key)),
        Action::Start { key, .. } => format!("start {}", name(key)),
        Action::Signal { key, .. } => format!("signal {}", name(key)),
        Action::Kill { key, .. } => format!("kill {}", name(key)),
        Action::Forget { key } => format!("forget {}", name(key)),
        Action::Probe { probe, .. } => format!("{:?} {}", probe.which, name(&probe.key)),
    };
    turn.actions.iter().map(word).collect()
}

struct Story {
    supervisor: Supervisor,
}

impl Story {
    fn new(groups: Vec<GroupAssignment>) -> (Self, Vec<String>) {
        let mut story = Self { supervisor: Supervisor::default() };
        assert!(story.assigned(0, groups).is_empty(), "nothing starts without a lease");
        let said = story.at(0, Event::LeaseMoved(FAR));
        (story, said)
    }

    fn at(&mut self, millis: u64, event: Event) -> Vec<String> {
        words(&self.supervisor.handle(event, ms(millis)))
    }

    fn assigned(&mut self, millis: u64, groups: Vec<GroupAssignment>) -> Vec<String> {
        self.at(millis, Event::Assigned(assignment(groups)))
    }

    fn started(&mut self, millis: u64, resource: &str, pid: u32) -> Vec<String> {
        self.at(millis, Event::Started(running(resource, pid, ms(millis))))
    }

    fn exited(&mut self, millis: u64, resource: &str, pid: u32) -> Vec<String> {
        let exit = Exit { code: Some(1), signal: None, at: ms(millis) };
        self.at(millis, Event::Exited { key: key(resource), pid, exit })
    }

    fn probed(&mut self, millis: u64, pid: u32, which: ProbeKind, yes: bool) -> Vec<String> {
        let answer = if yes { Ok(()) } else { Err("no".to_owned()) };
        self.at(millis, Event::Probed { key: key("a"), pid, which, answer })
    }

    fn state(&self) -> GroupState {
        self.supervisor.groups()[0].state
    }
}

#[test]
fn resources_start_in_order_and_stop_in_reverse() {
    let (mut story, said) = Story::new(vec![group(1, vec![spec("a", json!({})), spec("b", json!({}))])]);
    assert_eq!(said, ["start a 1"]);
    assert_eq!(story.started(1, "a", 10), ["start b 1"]);
    assert!(story.started(2, "b", 11).is_empty());
    assert_eq!(story.state(), GroupState::Online);
    assert_eq!(story.assigned(3, vec![]), ["signal b"]);
    assert_eq!(story.exited(4, "b", 11), ["forget b", "signal a"]);
    assert!(story.supervisor.groups()[0].running);
    assert_eq!(story.exited(5, "a", 10), ["forget a"]);
    assert!(story.supervisor.groups().is_empty());
}

#[test]
fn a_stop_that_takes_too_long_becomes_a_kill() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({ "stop_timeout": "1s" }))])]);
    story.started(1, "a", 10);
    story.assigned(2, vec![]);
    assert!(story.at(1_001, Event::Tick).is_empty());
    assert_eq!(story.at(1_002, Event::Tick), ["kill a"]);
    assert!(story.at(1_003, Event::Tick).is_empty());
}

#[test]
fn a_death_is_restarted_and_beyond_the_policy_reported() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({}))])]);
    story.started(1, "a", 10);
    assert_eq!(story.exited(2, "a", 10), ["forget a"]);
    assert!(story.at(501, Event::Tick).is_empty());
    assert_eq!(story.at(502, Event::Tick), ["start a 1"]);
    story.started(503, "a", 11);
    story.exited(504, "a", 11);
    assert!(story.at(10_000_000, Event::Tick).is_empty(), "it stays failed");
    let failure = story.supervisor.groups()[0].failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::ResourceFailed);
    assert_eq!(failure.reason, "it exited with code 1");
    assert!(!story.supervisor.groups()[0].running);
    assert_eq!(story.assigned(10_000_001, vec![group(2, vec![spec("a", json!({}))])]), ["start a 2"]);
}

#[test]
fn failures_older_than_the_period_are_forgotten() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({ "restart": { "period": "1s" } }))])]);
    for (round, pid) in (10..20).enumerate() {
        let now = 2_000 * round as u64;
        story.started(now, "a", pid);
        story.exited(now + 1, "a", pid);
        assert_eq!(story.at(now + 501, Event::Tick), ["start a 1"]);
    }
}

#[test]
fn without_failover_a_resource_begins_again_after_a_while() {
    let restart =
        json!({ "restart": { "max_restarts": 0, "fail_over": false, "retry_after": "10s", "period": "10s" } });
    let (mut story, _) = Story::new(vec![group(1, vec![spec("ok", json!({})), spec("a", restart)])]);
    story.started(0, "ok", 9);
    story.at(0, Event::StartRefused { key: key("a"), reason: "not there".to_owned() });
    assert_eq!(story.state(), GroupState::PartialOnline);
    assert!(story.supervisor.groups()[0].failure.is_none());
    assert!(story.at(9_999, Event::Tick).is_empty());
    assert_eq!(story.at(10_000, Event::Tick), ["start a 1"]);
}

#[test]
fn a_start_that_never_succeeds_is_a_start_failure() {
    let restart = json!({ "restart": { "max_restarts": 0 } });
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", restart)])]);
    story.at(5, Event::StartRefused { key: key("a"), reason: "not there".to_owned() });
    assert_eq!(story.supervisor.groups()[0].failure.clone().unwrap().kind, FailureKind::StartFailed);
}

#[test]
fn readiness_is_asked_until_it_succeeds_or_time_is_up() {
    let more = json!({ "readiness": { "tcp": "127.0.0.1:1" }, "pending_timeout": "1s" });
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", more)])]);
    assert_eq!(story.started(0, "a", 10), ["Readiness a"]);
    assert!(story.probed(1, 10, ProbeKind::Readiness, false).is_empty());
    assert_eq!(story.state(), GroupState::Pending);
    assert_eq!(story.at(501, Event::Tick), ["Readiness a"]);
    assert_eq!(story.at(1_000, Event::Tick), ["signal a"], "too late");
    assert!(story.exited(1_001, "a", 10).contains(&"forget a".to_owned()));
    assert_eq!(story.at(1_500, Event::Tick), ["start a 1"]);
    story.started(1_501, "a", 11);
    story.probed(1_502, 11, ProbeKind::Readiness, true);
    assert_eq!(story.state(), GroupState::Online);
}

#[test]
fn a_failed_look_asks_the_thorough_probe_at_once() {
    let more = json!({ "looks_alive": { "tcp": "127.0.0.1:1" }, "is_alive": { "tcp": "127.0.0.1:1" } });
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", more)])]);
    story.started(0, "a", 10);
    assert_eq!(story.at(5_000, Event::Tick), ["LooksAlive a"]);
    assert_eq!(story.probed(5_001, 10, ProbeKind::LooksAlive, false), ["IsAlive a"]);
    assert!(story.probed(5_002, 10, ProbeKind::IsAlive, true).is_empty());
    assert_eq!(story.at(10_001, Event::Tick), ["LooksAlive a"]);
    story.probed(10_002, 10, ProbeKind::LooksAlive, false);
    assert_eq!(story.probed(10_003, 10, ProbeKind::IsAlive, false), ["signal a"]);
    assert_eq!(story.exited(10_004, "a", 10), ["forget a"]);
    assert_eq!(story.at(10_503, Event::Tick), ["start a 1"]);
}

#[test]
fn a_changed_resource_is_restarted_in_place_and_others_are_left_alone() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({})), spec("b", json!({}))])]);
    story.started(0, "a", 10);
    story.started(0, "b", 11);
    let changed = vec![spec("a", json!({ "env": { "X": "1" } })), spec("b", json!({}))];
    assert_eq!(story.assigned(1, vec![group(1, changed)]), ["signal a"]);
    assert_eq!(story.exited(2, "a", 10), ["forget a", "start a 1"]);
}

#[test]
fn a_resource_that_is_only_restarted_probed_or_timed_differently_goes_on() {
    let look = |port: u16| json!({ "tcp": format!("127.0.0.1:{port}") });
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({ "is_alive": look(1) }))])]);
    story.started(0, "a", 10);
    assert_eq!(story.at(60_000, Event::Tick), ["IsAlive a"]);
    let changed = json!({ "is_alive": look(2), "stop_timeout": "1s", "restart": { "max_restarts": 0 } });
    assert!(story.assigned(60_001, vec![group(1, vec![spec("a", changed)])]).is_empty());
    // The answer is to the question as it was; the new one is asked instead.
    assert_eq!(story.probed(60_002, 10, ProbeKind::IsAlive, false), ["IsAlive a"]);
    assert_eq!(story.state(), GroupState::Online);
    assert_eq!(story.probed(60_003, 10, ProbeKind::IsAlive, false), ["signal a"]);
    assert_eq!(story.at(61_003, Event::Tick), ["kill a"], "after the new time to stop");
    story.exited(61_004, "a", 10);
    assert!(story.supervisor.groups()[0].failure.is_some(), "by the new policy, which allows no restart");
}

#[test]
fn what_waits_for_a_readiness_that_is_taken_away_is_online() {
    let pending = |more: serde_json::Value| vec![group(1, vec![spec("a", more)])];
    let (mut story, _) = Story::new(pending(json!({ "readiness": { "tcp": "127.0.0.1:1" } })));
    assert_eq!(story.started(0, "a", 10), ["Readiness a"]);
    assert!(story.assigned(1, pending(json!({}))).is_empty());
    assert_eq!(story.state(), GroupState::Online);
    assert!(story.probed(2, 10, ProbeKind::Readiness, false).is_empty(), "nobody asks that any more");
}

#[test]
fn what_waits_for_a_restart_begins_anew_by_a_changed_policy() {
    let waits = |delay: &str| vec![group(1, vec![spec("a", json!({ "restart": { "delay": delay } }))])];
    let (mut story, _) = Story::new(waits("10m"));
    story.started(0, "a", 10);
    assert_eq!(story.exited(1, "a", 10), ["forget a"]);
    assert_eq!(story.assigned(2, waits("1s")), ["start a 1"]);
}

#[test]
fn a_new_epoch_stops_the_group_before_it_starts_anew() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({}))])]);
    story.started(0, "a", 10);
    assert_eq!(story.assigned(1, vec![group(2, vec![spec("a", json!({}))])]), ["signal a"]);
    assert_eq!(story.exited(2, "a", 10), ["forget a", "start a 2"]);
}

#[test]
fn the_end_of_the_lease_stops_everything_and_a_new_one_starts_it_again() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({}))])]);
    story.started(0, "a", 10);
    story.at(1, Event::LeaseMoved(LeaseEnd { stop_at: ms(100), kill_at: ms(200) }));
    assert!(story.at(100, Event::Tick).is_empty(), "the guard asks it to stop");
    assert_eq!(story.state(), GroupState::Pending);
    assert_eq!(story.at(200, Event::Tick), ["kill a"]);
    assert_eq!(story.exited(201, "a", 10), ["forget a"]);
    assert_eq!(story.state(), GroupState::Offline);
    assert_eq!(story.at(300, Event::LeaseMoved(FAR)), ["start a 1"]);
    assert_eq!(story.supervisor.groups()[0].resources[0].restarts, 0);
}

#[test]
fn a_renewal_after_the_stop_began_lets_it_end_and_starts_it_again() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({}))])]);
    story.started(0, "a", 10);
    story.at(1, Event::LeaseMoved(LeaseEnd { stop_at: ms(100), kill_at: ms(200) }));
    assert_eq!(story.at(150, Event::LeaseMoved(FAR)), ["signal a"]);
    assert_eq!(story.exited(160, "a", 10), ["forget a", "start a 1"]);
}

#[test]
fn a_lost_guard_is_no_failure_and_nothing_starts_before_the_new_one_knows_the_lease() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({}))])]);
    story.started(0, "a", 10);
    assert!(story.at(1, Event::GuardLost).is_empty());
    assert!(!story.supervisor.groups()[0].running);
    assert_eq!(story.at(2, Event::LeaseMoved(FAR)), ["start a 1"]);
}

#[test]
fn an_exit_that_is_heard_of_before_the_start_counts() {
    let (mut story, _) = Story::new(vec![group(1, vec![spec("a", json!({}))])]);
    assert!(story.exited(1, "a", 10).is_empty());
    assert_eq!(story.started(2, "a", 10), ["forget a"]);
    assert_eq!(story.at(502, Event::Tick), ["start a 1"]);
}

#[test]
fn a_new_agent_adopts_what_it_remembers_and_stops_the_rest() {
    let assigned = vec![group(1, vec![spec("a", json!({}))])];
    let (mut story, _) = Story::new(assigned.clone());
    story.started(0, "a", 10);
    let memory = story.supervisor.memory();
    let left = vec![running("a", 10, ms(0)), running("stray", 11, ms(0))];
    let (supervisor, actions) = Supervisor::adopt(memory.clone(), left, FAR, ms(50));
    assert!(actions.is_empty());
    let mut again = Story { supervisor };
    assert_eq!(words(&again.supervisor.resume(assignment(assigned.clone()), ms(50))), ["signal stray"]);
    let seen = &again.supervisor.groups()[0];
    assert_eq!(seen.resources[0].pid, Some(10));
    assert_eq!(again.exited(51, "stray", 11), ["forget stray"]);
    assert_eq!(again.state(), GroupState::Online);

    let (supervisor, _) = Supervisor::adopt(memory, vec![running("a", 99, ms(0))], FAR, ms(50));
    let mut again = Story { supervisor };
    assert_eq!(words(&again.supervisor.resume(assignment(assigned), ms(50))), ["signal a"]);
}

#[test]
fn what_has_no_driver_is_a_refused_start() {
    let unit = json!({ "name": "a", "type": "systemd", "unit": "x.service", "restart": { "max_restarts": 0 } });
    let (mut story, said) = Story::new(vec![group(1, vec![serde_json::from_value(unit).unwrap()])]);
    assert_eq!(said, ["start a 1"]);
    story.at(1, Event::StartRefused { key: key("a"), reason: "no driver".to_owned() });
    let seen = &story.supervisor.groups()[0];
    assert_eq!((seen.state, seen.running), (GroupState::Failed, false));
    assert_eq!(seen.failure.as_ref().unwrap().reason, "it could not be started: no driver");
}
