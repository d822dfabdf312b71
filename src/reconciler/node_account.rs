//! What is known of one node under this reign: what it said last, what it is to get, and since when it is what it is?

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::account::{Heading, Moment};
use super::seen;
use crate::domain::{
    Assignment, Decision, EventKind, GroupName, HostName, NewEvent, NodeName, NodeState, Ran, Revision, Term, Ticks,
};
use crate::lease::Standing;
use crate::planner::Snapshot;
use crate::planner::snapshot::{NodeSeen, NodeView};
use crate::wire::{AppliedDecision, Stamp};

/// What is known of one node.
#[derive(Default)]
pub(super) struct NodeAccount {
    pub(super) wanted: Option<(Decision, Assignment)>,
    pub(super) observation: Option<seen::Received>,
    pub(super) newest: Option<Stamp>,
    /// When the present agent process was first heard.
    pub(super) met_at: Ticks,
    /// When it last answered, and how often it had been counted down by then.
    pub(super) answered_at: Option<Timestamp>,
    pub(super) lapses: u64,
    /// The revision and assignment that the agent last spoke of, which may be newer than the observation.
    pub(super) spoken: Option<(Revision, Option<AppliedDecision>)>,
    pub(super) problem: Option<String>,
    pub(super) silence: Option<String>,
    pub(super) state: Option<(NodeState, Timestamp)>,
    pub(super) down_at: Option<(Ticks, Timestamp)>,
    /// Hosts of which the agent that is noted may run instances, which no lease ends and no operator has vouched for.
    pub(super) instances: BTreeSet<HostName>,
    pub(super) wakers: Arc<NodeWakers>,
}

/// Wakes the tasks of one node.
#[derive(Debug, Default)]
pub(super) struct NodeWakers {
    pub(super) push: Notify,
    pub(super) observe: Notify,
}

impl NodeAccount {
    /// Whether an agent process says this that was asked before the present one was heard of: it may be gone, and what
    /// it says late is not believed.
    pub(super) fn is_late(&self, heading: &Heading) -> bool {
        let another = self.newest.is_some_and(|newest| newest.incarnation != heading.stamp.incarnation);
        another && heading.asked_at <= self.met_at
    }

    /// Whether an operator's word that the node runs nothing counts. One given before the node last answered, or before this
    /// reign, is about an earlier silence.
    pub(super) fn is_vouched_for(&self, view: &NodeView, began: Timestamp) -> bool {
        let since = self.answered_at.map_or(began, |at| at.max(began));
        view.confirmed_down.as_ref().is_some_and(|word| word.at > since)
    }

    /// Takes in what is stored: of which hosts its agent may run instances.
    pub(super) fn note_instances(&mut self, view: &NodeView, began: Timestamp) {
        let Assignment { instances, leaving, .. } = &view.assignment;
        let told = instances.iter().map(|instance| &instance.host);
        let left = leaving.iter().filter(|leaving| leaving.ran == Ran::Instance).map(|leaving| &leaving.host);
        let vouched = self.is_vouched_for(view, began);
        self.instances = told.chain(left).filter(|_| !vouched).cloned().collect();
    }

    /// Why another agent than the one that is noted is not believed, though no lease is outstanding: it can't say whether
    /// the instances of that one have stopped.
    pub(super) fn keeps_out(&self, node: &NodeName, agent: Uuid, noted: Option<&Uuid>) -> Option<String> {
        let others = noted.is_some_and(|noted| *noted != agent) && !self.instances.is_empty();
        let hosts: Vec<&str> = self.instances.iter().map(HostName::as_str).collect();
        others.then(|| {
            format!(
                "another agent ({agent}) answers for {node} than the one that may still run an instance of {}, which no lease \
                 ends; once that has ended, confirm that {node} is down",
                hosts.join(", ")
            )
        })
    }

    /// What a node said before it was counted down is no longer what it runs.
    pub(super) fn forget_if_lapsed(&mut self, standing: &Standing) {
        if self.lapses != standing.lapses {
            self.lapses = standing.lapses;
            self.observation = None;
        }
    }

    /// Notes what the agent speaks of. True if a plan may depend on it.
    pub(super) fn meet(&mut self, heading: &Heading, now: Moment) -> bool {
        self.answered_at = Some(now.wall);
        let another = self.newest.is_none_or(|newest| newest.incarnation != heading.stamp.incarnation);
        if another {
            self.newest = None;
            self.met_at = now.ticks;
        }
        if self.newest.is_none_or(|newest| newest.ticks < heading.stamp.ticks) {
            self.newest = Some(heading.stamp);
            self.spoken = Some((heading.revision, heading.applied));
        }
        let known = self.observation.as_ref().filter(|o| o.stamp().incarnation == heading.stamp.incarnation);
        if known.is_none_or(|o| o.revision() != heading.revision) {
            self.wakers.observe.notify_one();
        }
        let wanted = self.wanted.as_ref().map(|(decision, _)| *decision);
        if wanted.is_some() && heading.applied.map(|applied| applied.decision) != wanted {
            self.wakers.push.notify_one();
        }
        another || matches!(self.state, Some((NodeState::Unreachable | NodeState::Down, _)) | None)
    }

