//! What depends on what starts after it, stops before it, and stops with it; what is not critical holds up nobody.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::ResourceState;

fn needs(name: &str, what: &str) -> ResourceSpec {
    spec(name, json!({ "depends_on": what, "restart": { "max_restarts": 5 } }))
}

fn plain(name: &str) -> ResourceSpec {
    spec(name, json!({ "restart": { "max_restarts": 5 } }))
}

fn state_of(story: &Story, name: &str) -> ResourceState {
    story.supervisor.groups()[0].resources.iter().find(|r| r.name.as_str() == name).unwrap().state
}

#[test]
fn they_start_once_what_they_need_is_online_beside_others_that_are_ready() {
    let resources = vec![needs("app", "ip and disk"), needs("ip", ""), needs("disk", ""), plain("last")];
    let (mut story, said) = Story::new(vec![group(1, resources)]);
    assert_eq!(said, ["start ip 1", "start disk 1"], "whatever the order of the document");
    assert!(story.started(1, "ip", 10).is_empty());
    let waits = &story.supervisor.groups()[0].resources[0];
    assert_eq!(waits.message.as_deref(), Some("it waits for ip and disk"));
    assert_eq!(story.started(2, "disk", 11), ["start app 1"]);
    assert_eq!(story.started(3, "app", 12), ["start last 1"], "without a word it comes after all before it");
    story.started(4, "last", 13);
    assert_eq!(story.state(), GroupState::Online);
    assert_eq!(story.assigned(5, vec![]), ["signal last"]);
    assert_eq!(story.exited(6, "last", 13), ["forget last", "signal app"]);
    assert_eq!(story.exited(7, "app", 12), ["forget app", "signal ip", "signal disk"], "what nothing needs stops at once");
}

#[test]
fn they_stop_with_what_they_need_and_come_back_without_a_failure() {
    let (mut story, _) = Story::new(vec![group(1, vec![plain("ip"), needs("app", "ip"), needs("top", "app")])]);
    story.started(0, "ip", 10);
    story.started(0, "app", 11);
    story.started(0, "top", 12);
    assert_eq!(story.exited(1, "ip", 10), ["forget ip", "signal top"], "the last in the row first");
    assert_eq!(story.exited(2, "top", 12), ["forget top", "signal app"]);
    assert_eq!(story.exited(3, "app", 11), ["forget app"]);
    assert_eq!(state_of(&story, "app"), ResourceState::Offline);
    assert_eq!(story.at(501, Event::Tick), ["start ip 1"]);
    assert_eq!(story.started(502, "ip", 20), ["start app 1"]);
    assert_eq!(story.started(503, "app", 21), ["start top 1"]);
    story.started(504, "top", 22);
    let restarts: Vec<u32> = story.supervisor.groups()[0].resources.iter().map(|r| r.restarts).collect();
    assert_eq!(restarts, [1, 0, 0]);
}

#[test]
fn a_changed_resource_waits_until_what_needs_it_has_stopped() {
    let (mut story, _) = Story::new(vec![group(1, vec![plain("ip"), needs("app", "ip")])]);
    story.started(0, "ip", 10);
    story.started(0, "app", 11);
    let other = spec("ip", json!({ "env": { "X": "1" } }));
    assert_eq!(story.assigned(1, vec![group(1, vec![other, needs("app", "ip")])]), ["signal app"]);
    assert!(story.at(2, Event::Tick).is_empty(), "it is not started again while ip is about to stop");
    assert_eq!(story.exited(3, "app", 11), ["forget app", "signal ip"]);
    assert_eq!(story.exited(4, "ip", 10), ["forget ip", "start ip 1"]);
    assert_eq!(story.started(5, "ip", 12), ["start app 1"]);
}

#[test]
fn one_of_two_is_enough() {
    let resources = vec![needs("ip4", ""), needs("ip6", ""), needs("app", "ip4 or ip6")];
    let (mut story, _) = Story::new(vec![group(1, resources)]);
    assert_eq!(story.started(0, "ip6", 10), ["start app 1"]);
    story.started(0, "app", 12);
    story.started(0, "ip4", 11);
    assert_eq!(story.exited(1, "ip6", 10), ["forget ip6"], "ip4 is left");
    assert_eq!(story.exited(2, "ip4", 11), ["forget ip4", "signal app"]);
}

#[test]
fn what_depends_on_a_later_one_does_not_hold_it_up() {
    let (mut story, said) = Story::new(vec![group(1, vec![needs("app", "ip"), plain("ip")])]);
    assert_eq!(said, ["start ip 1"]);
    assert_eq!(story.started(1, "ip", 10), ["start app 1"]);
    story.started(2, "app", 11);
    assert_eq!(story.assigned(3, vec![]), ["signal app"], "nor is it stopped under it");
}

#[test]
fn what_is_not_critical_stays_failed_and_the_group_goes_on() {
    let extra = spec("extra", json!({ "critical": false, "restart": { "max_restarts": 0, "retry_after": "1h" } }));
    let resources = vec![extra, needs("report", "extra"), plain("app")];
    let (mut story, said) = Story::new(vec![group(1, resources)]);
    assert_eq!(said, ["start extra 1"]);
    let refused = Event::StartRefused { key: key("extra"), reason: "not there".to_owned() };
    assert_eq!(story.at(1, refused), ["start app 1"], "nor is what needs it waited for");
    story.started(2, "app", 10);
    let seen = &story.supervisor.groups()[0];
    assert_eq!((seen.state, &seen.failure), (GroupState::PartialOnline, &None));
    assert_eq!(
        seen.resources[0].message.as_deref(),
        Some("it could not be started: not there; it begins again 1h later")
    );
    assert_eq!(state_of(&story, "report"), ResourceState::Offline);
    assert!(story.at(3_600_000, Event::Tick).is_empty());
    assert_eq!(story.at(3_600_001, Event::Tick), ["start extra 1"]);
    assert_eq!(story.started(3_600_002, "extra", 11), ["start report 1"]);
    story.started(3_600_003, "report", 12);
    assert_eq!(story.state(), GroupState::Online);
}

