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
    assert_eq!(
        story.exited(7, "app", 12),
        ["forget app", "signal ip", "signal disk"],
        "what nothing needs stops at once"
    );
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

/// A guard under a lease without end: what it was asked to start, what is alive, and what was told to stop.
struct Shaken {
    story: Story,
    now: u64,
    pids: u32,
    asked: Vec<ServiceKey>,
    alive: BTreeMap<ServiceKey, u32>,
    told: Vec<ServiceKey>,
    specs: BTreeMap<ServiceKey, ResourceSpec>,
}

impl Shaken {
    fn new() -> Self {
        let mut story = Story { supervisor: Supervisor::default() };
        story.at(0, Event::LeaseMoved(FAR));
        let (asked, alive, told, specs) = (Vec::new(), BTreeMap::new(), Vec::new(), BTreeMap::new());
        Self { story, now: 0, pids: 0, asked, alive, told, specs }
    }

    fn start(&mut self, key: ServiceKey, epoch: Epoch) -> Event {
        self.pids += 1;
        self.alive.insert(key.clone(), self.pids);
        let started_at = ms(self.now);
        Event::Started(Guarded { key, epoch, pid: self.pids, bounded: Bounded::Cgroup, started_at, exited: None })
    }

    fn end(&mut self, key: ServiceKey) -> Option<Event> {
        self.told.retain(|other| *other != key);
        let pid = self.alive.remove(&key)?;
        Some(Event::Exited { key, pid, exit: Exit { code: Some(0), signal: None, at: ms(self.now) } })
    }

    /// What a step of the story stands for.
    fn draw(&mut self, kind: u8, arg: u8) -> Option<Event> {
        let nth = |keys: Vec<&ServiceKey>| keys.get(usize::from(arg) % keys.len().max(1)).map(|key| (*key).clone());
        match kind {
            0 => {
                let resources = shapes()[usize::from(arg) % 4].clone();
                let groups = if resources.is_empty() { vec![] } else { vec![group(1, resources)] };
                Some(Event::Assigned(assignment(groups)))
            }
            1..=3 => self.asked.pop().map(|key| self.start(key, Epoch(1))),
            4 => nth(self.alive.keys().collect()).and_then(|key| self.end(key)),
            // Those that were told to stop do so more often than others die.
            _ => nth(self.told.iter().collect()).and_then(|key| self.end(key)),
        }
    }

    /// Checks the order of what follows from an event.
    fn tell(&mut self, event: Event) -> Result<(), TestCaseError> {
        if let Event::Assigned(Assignment { groups, .. }) = &event {
            // What goes on does so under what is wanted now; a new epoch takes nothing over.
            for wanted in groups.iter().filter(|group| group.epoch == Epoch(1)).flat_map(|group| &group.resources) {
                if let Some(spec) = self.specs.get_mut(&super::key(wanted.name.as_str())) {
                    spec.depends_on = wanted.depends_on.clone();
                }
            }
        }
        for action in self.story.supervisor.handle(event, ms(self.now)).actions {
            match action {
                Action::Start { key, spec, .. } => {
                    let online = |name: &crate::domain::ResourceName| {
                        self.alive.keys().any(|key| key.name() == name.as_str() && !self.told.contains(key))
                    };
                    let met = spec.depends_on.as_ref().is_none_or(|needs| needs.is_met(&online));
                    prop_assert!(met, "{key} starts without what it needs");
                    self.specs.insert(key.clone(), *spec);
                    self.asked.push(key);
                }
                Action::Signal { key, .. } => {
                    let needs_it = |other: &&ServiceKey| {
                        let needs = self.specs[*other].depends_on.as_ref();
                        **other != key && needs.is_some_and(|needs| !needs.is_met(&|name| name.as_str() != key.name()))
                    };
                    let left: Vec<_> = self.alive.keys().filter(needs_it).collect();
                    prop_assert!(left.is_empty(), "{key} stops before {left:?}");
                    self.told.push(key);
                }
                Action::Kill { key, .. } => self.told.push(key),
                Action::Forget { .. } | Action::Probe { .. } => {}
            }
        }
        Ok(())
    }

    /// Left alone, everything comes online.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.tell(Event::Assigned(assignment(vec![group(2, shapes()[0].clone())])))?;
        for _ in 0..60 {
            self.now += 700;
            self.tell(Event::Tick)?;
            for key in std::mem::take(&mut self.told) {
                self.end(key).map_or(Ok(()), |event| self.tell(event))?;
            }
            for key in std::mem::take(&mut self.asked) {
                let event = self.start(key, Epoch(2));
                self.tell(event)?;
            }
        }
        prop_assert_eq!(self.story.state(), GroupState::Online);
        Ok(())
    }
}

fn shapes() -> [Vec<ResourceSpec>; 4] {
    [
        vec![needs("a", ""), needs("b", "a"), needs("c", "a or b"), needs("d", "b and c"), plain("e")],
        vec![needs("b", "a"), needs("a", ""), plain("e")],
        vec![plain("a"), plain("b"), needs("c", "a and b")],
        vec![],
    ]
}

proptest! {
    #[test]
    fn whatever_dies_the_order_is_kept(steps in prop::collection::vec((0_u8..8, any::<u8>()), 1..150)) {
        let mut world = Shaken::new();
        for (kind, arg) in steps {
            world.now += u64::from(arg) * 5;
            let event = world.draw(kind, arg).unwrap_or(Event::Tick);
            world.tell(event)?;
        }
        world.settle()?;
    }
}
