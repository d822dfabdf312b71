//! What keeps Locum from starting a group by itself? Priority, maintenance, a common dependency that is down, the brake.
//!
//! An operator's `online` or `move` overrides all of them, and what was begun for an operator is brought to its end.

use jiff::Timestamp;

use super::draft::Draft;
use super::snapshot::Snapshot;
use super::words::when;
use crate::domain::{
    Cause, CommonDependency, GroupName, HeldBy, Maintenance, NodeName, NodeState, OperationKind, PlacementPhase,
    Priority, ResourceState,
};

/// What holds a group back, and how far.
pub(super) struct Hold {
    /// A sentence, with the end where that is known.
    pub reason: String,
    /// What of a group that failed in place is held; `None`: it is stopped.
    pub by: Option<HeldBy>,
    /// Whether it may begin again on its last owner, which moves nothing.
    pub in_place: bool,
    /// When it ends by itself, where that is known.
    pub until: Option<Timestamp>,
}

impl Hold {
    fn of(by: HeldBy, (reason, until): Lasting) -> Self {
        Self { reason, by: Some(by), in_place: false, until }
    }

    /// What happened, and that nothing follows from it yet.
    pub fn after(&self, what: &str) -> String {
        match self.by {
            Some(_) => format!("{what}; its failover waits: {}", self.reason),
            None => format!("{what}; {}", self.reason),
        }
    }
}

/// Why something is held, as a sentence, and until when.
type Lasting = (String, Option<Timestamp>);

/// What keeps Locum from starting `name`, which is free or leaves its owner for `cause`.
pub(super) fn hold(draft: &Draft<'_>, name: &GroupName, cause: Option<Cause>) -> Option<Hold> {
    let snapshot = draft.snapshot;
    let group = snapshot.groups.get(name)?;
    let failed = cause.is_some_and(Cause::spends_budget);
    if is_asked_for(snapshot, name) || cause.is_some() && !failed {
        return None;
    }
    if group.spec.priority == Priority::NoAutoStart {
        let reason = "only an operator starts it, by online or move: its priority is no_auto_start".to_owned();
        return Some(Hold { reason, by: None, in_place: false, until: None });
    }
    if let Some(reason) = maintenance(snapshot, name) {
        return Some(Hold::of(HeldBy::Maintenance, reason));
    }
    if !failed {
        return None;
    }
    let last = draft.standing(name).placement.last_owner.as_ref();
    let at_owner = last.and_then(|last| maintenance_of_node(snapshot, last));
    if let Some(reason) = at_owner {
        return Some(Hold { in_place: true, ..Hold::of(HeldBy::Maintenance, reason) });
    }
    if let Some(reason) = dependency(snapshot, name) {
        return Some(Hold::of(HeldBy::CommonDependency, reason));
    }
    let brake = draft.facts.brake().filter(|_| cause == Some(Cause::NodeLost))?;
    Some(Hold { reason: brake.reason.clone(), by: None, in_place: true, until: Some(brake.until) })
}

/// What keeps Locum from starting `name`, which nobody owns. A failover that was under way before a maintenance began is
/// brought to its end.
pub(super) fn of_start(draft: &Draft<'_>, name: &GroupName) -> Option<Hold> {
    let under_way = draft.standing(name).open.is_some();
    hold(draft, name, cause(draft, name)).filter(|hold| !(under_way && hold.by == Some(HeldBy::Maintenance)))
}

/// Why a group that nobody owns left its last owner, if that was no wish to have it offline.
fn cause(draft: &Draft<'_>, name: &GroupName) -> Option<Cause> {
    let standing = draft.standing(name);
    let released = match standing.placement.phase {
        PlacementPhase::Released { cause, .. } => cause,
        _ => None,
    };
    standing.open.as_ref().map(|open| open.cause).or(released)
}

/// Whether an operator waits for it to be online.
fn is_asked_for(snapshot: &Snapshot, name: &GroupName) -> bool {
    let asks = |kind: OperationKind| matches!(kind, OperationKind::Online | OperationKind::Move);
    snapshot.operations.iter().any(|op| asks(op.kind) && op.target == name.as_str())
}

/// The maintenance of the group or of the whole cluster.
pub(super) fn maintenance(snapshot: &Snapshot, name: &GroupName) -> Option<Lasting> {
    let own = snapshot.groups.get(name).and_then(|group| group.spec.maintenance.as_ref());
    let say = |what: &str, maintenance: &Maintenance| {
        Some((format!("{what} is {}", lasting(snapshot, maintenance)?), Some(maintenance.until)))
    };
    own.and_then(|own| say("the group", own)).or_else(|| say("the cluster", snapshot.maintenance.as_ref()?))
}

/// The same, or that of the node that it is on.
pub(super) fn maintenance_on(snapshot: &Snapshot, name: &GroupName, owner: &NodeName) -> Option<Lasting> {
    maintenance(snapshot, name).or_else(|| maintenance_of_node(snapshot, owner))
}

fn maintenance_of_node(snapshot: &Snapshot, node: &NodeName) -> Option<Lasting> {
    let maintenance = snapshot.nodes.get(node)?.spec.maintenance.as_ref()?;
    Some((format!("{node} is {}", lasting(snapshot, maintenance)?), Some(maintenance.until)))
}

/// "in maintenance until 14:00:00 UTC (ann: new disks)"; none once it is over.
pub(super) fn lasting(snapshot: &Snapshot, maintenance: &Maintenance) -> Option<String> {
    let Maintenance { owner, reason, until } = maintenance;
    let until = when(*until, snapshot.now);
    maintenance.lasts(snapshot.now).then(|| format!("in maintenance until {until} ({owner}: {reason})"))
}

/// The first common dependency of the group that is down. A group that has the dependency in it is not held by it.
pub(super) fn dependency(snapshot: &Snapshot, name: &GroupName) -> Option<Lasting> {
    let named = &snapshot.groups.get(name)?.spec.common_dependencies;
    let foreign = |dependency: &&CommonDependency| dependency.resource.as_ref().is_none_or(|at| at.group != *name);
    let known = named.iter().filter_map(|named| snapshot.common_dependencies.get(named)).filter(foreign);
    let mut down = known.filter_map(|dependency| {
        let (why, until) = why_down(snapshot, dependency)?;
        Some((format!("the common dependency {} is down ({why})", dependency.name), until))
    });
    down.next()
}

fn why_down(snapshot: &Snapshot, dependency: &CommonDependency) -> Option<Lasting> {
    if let Some(mark) = dependency.down.as_ref().filter(|mark| mark.until > snapshot.now) {
        let why = format!("{}: {}, until {}", mark.owner, mark.reason, when(mark.until, snapshot.now));
        return Some((why, Some(mark.until)));
    }
    let at = dependency.resource.as_ref()?;
    let owner = snapshot.groups.get(&at.group)?.placement.owner();
    let node = owner.and_then(|owner| snapshot.nodes.get(owner));
    // Of an owner that does not answer nothing is known: it may well be online there.
    if node.is_some_and(|node| node.seen.state != NodeState::Down && !node.speaks()) {
        return None;
    }
    let seen = snapshot.seen_on_owner(&at.group);
    let resource = seen.and_then(|seen| seen.resources.iter().find(|resource| resource.name == at.name));
    let online = resource.is_some_and(|resource| resource.state == ResourceState::Online);
    (!online).then(|| (format!("resource {} of group {} is not online", at.name, at.group), None))
}
