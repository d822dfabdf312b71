//! Instances of hosts that are not clustered: outside the lease, and never beside the same host in a group.

use super::*;
use crate::domain::{InstanceAssignment, ResourceState};

fn instance(name: &str, more: serde_json::Value) -> InstanceAssignment {
    InstanceAssignment { host: name.parse().unwrap(), resource: spec(name, more) }
}

fn both(groups: Vec<GroupAssignment>, instances: Vec<InstanceAssignment>) -> Event {
    Event::Assigned(Assignment { groups, instances, ..Assignment::default() })
}

fn started(story: &mut Story, millis: u64, name: &str, pid: u32) -> Vec<String> {
    story.at(millis, Event::Started(Guarded { epoch: Epoch(0), ..running(name, pid, ms(millis)) }))
}

fn state(story: &Story) -> ResourceState {
    story.supervisor.instances()[0].resource.state
}

#[test]
fn it_needs_no_lease_and_outlives_one() {
    let mut story = Story { supervisor: Supervisor::default() };
    let all = both(vec![group(1, vec![spec("a", json!({}))])], vec![instance("h", json!({}))]);
    assert_eq!(story.at(0, all), ["start host h"]);
    started(&mut story, 1, "host h", 10);
    assert_eq!(state(&story), ResourceState::Online);
    story.at(2, Event::LeaseMoved(LeaseEnd { stop_at: ms(100), kill_at: ms(200) }));
    story.started(3, "a", 11);
    assert_eq!(story.at(200, Event::Tick), ["kill a"]);
    assert_eq!((state(&story), story.supervisor.instances()[0].resource.pid), (ResourceState::Online, Some(10)));
    story.exited(201, "a", 11);
    assert_eq!(story.at(300, both(vec![], vec![])), ["signal host h"]);
    assert_eq!(state(&story), ResourceState::OfflinePending, "it is listed until nothing of it is alive");
    story.exited(301, "host h", 10);
    assert!(story.supervisor.instances().is_empty());
}

#[test]
fn it_is_restarted_by_its_policy_without_a_lease_and_never_fails_over() {
    let mut story = Story { supervisor: Supervisor::default() };
    story.at(0, both(vec![], vec![instance("h", json!({}))]));
    started(&mut story, 0, "host h", 10);
    assert_eq!(story.exited(1, "host h", 10), ["forget host h"]);
    assert_eq!(story.at(501, Event::Tick), ["start host h"]);
    started(&mut story, 502, "host h", 11);
    story.exited(503, "host h", 11);
    assert_eq!(state(&story), ResourceState::Failed);
    let message = story.supervisor.instances()[0].resource.message.clone().unwrap();
    assert_eq!(message, "it exited with code 1; it begins again 1h later");
    assert!(story.at(3_600_000, Event::Tick).is_empty());
    assert_eq!(story.at(3_600_503, Event::Tick), ["start host h"]);
}

#[test]
fn a_changed_one_is_restarted() {
    let mut story = Story { supervisor: Supervisor::default() };
    story.at(0, both(vec![], vec![instance("h", json!({}))]));
    started(&mut story, 0, "host h", 10);
    let changed = || both(vec![], vec![instance("h", json!({ "env": { "X": "1" } }))]);
    assert_eq!(story.at(1, changed()), ["signal host h"]);
    assert_eq!(story.exited(2, "host h", 10), ["forget host h", "start host h"]);
    started(&mut story, 3, "host h", 11);
    assert!(story.at(4, changed()).is_empty(), "the same again changes nothing");
}

