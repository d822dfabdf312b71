//! What is a group's state, and why is it not online?

use super::draft::Draft;
use super::place::{blockers, choice, returns};
use super::snapshot::{GroupView, NodeView, SeenGroup, SeenResource, Snapshot};
use super::words::clock;
use super::{failback, hold, instances, needs};
use crate::domain::{FailbackPolicy, GroupName, GroupState, NodeName, NodeState, PlacementPhase, Priority};

/// Questions about the groups of one snapshot: what all answers need is worked out once.
pub struct Survey<'a>(Draft<'a>);

impl<'a> Survey<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self(Draft::new(snapshot))
    }

    /// A group's state as seen, and why it is not online or what it waits for. A group that is not there is offline.
    pub fn group_state(&self, group: &GroupName) -> (GroupState, Option<String>) {
        let snapshot = self.0.snapshot;
        let Some((name, view)) = snapshot.groups.get_key_value(group) else { return (GroupState::Offline, None) };
        let owner = view.placement.owner().and_then(|owner| snapshot.nodes.get_key_value(owner));
        match owner {
            Some((owner, node)) => owned(&self.0, (name, view), owner, node),
            None => free(&self.0, name, view),
        }
    }

    /// Failovers spent within the budget's period, and the budget. `(0, 0)` for a group that is not there.
    pub fn budget(&self, group: &GroupName) -> (u32, u32) {
        super::budget::budget(&self.0, group)
    }
}

/// The answer of a survey for one group.
pub fn group_state(snapshot: &Snapshot, group: &GroupName) -> (GroupState, Option<String>) {
    Survey::new(snapshot).group_state(group)
}

/// The answer of a survey for one group.
pub fn budget(snapshot: &Snapshot, group: &GroupName) -> (u32, u32) {
    Survey::new(snapshot).budget(group)
}

fn owned<'a>(
    draft: &Draft<'a>,
    (name, view): (&'a GroupName, &'a GroupView),
    owner: &NodeName,
    node: &NodeView,
) -> (GroupState, Option<String>) {
    let snapshot = draft.snapshot;
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
        return (state, online(draft, (name, view), owner, &missing));
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
fn online<'a>(
    draft: &Draft<'a>,
    (name, view): (&'a GroupName, &'a GroupView),
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
    let back = failback::note(draft, (name, view));
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

fn free<'a>(draft: &Draft<'a>, name: &'a GroupName, view: &'a GroupView) -> (GroupState, Option<String>) {
    let waits = blockers(draft, name);
    if !view.is_wanted() {
        let runs = draft.index.reports(name).iter().find(|report| report.may_run());
        return match runs.map(|report| report.node) {
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
    let search = choice(draft, name, view);
    if let Some(hold) = hold::of_start(draft, (name, view)) {
        if view.spec.priority == Priority::NoAutoStart {
            return (GroupState::Offline, Some(hold.reason));
        }
        let begins_again = returns(draft, name, &hold).is_some_and(|last| search.is_eligible(last));
        if !begins_again {
            return (GroupState::Pending, Some(format!("it waits: {}", hold.reason)));
        }
    }
    let waits = needs::unmet(draft, view);
    if !waits.is_empty() {
        return (GroupState::Pending, Some(format!("it waits: {}", waits.join("; "))));
    }
    match search.best() {
        Some(best) => (GroupState::Pending, Some(format!("it is about to start on {best}"))),
        None => (GroupState::Unplaced, Some(format!("no node can take it ({})", search.judge().listed()))),
    }
}