/// Under a lease without end, whatever dies and whatever is assigned.
fn shaken(steps: Vec<(u8, u8)>) -> Result<(), TestCaseError> {
    let shapes = [
        vec![needs("a", ""), needs("b", "a"), needs("c", "a or b"), needs("d", "b and c"), plain("e")],
        vec![needs("b", "a"), needs("a", ""), plain("e")],
        vec![plain("a"), plain("b"), needs("c", "a and b")],
        vec![],
    ];
    let (mut story, mut now) = (Story { supervisor: Supervisor::default() }, 0);
    let (mut asked, mut alive, mut told): (Vec<ServiceKey>, BTreeMap<ServiceKey, u32>, Vec<ServiceKey>) =
        Default::default();
    let mut specs: BTreeMap<ServiceKey, ResourceSpec> = BTreeMap::new();
    story.at(0, Event::LeaseMoved(FAR));
    for (index, (kind, arg)) in steps.into_iter().enumerate() {
        now += u64::from(arg) * 5;
        let nth = |keys: Vec<&ServiceKey>| keys.get(usize::from(arg) % keys.len().max(1)).map(|key| (*key).clone());
        let event = match kind {
            0 => {
                let resources = shapes[usize::from(arg) % shapes.len()].clone();
                let groups = if resources.is_empty() { vec![] } else { vec![group(1, resources)] };
                Event::Assigned(assignment(groups))
            }
            1..=3 => match asked.pop() {
                Some(key) => {
                    let pid = u32::try_from(index).unwrap() + 1;
                    alive.insert(key.clone(), pid);
                    let (epoch, bounded) = (Epoch(1), Bounded::Cgroup);
                    Event::Started(Guarded { key, epoch, pid, bounded, started_at: ms(now), exited: None })
                }
                None => Event::Tick,
            },
            // Those that were told to stop do so more often than others.
            _ => match nth(if kind == 4 { alive.keys().collect() } else { told.iter().collect() }) {
                Some(key) => {
                    told.retain(|other| *other != key);
                    let Some(pid) = alive.remove(&key) else { continue };
                    Event::Exited { key, pid, exit: Exit { code: Some(0), signal: None, at: ms(now) } }
                }
                None => Event::Tick,
            },
        };
        for action in story.supervisor.handle(event, ms(now)).actions {
            let online = |name: &crate::domain::ResourceName| {
                alive.keys().any(|key| key.name() == name.as_str() && !told.contains(key))
            };
            match action {
                Action::Start { key, spec, .. } => {
                    let met = spec.depends_on.as_ref().is_none_or(|needs| needs.is_met(&online));
                    prop_assert!(met, "{key} starts without what it needs");
                    specs.insert(key.clone(), *spec);
                    asked.push(key);
                }
                Action::Signal { key, .. } => {
                    let needs_it = |other: &&ServiceKey| {
                        let needs = specs[*other].depends_on.as_ref();
                        **other != key && needs.is_some_and(|needs| !needs.is_met(&|name| name.as_str() != key.name()))
                    };
                    let left: Vec<_> = alive.keys().filter(needs_it).collect();
                    prop_assert!(left.is_empty(), "{key} stops before {left:?}");
                    told.push(key);
                }
                Action::Kill { key, .. } => told.push(key),
                Action::Forget { .. } | Action::Probe { .. } => {}
            }
        }
    }
    // Left alone, everything that needs nothing more comes online.
    for round in 0..60_u32 {
        now += 700;
        let last = Event::Assigned(assignment(vec![group(2, shapes[0].clone())]));
        let mut events = vec![if round == 0 { last } else { Event::Tick }];
        for key in std::mem::take(&mut told) {
            if let Some(pid) = alive.remove(&key) {
                events.push(Event::Exited { key, pid, exit: Exit { code: Some(0), signal: None, at: ms(now) } });
            }
        }
        for key in std::mem::take(&mut asked) {
            let (epoch, pid, bounded) = (Epoch(2), 10_000 + 10 * round + u32::try_from(events.len()).unwrap(), Bounded::Cgroup);
            alive.insert(key.clone(), pid);
            events.push(Event::Started(Guarded { key, epoch, pid, bounded, started_at: ms(now), exited: None }));
        }
        for action in events.into_iter().flat_map(|event| story.supervisor.handle(event, ms(now)).actions).collect::<Vec<_>>() {
            match action {
                Action::Start { key, .. } => asked.push(key),
                Action::Signal { key, .. } | Action::Kill { key, .. } => told.push(key),
                Action::Forget { .. } | Action::Probe { .. } => {}
            }
        }
    }
    prop_assert_eq!(story.state(), GroupState::Online);
    Ok(())
}

proptest! {
    #[test]
    fn whatever_dies_the_order_is_kept(steps in prop::collection::vec((0_u8..8, any::<u8>()), 1..150)) {
        shaken(steps)?;
    }
}
