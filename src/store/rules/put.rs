//! How does a new document replace the desired state?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Asked, Result};
use crate::domain::{
    ChangeAction, EventKind, Generation, GroupName, NodeName, Placement, PlacementPhase, TopologySpec,
};
use crate::store::cluster::{Cluster, Fresh};
use crate::store::state::{NewChange, NodeKept, Object, State};
use crate::store::{Accepted, AnswerOf, Error, Expect, Replacement};

/// Where a cluster of a name is or is to be.
pub enum Slot {
    Taken(Box<State>),
    Free(Fresh),
}

/// The cluster of a name with `spec` as its desired state.
pub fn put(slot: Slot, spec: &TopologySpec, expect: Expect, asked: &Asked<'_>) -> Result<(State, Accepted)> {
    let found = match &slot {
        Slot::Taken(state) => Some(&state.cluster),
        Slot::Free(_) => None,
    };
    expect.check("cluster", spec.cluster.as_str(), found.map(|cluster| cluster.generation))?;
    found.map_or(Ok(()), |cluster| expect.demand(&cluster.policy, cluster.generation))?;
    let (created, before, mut state) = match slot {
        Slot::Taken(state) => (false, Some(state.topology()), *state),
        Slot::Free(fresh) => (true, None, State::new(Cluster::new(fresh, spec, asked.at))),
    };
    let after = spec.clone().with_operator_state(before.as_ref());
    let (action, message) = match created {
        true => (ChangeAction::CreateCluster, "created the cluster"),
        false => (ChangeAction::PutTopology, "changed the topology"),
    };
    let words = Words { action, message, object: spec.cluster.as_str() };
    let changed = created || !state.wants(&after);
    if changed {
        want(&mut state, &after, &words, asked);
    }
    let generation = state.cluster.generation;
    Ok((state, Accepted { created, changed, generation }))
}

/// A new cluster with `spec` as its desired state, unless there is one of that name. What `answer` gives is kept with it.
pub fn create(
    slot: Slot,
    spec: &TopologySpec,
    answer: Option<AnswerOf>,
    asked: &Asked<'_>,
) -> Result<(State, Accepted)> {
    let (mut state, accepted) = put(slot, spec, Expect::Absent, asked)?;
    state.journal.answer = answer.map(|answer| answer(accepted.generation)).transpose()?;
    Ok((state, accepted))
}

/// Makes the desired state exactly what `new` says, if that is still what `new` rests on.
pub fn replace(state: &mut State, new: Replacement) -> Result<Accepted> {
    let actual = state.cluster.generation;
    let is_that = new.after.is_none() || new.after == state.cluster.made_by;
    if actual != new.on || !is_that {
        return Err(Error::Conflict { expected: new.on, actual });
    }
    state.journal.answer = new.answer;
    let after = match new.spec.says_what_is_wanted() {
        true => new.spec,
        false => Arc::new(Arc::unwrap_or_clone(new.spec).with_operator_state(None)),
    };
    let words = Words { action: new.action, message: &new.message, object: &new.object };
    let changed = !state.wants(&after);
    if changed {
        want(state, &after, &words, &Asked { actor: &new.actor, at: new.at });
        state.cluster.made_by = Some(new.id);
    }
    Ok(Accepted { created: false, changed, generation: state.cluster.generation })
}

/// What history says of a change.
struct Words<'a> {
    action: ChangeAction,
    message: &'a str,
    object: &'a str,
}

/// Writes `after`, in which operator state is as it is to be, and history with it.
fn want(state: &mut State, after: &TopologySpec, words: &Words<'_>, asked: &Asked<'_>) {
    let cluster = &mut state.cluster;
    cluster.count_change();
    cluster.want(after);
    // A reign that has begun may grant the new lease at once.
    if !cluster.longest_lease.is_zero() {
        cluster.longest_lease = cluster.longest_lease.max(after.settings.lease.get());
    }
    let generation = cluster.generation;
    write(state, after);
    let (actor, message) = (asked.actor.clone(), words.message.to_owned());
    state.journal.change = Some(NewChange { at: asked.at, actor, action: words.action, message });
    let message = format!("{} {} (generation {generation})", asked.actor, words.message);
    state.note(asked.at, EventKind::TopologyChanged, words.object, message);
}

/// Makes the nodes, groups, hosts and handlers those of `after`, where `wanted` is set everywhere. What is absent goes, or is retired
/// while anything may hold it.
pub fn write(state: &mut State, after: &TopologySpec) {
    let generation = state.cluster.generation;
    let placements = &state.placements;
    let nodes = after.nodes.iter().map(|node| (&node.name, node));
    exchange(&mut state.nodes, nodes, generation, |name, kept| is_free(name, kept, placements));
    let groups = after.groups.iter().map(|group| (&group.name, group));
    exchange(&mut state.groups, groups, generation, |name, _| was_never_placed(name, placements));
    let hosts = after.hosts.iter().map(|host| (&host.name, host));
    exchange(&mut state.hosts, hosts, generation, |_, ()| true);
    let handlers = after.handlers.iter().map(|handler| (&handler.name, handler));
    exchange(&mut state.handlers, handlers, generation, |_, ()| true);
}

/// Whether a node runs nothing of ours for certain: its agent was never granted a lease.
fn is_free(name: &NodeName, kept: &NodeKept, placements: &BTreeMap<GroupName, Placement>) -> bool {
    let owns = placements.values().any(|placement| placement.owner() == Some(name));
    kept.agent.is_none() && kept.assignment.is_none() && !owns
}

fn was_never_placed(name: &GroupName, placements: &BTreeMap<GroupName, Placement>) -> bool {
    placements.get(name).is_none_or(|placement| placement.phase == PlacementPhase::Never)
}

fn exchange<'a, N: Ord + Clone + 'a, S: Clone + PartialEq + 'a, K: Default>(
    stored: &mut BTreeMap<N, Object<S, K>>,
    wanted: impl Iterator<Item = (&'a N, &'a S)>,
    generation: Generation,
    discardable: impl Fn(&N, &K) -> bool,
) {
    let mut wanted: BTreeMap<&N, (u64, &S)> =
        (0..).zip(wanted).map(|(position, (name, spec))| (name, (position, spec))).collect();
    stored.retain(|name, object| match wanted.remove(name) {
        // Only its place in the document may differ, which is no change of it.
        Some((position, spec)) if !object.retired && object.spec == *spec => {
            object.position = position;
            true
        }
        Some((position, spec)) => {
            let kept = std::mem::take(&mut object.kept);
            *object = Object { spec: spec.clone(), position, generation, retired: false, kept };
            true
        }
        None if discardable(name, &object.kept) => false,
        None => {
            if !object.retired {
                (object.retired, object.generation) = (true, generation);
            }
            true
        }
    });
    let new = |(name, (position, spec)): (&N, (u64, &S))| {
        (name.clone(), Object { spec: spec.clone(), position, generation, retired: false, kept: K::default() })
    };
    stored.extend(wanted.into_iter().map(new));
}
