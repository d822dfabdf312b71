//! Whatever happens in whatever order: never two of one, never a start outside the lease but of an instance, never a host
//! in a group and outside of it, a stop ends with nothing alive.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{Bounded, GroupAssignment, InstanceAssignment, OwnerSet};

/// A guard that does as told, when the test lets it.
#[derive(Default)]
struct World {
    now: u64,
    supervisor: Supervisor,
    lease: LeaseEnd,
    asked: Vec<(ServiceKey, Epoch)>,
    alive: BTreeMap<ServiceKey, u32>,
    ordered_dead: Vec<ServiceKey>,
    next_pid: u32,
    guarded: bool,
}

impl World {
    fn tell(&mut self, event: Event) {
        if let Event::LeaseMoved(lease) = &event {
            self.lease = *lease;
        }
        let now = Ticks::from_millis(self.now);
        for action in self.supervisor.handle(event, now).actions {
            match action {
                Action::Start { key, epoch, .. } => {
                    assert!(now < self.lease.stop_at || !key.is_leased(), "started outside the lease");
                    assert!(self.guarded, "started without a guard");
                    let other = |alive: &ServiceKey| alive.name() == key.name() && alive.is_leased() != key.is_leased();
                    let beside = self.alive.keys().chain(self.asked.iter().map(|(key, _)| key)).any(other);
                    assert!(!beside, "{key} is started beside the same host");
                    assert!(!self.alive.contains_key(&key), "{key:?} runs already");
                    assert!(self.asked.iter().all(|(k, _)| *k != key), "{key:?} is being started already");
                    self.asked.push((key, epoch));
                }
                Action::Signal { key, .. } | Action::Kill { key, .. } => self.ordered_dead.push(key),
                Action::Forget { key } => assert!(!self.alive.contains_key(&key)),
                Action::Probe { .. } => {}
            }
        }
    }

    fn answer_start(&mut self, works: bool) {
        let Some((key, epoch)) = self.asked.pop() else {
            return;
        };
        if works {
            self.next_pid += 1;
            let pid = self.next_pid;
            self.alive.insert(key.clone(), pid);
            let started_at = Ticks::from_millis(self.now);
            let bounded = Bounded::Cgroup;
            self.tell(Event::Started(Guarded { key, epoch, pid, bounded, started_at, exited: None }));
        } else {
            self.tell(Event::StartRefused { key, reason: "no".to_owned() });
        }
    }

    fn die(&mut self, key: &ServiceKey) {
        if let Some(pid) = self.alive.remove(key) {
            let exit = Exit { code: Some(0), signal: None, at: Ticks::from_millis(self.now) };
            self.tell(Event::Exited { key: key.clone(), pid, exit });
        }
    }

    /// Whether something of it is said to be alive.
    fn says(&self, key: &ServiceKey) -> bool {
        match key {
            ServiceKey::Resource { group, .. } => {
                self.supervisor.groups().iter().any(|g| g.group == *group && g.running)
            }
            ServiceKey::Instance { host } => {
                let seen = self.supervisor.instances().iter().find(|i| i.host == *host);
                seen.is_some_and(|i| i.resource.pid.is_some())
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            self.now += 700;
            self.tell(Event::Tick);
            self.answer_start(true);
            for key in std::mem::take(&mut self.ordered_dead) {
                self.die(&key);
            }
        }
    }
}

/// The host `a` is in the group `g`, or has an instance of its own, or is not there.
fn assignment(bits: u8) -> Assignment {
    let group = |name: &str, bits: u8| {
        let spec = |r: &str| json!({ "name": r, "type": "process", "command": ["x", (bits & 4).to_string()] });
        let clustered = bits & 64 == 0 || name == "h";
        let names = if clustered { vec!["a", "b"] } else { vec!["b"] };
        let resources: Vec<_> = names.into_iter().map(|name| serde_json::from_value(spec(name)).unwrap()).collect();
        let epoch = Epoch(1 + u64::from(bits & 2));
        GroupAssignment {
            group: name.parse().unwrap(),
            epoch,
            owner_set: OwnerSet::default(),
            resources: resources.into(),
        }
    };
    // No instance is assigned beside a group that has the host: that is the planner's part.
    let all = [("g", bits), ("h", (bits >> 3) & 7)];
    let apart = bits & 64 != 0 && all[1].1 & 1 == 0;
    let groups = all.iter().filter(|(_, bits)| bits & 1 == 1).map(|(name, bits)| group(name, *bits)).collect();
    let resource = json!({ "name": "a", "type": "process", "command": ["y", (bits & 4).to_string()] });
    let instance =
        || InstanceAssignment { host: "a".parse().unwrap(), resource: serde_json::from_value(resource).unwrap() };
    let instances = if apart { vec![instance()] } else { vec![] };
    Assignment { groups, instances, ..Assignment::default() }
}

proptest! {
    #[test]
    fn nothing_random_breaks_the_rules(steps in prop::collection::vec((0_u8..9, any::<u8>()), 1..150)) {
        let mut world = World { guarded: true, ..World::default() };
        for (kind, arg) in steps {
            world.now += u64::from(arg) * 3;
            let victim = world.alive.keys().nth(usize::from(arg) % world.alive.len().max(1)).cloned();
            match (kind, victim) {
                (0, _) => world.tell(Event::Assigned(assignment(arg))),
                // Only a guard takes a lease.
                (1, _) if world.guarded => {
                    let stop_at = Ticks::from_millis(world.now + u64::from(arg) * 20);
                    let kill_at = stop_at.plus(std::time::Duration::from_millis(500));
                    world.tell(Event::LeaseMoved(LeaseEnd { stop_at, kill_at }));
                }
                (2 | 3, _) => world.answer_start(true),
                (4, _) => world.answer_start(false),
                (5, Some(key)) => world.die(&key),
                (6, _) if !world.ordered_dead.is_empty() => {
                    let key = world.ordered_dead.remove(0);
                    world.die(&key);
                }
                (7, _) if arg < 16 => {
                    world.alive.clear();
                    world.asked.clear();
                    world.ordered_dead.clear();
                    (world.lease, world.guarded) = (LeaseEnd::default(), false);
                    world.tell(Event::GuardLost);
                }
                (7, _) if arg < 128 && !world.guarded => {
                    world.guarded = true;
                    world.tell(Event::GuardFound);
                }
                _ => world.tell(Event::Tick),
            }
            for key in world.alive.keys() {
                prop_assert!(world.says(key), "{key:?} is alive and nobody says so");
            }
        }
        if !world.guarded {
            world.guarded = true;
            world.tell(Event::GuardFound);
        }
        world.tell(Event::Assigned(Assignment::default()));
        world.settle();
        prop_assert!(world.alive.is_empty(), "still alive: {:?}", world.alive);
        prop_assert!(world.supervisor.groups().is_empty() && world.supervisor.instances().is_empty());
        let far = LeaseEnd { stop_at: Ticks(u64::MAX / 4), kill_at: Ticks(u64::MAX / 2) };
        world.tell(Event::LeaseMoved(far));
        world.tell(Event::Assigned(assignment(0b10_1011)));
        world.settle();
        prop_assert_eq!(world.alive.len(), 4);
        // The host leaves its group, and is an instance.
        world.tell(Event::Assigned(assignment(0b100_0001)));
        world.settle();
        let names: Vec<String> = world.alive.keys().map(ToString::to_string).collect();
        prop_assert_eq!(names, ["g/b", "the instance of a"]);
    }
}