    pub(super) fn refuse(&mut self, events: &mut Vec<NewEvent>, node: &NodeName, problem: String, at: Timestamp) {
        if self.problem.as_ref() != Some(&problem) {
            events.push(NewEvent {
                at,
                kind: EventKind::AgentRefused,
                subject: node.to_string(),
                message: problem.clone(),
            });
            self.problem = Some(problem);
        }
    }

    /// Notes a change of state, and when.
    pub(super) fn pass(&mut self, events: &mut Vec<NewEvent>, node: &NodeName, standing: &Standing, now: Timestamp) {
        if self.state.map(|(state, _)| state) == Some(standing.state) {
            return;
        }
        let first_silence = self.state.is_none() && standing.state == NodeState::Unreachable;
        self.state = Some((standing.state, now));
        let (kind, message) = match standing.state {
            NodeState::Up => (EventKind::NodeUp, format!("{node} answers")),
            NodeState::Unreachable if first_silence => return,
            NodeState::Unreachable => {
                (EventKind::NodeUnreachable, format!("{node} does not answer and may still run its groups"))
            }
            NodeState::Down => (EventKind::NodeDown, format!("{node} is proven to run nothing")),
        };
        events.push(NewEvent { at: now, kind, subject: node.to_string(), message });
    }

    pub(super) fn seen(&mut self, standing: &Standing, term: Term, (now, wall): (Ticks, Timestamp)) -> NodeSeen {
        let (_, since) = self.state.unwrap_or((standing.state, wall));
        // One wall-clock moment per lease end: the status document must not change while nothing does.
        if self.down_at.is_none_or(|(ticks, _)| ticks != standing.stopped_at) {
            let left = jiff::SignedDuration::try_from(standing.stopped_at.since(now)).unwrap_or_default();
            self.down_at = Some((standing.stopped_at, wall.checked_add(left).unwrap_or(wall)));
        }
        let silence = (standing.state != NodeState::Up).then(|| self.silence.clone()).flatten();
        let observation = self.observation.as_ref();
        NodeSeen {
            state: standing.state,
            since,
            vouched_for: false,
            silent_since: self.answered_at.filter(|_| standing.state != NodeState::Up),
            down_at: self.down_at.filter(|_| standing.state == NodeState::Unreachable).map(|(_, wall)| wall),
            problem: self.problem.clone().or(silence),
            answered: observation.is_some(),
            applied: observation.and_then(seen::Received::applied).filter(|a| a.term == term).map(|a| a.decision),
            drivers: observation.map(seen::Received::drivers).unwrap_or_default(),
            groups: observation.map(seen::Received::groups).unwrap_or_default(),
            instances: observation.map(seen::Received::instances).unwrap_or_default(),
        }
    }
}

/// Whether the node would start or stop anything by its stored assignment. A reign that has not heard from every node
/// yet holds that back: what is stored may be older than what some silent node runs (a restored database).
pub(super) fn changes_anything(view: &NodeView) -> bool {
    let starts = view.assignment.groups.iter().any(|assigned| {
        let seen = view.seen.groups.get(&assigned.group);
        seen.is_none_or(|seen| !seen.running || seen.epoch < assigned.epoch)
    });
    let listed = |group: &GroupName| view.assignment.groups.iter().any(|assigned| assigned.group == *group);
    let stops = view.seen.groups.iter().any(|(group, seen)| seen.running && !listed(group));
    // One that it lists it starts and stops by itself, by an assignment that it has.
    let instances: BTreeSet<&HostName> = view.assignment.instances.iter().map(|instance| &instance.host).collect();
    let starts = starts || instances.iter().any(|host| !view.seen.instances.contains_key(*host));
    let stops = stops || view.seen.instances.keys().any(|host| !instances.contains(host));
    !view.seen.answered || starts || stops
}

/// Whether the node would start a group that may run elsewhere: another node says to run it, or was assigned it and may
/// hold a lease, so that it may start it at any moment. A database that was restored does not know of either.
pub(super) fn starts_what_may_run_elsewhere(
    snapshot: &Snapshot,
    (node, view): (&NodeName, &NodeView),
    may_hold: impl Fn(&NodeName) -> bool,
) -> bool {
    let here = |group: &GroupName| view.seen.groups.get(group).is_some_and(|seen| seen.running);
    let listed = |other: &NodeView, group: &GroupName| {
        other.seen.state != NodeState::Down && other.seen.groups.contains_key(group)
    };
    let elsewhere = |group: &GroupName| {
        let mut others = snapshot.nodes.iter().filter(|(name, _)| *name != node);
        others.any(|(name, other)| other.may_run(group) || listed(other, group) && may_hold(name))
    };
    view.assignment.groups.iter().any(|assigned| !here(&assigned.group) && elsewhere(&assigned.group))
}
