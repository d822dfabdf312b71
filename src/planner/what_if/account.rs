//! Which groups stop and start on the way, and for how long is each of them down at worst?

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Downtime, HORIZON, Moved};
use crate::domain::{GroupName, GroupSpec, HumanDuration, NodeName, NodeState};
use crate::planner::budget::later;
use crate::planner::snapshot::{GroupView, Snapshot};
use crate::planner::{Plan, bounds, summary};

/// What has happened to groups since the faults.
pub(super) struct Account {
    /// The moment of the faults.
    began: Timestamp,
    moves: Vec<Moved>,
    /// The groups that were disturbed though they ran.
    interrupted: BTreeMap<GroupName, Interruption>,
}

/// The times in which a group does not run.
struct Interruption {
    /// The first moment at which it was down.
    first: Timestamp,
    total: Duration,
    parts: Vec<String>,
    /// Since when it is down, if it is.
    since: Option<Timestamp>,
}

impl Interruption {
    fn new(first: Timestamp) -> Self {
        Self { first, total: Duration::ZERO, parts: Vec::new(), since: None }
    }

    fn add(&mut self, time: Duration, part: String) {
        self.total = self.total.saturating_add(time);
        self.parts.push(part);
    }

    /// When it is over at worst, if all that happens to it is known; it was down for no longer than that in one piece.
    fn over(&self) -> Timestamp {
        later(self.first, HumanDuration::from(self.total))
    }
}

impl Account {
    /// Groups on nodes that were lost between the two snapshots are down since the first.
    pub fn open(before: &Snapshot, struck: &Snapshot) -> Self {
        let mut account = Self { began: before.now, moves: Vec::new(), interrupted: BTreeMap::new() };
        for (name, group) in &before.groups {
            let Some(owner) = running_on(before, name, group) else { continue };
            let is_down =
                |snapshot: &Snapshot| snapshot.nodes.get(owner).is_none_or(|node| node.seen.state == NodeState::Down);
            if is_down(struck) && !is_down(before) {
                account.proven(name, owner, struck.now);
            }
        }
        account
    }

    /// What a plan for `now` does to the groups.
    pub fn note(&mut self, now: &Snapshot, plan: &Plan) {
        for release in &plan.releases {
            let Some(group) = now.groups.get(&release.group) else { continue };
            if running_on(now, &release.group, group).is_some() {
                self.stops(&release.group, &group.spec, &release.from, now.now);
            }
        }
        for (proof, group) in plan.proofs.iter().filter_map(|proof| Some((proof, now.groups.get(&proof.group)?))) {
            // Its node was silent before, and its lease has passed on the way.
            let silent = group.placement.assigned_to().is_some() && !self.interrupted.contains_key(&proof.group);
            if silent {
                self.proven(&proof.group, &proof.from, now.now);
            }
        }
        for place in &plan.placements {
            let Some(group) = now.groups.get(&place.group) else { continue };
            // A failover that began with a release says there why.
            let reason = group.open.as_ref().map_or(&place.reason, |open| &open.reason).clone();
            self.moves.push(Moved {
                group: place.group.clone(),
                from: group.placement.last_owner.clone(),
                to: place.to.clone(),
                after: between(self.began, now.now),
                reason,
            });
            self.starts(&place.group, &group.spec, now.now);
        }
        for name in summary::restarted(now, plan) {
            let Some(group) = now.groups.get(name) else { continue };
            let Some(owner) = group.placement.assigned_to() else { continue };
            self.stops(name, &group.spec, owner, now.now);
            self.starts(name, &group.spec, now.now);
        }
    }

    /// Its owner fell silent when all began, and is proven at `at` to have stopped it.
    fn proven(&mut self, name: &GroupName, owner: &NodeName, at: Timestamp) {
        let waited = between(self.began, at);
        let mut interruption = Interruption { since: Some(at), ..Interruption::new(self.began) };
        interruption.add(waited.get(), format!("{waited} until {owner} is proven to have stopped it"));
        self.interrupted.insert(name.clone(), interruption);
    }

    fn stops(&mut self, name: &GroupName, spec: &GroupSpec, node: &NodeName, at: Timestamp) {
        let interruption = self.interrupted.entry(name.clone()).or_insert_with(|| Interruption::new(at));
        let stop = bounds::stop(spec);
        interruption.add(stop, format!("{} to stop on {node}", HumanDuration::from(stop)));
        interruption.since = Some(at);
    }

    /// It begins again: what it waited beyond stopping or proof, be it for groups that it depends on, and the start.
    fn starts(&mut self, name: &GroupName, spec: &GroupSpec, at: Timestamp) {
        let over =
            |needed: &GroupName| self.interrupted.get(needed).map(|needed| (needed.over(), needed.since.is_none()));
        let back =
            spec.depends_on.iter().filter_map(|needed| Some((over(needed).filter(|(_, back)| *back)?.0, needed)));
        let last = back.max().map(|(at, needed)| (at, needed.clone()));
        let Some(interruption) = self.interrupted.get_mut(name) else { return };
        let Some(since) = interruption.since.take() else { return };
        let waited = between(since, at);
        if waited > HumanDuration::default() {
            interruption.add(waited.get(), format!("{waited} held back"));
        }
        if let Some((online, needed)) = last.filter(|(online, _)| *online > interruption.over()) {
            let waits = between(interruption.over(), online);
            interruption.add(waits.get(), format!("{waits} until {needed} is online"));
        }
        let start = bounds::start(spec);
        interruption.add(start, format!("{} to start", HumanDuration::from(start)));
    }

    /// The moves, and the downtimes of groups that are still wanted.
    pub fn close(self, end: &Snapshot) -> (Vec<Moved>, Vec<Downtime>) {
        let wanted = |name: &GroupName| end.groups.get(name).is_some_and(GroupView::is_wanted);
        let down = self.interrupted.into_iter().filter(|(name, _)| wanted(name)).map(|(group, interruption)| {
            let back = interruption.since.is_none();
            let at_most = back.then(|| HumanDuration::from(interruption.total));
            let mut made_of = interruption.parts.join(", ");
            if !back {
                made_of.push_str(&format!(", and it does not come back within {HORIZON}"));
            }
            Downtime { group, at_most, made_of }
        });
        (self.moves, down.collect())
    }
}

/// The node that runs the group, as far as is known.
pub fn running_on<'a>(snapshot: &Snapshot, name: &GroupName, group: &'a GroupView) -> Option<&'a NodeName> {
    let owner = group.placement.owner()?;
    snapshot.nodes.get(owner).is_some_and(|node| node.may_run(name)).then_some(owner)
}

fn between(from: Timestamp, to: Timestamp) -> HumanDuration {
    HumanDuration::from(Duration::try_from(to.duration_since(from)).unwrap_or_default())
}
