//! What is a group's state, and why is it not online?

use super::draft::Draft;
use super::place::{blockers, choice, returns};
use super::snapshot::{GroupView, NodeView, SeenGroup, SeenResource, Snapshot};
use super::words::clock;
use super::{failback, hold, instances, needs};
use crate::domain::{FailbackPolicy, GroupName, GroupState, NodeName, NodeState, PlacementPhase, Priority};

/// A group's state as seen, and why it is not online or what it waits for. A group that is not there is offline.
pub fn group_state(snapshot: &Snapshot, group: &GroupName) -> (GroupState, Option<String>) {
    let Some((name, view)) = snapshot.groups.get_key_value(group) else { return (GroupState::Offline, None) };
    let owner = view.placement.owner().and_then(|owner| snapshot.nodes.get_key_value(owner));
    match owner {
        Some((owner, node)) => owned(snapshot, (name, view), owner, node),
        None => free(snapshot, name, view),
    }
}

fn owned(
    snapshot: &Snapshot,
    (name, view): (&GroupName, &GroupView),
    owner: &NodeName,
    node: &NodeView,
) -> (GroupState, Option<String>) {
    match node.seen.state {
        NodeState::Unreachable => {
            let until = node.seen.down_at.map_or_else(String::new, |at| format!(" until {}", clock(at)));
            return (GroupState::Unknown, Some(format!("{owner} does not answer and may run it{until}")));
        }
        NodeState::Down => return (GroupState::Pending, Some(format!("{owner} is down"))),
        NodeState::Up if !node.seen.answered => {
            return (GroupState::Unknown, Some(format!("{owner} has not said yet what it runs")));
        }
        NodeState::Up => {}
    }
    if matches!(view.placement.phase, PlacementPhase::Releasing { .. }) || !view.is_wanted() {
        return (GroupState::Pending, Some(format!("it stops on {owner}")));
    }
    if let Some(waits) = instances::kept_back(snapshot, owner, name) {
        return (GroupState::Pending, Some(format!("it waits on {owner}: {waits}")));
    }
    if let Some(missing) = snapshot.lacks(name) {
        let state = if missing.is_empty() { GroupState::Online } else { GroupState::PartialOnline };
        return (state, online(snapshot, (name, view), owner, &missing));
    }
    let held = view.failed.as_ref().filter(|mark| mark.held.is_some());
    match snapshot.seen_on_owner(name) {
        Some(seen) if held.is_some() => (seen.state, held.map(|mark| format!("it stays on {owner}: {}", mark.reason))),
        Some(seen) if matches!(seen.state, GroupState::Failed | GroupState::PartialOnline) => {
            let said = message(seen)
                .unwrap_or_else(|| format!("a resource failed on {owner} and stays failed by its restart policy"));
            (seen.state, Some(format!("{said}; reset the group to begin again")))
        }
        seen => {
            let said = seen.and_then(message).map_or_else(String::new, |said| format!(": {said}"));
            (GroupState::Pending, Some(format!("it starts on {owner}{said}")))
        }
    }
}

/// What there is to say of a group that is online: what it lacks, and where it will go by itself.
fn online(
    snapshot: &Snapshot,
    (name, view): (&GroupName, &GroupView),
    owner: &NodeName,
    missing: &[&SeenResource],
) -> Option<String> {
    let lacks = missing.first().map(|first| {
        let said = first.message.as_ref().map_or_else(String::new, |said| format!(" ({}: {said})", first.name));
        format!("{}{said}", needs::online_on(owner, missing))
    });
    if view.spec.failback.policy == FailbackPolicy::Never {
        return lacks;
    }
    let back = failback::note(snapshot, name, view);
    let notes: Vec<String> = lacks.into_iter().chain(back).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// What a resource that is not online says.
fn message(seen: &SeenGroup) -> Option<String> {
    let failure = seen.failure.as_ref().map(|failure| format!("{}: {}", failure.resource, failure.reason));
    let silent = seen.resources.iter().filter(|resource| resource.state != crate::domain::ResourceState::Online);
    let mut said = silent.filter_map(|resource| Some(format!("{}: {}", resource.name, resource.message.as_ref()?)));
    failure.or_else(|| said.next())
}

fn free(snapshot: &Snapshot, name: &GroupName, view: &GroupView) -> (GroupState, Option<String>) {
    let draft = Draft::new(snapshot);
    let waits = blockers(&draft, name);
    if !view.is_wanted() {
        let runs: Vec<&NodeName> =
            snapshot.nodes.iter().filter(|(_, node)| node.may_run(name)).map(|(node, _)| node).collect();
        return match runs.first() {
            Some(node) => (GroupState::Pending, Some(format!("it stops on {node}"))),
            None => (GroupState::Offline, None),
        };
    }
    if let Some(mark) = &view.failed {
        let message = format!("{}; it begins again at {}, or when it is reset", mark.reason, clock(mark.retry_at));
        return (GroupState::Failed, Some(message));
    }
    if !waits.is_empty() {
        return (GroupState::Pending, Some(format!("it waits: {}", waits.join("; "))));
    }
    let judgement = choice(&draft, name);
    if let Some(hold) = hold::of_start(&draft, name) {
        if view.spec.priority == Priority::NoAutoStart {
            return (GroupState::Offline, Some(hold.reason));
        }
        let begins_again = returns(&draft, name, &hold).is_some_and(|last| judgement.is_eligible(&last));
        if !begins_again {
            return (GroupState::Pending, Some(format!("it waits: {}", hold.reason)));
        }
    }
    let waits = needs::unmet(&draft, name);
    if !waits.is_empty() {
        return (GroupState::Pending, Some(format!("it waits: {}", waits.join("; "))));
    }
    match judgement.best() {
        Some(best) => (GroupState::Pending, Some(format!("it is about to start on {best}"))),
        None => (GroupState::Unplaced, Some(format!("no node can take it ({})", judgement.listed()))),
    }
}