#[test]
fn it_and_the_host_in_a_group_are_never_there_at_once() {
    let clustered = || vec![group(1, vec![spec("h", json!({}))])];
    let mut story = Story { supervisor: Supervisor::default() };
    story.at(0, Event::LeaseMoved(FAR));
    story.at(0, both(vec![], vec![instance("h", json!({}))]));
    started(&mut story, 0, "host h", 10);
    assert_eq!(story.at(1, both(clustered(), vec![])), ["signal host h"]);
    assert_eq!(
        story.supervisor.groups()[0].resources[0].message.as_deref(),
        Some("it waits for the end of the host's own instance here")
    );
    assert_eq!(story.exited(2, "host h", 10), ["forget host h", "start h 1"]);
    story.started(3, "h", 11);
    assert_eq!(story.at(4, both(vec![], vec![instance("h", json!({}))])), ["signal h"]);
    assert_eq!(story.exited(5, "h", 11), ["forget h", "start host h"]);
}

#[test]
fn a_resource_and_an_instance_of_one_name_that_are_both_wanted_are_two_services() {
    let mut story = Story { supervisor: Supervisor::default() };
    story.at(0, Event::LeaseMoved(FAR));
    let said = story.at(0, both(vec![group(1, vec![spec("h", json!({}))])], vec![instance("h", json!({}))]));
    assert_eq!(said, ["start h 1", "start host h"]);
    story.started(1, "h", 10);
    started(&mut story, 1, "host h", 11);
    assert_eq!(story.exited(2, "h", 10), ["forget h"]);
    assert_eq!(state(&story), ResourceState::Online, "the one does not stand for the other");
}

#[test]
fn a_lost_guard_is_no_failure_and_the_next_one_starts_it_again() {
    let mut story = Story { supervisor: Supervisor::default() };
    story.at(0, both(vec![], vec![instance("h", json!({}))]));
    started(&mut story, 0, "host h", 10);
    assert!(story.at(1, Event::GuardLost).is_empty());
    assert_eq!(state(&story), ResourceState::Offline);
    assert!(story.at(1_000, Event::Tick).is_empty(), "nobody could start it");
    assert_eq!(story.at(1_001, Event::GuardFound), ["start host h"]);
    assert_eq!(story.supervisor.instances()[0].resource.restarts, 0);
}

#[test]
fn a_new_agent_adopts_it_and_starts_none_before_it_is_told_that_it_still_shall() {
    let assigned = || Assignment { instances: vec![instance("h", json!({}))], ..Assignment::default() };
    let mut story = Story { supervisor: Supervisor::default() };
    story.at(0, Event::Assigned(assigned()));
    started(&mut story, 0, "host h", 10);
    let memory = story.supervisor.memory();
    let left = Guarded { epoch: Epoch(0), ..running("host h", 10, ms(0)) };
    let (supervisor, actions) = Supervisor::adopt(memory.clone(), vec![left], LeaseEnd::default(), ms(50));
    assert!(actions.is_empty());
    let mut again = Story { supervisor };
    assert!(words(&again.supervisor.resume(assigned(), ms(50))).is_empty());
    let seen = &again.supervisor.instances()[0].resource;
    assert_eq!((seen.state, seen.pid), (ResourceState::Online, Some(10)), "it goes on as it is");
    again.exited(51, "host h", 10);
    assert!(again.at(5_000, Event::Tick).is_empty(), "it may be wanted otherwise by now");
    assert_eq!(again.at(5_001, Event::AssignmentStands), ["start host h"]);

    // After a boot nothing is left, and nothing is remembered.
    let (supervisor, _) = Supervisor::adopt(Memory::default(), vec![], LeaseEnd::default(), ms(50));
    let mut again = Story { supervisor };
    assert!(words(&again.supervisor.resume(assigned(), ms(50))).is_empty());
    assert!(again.at(5_000, Event::LeaseMoved(FAR)).is_empty());
    assert_eq!(again.at(5_001, Event::AssignmentStands), ["start host h"]);

    // What runs and is not remembered is stopped.
    let stray = Guarded { epoch: Epoch(0), ..running("host h", 11, ms(0)) };
    let (supervisor, _) = Supervisor::adopt(memory, vec![stray], LeaseEnd::default(), ms(50));
    let mut again = Story { supervisor };
    assert_eq!(words(&again.supervisor.resume(assigned(), ms(50))), ["signal host h"]);
}
