//! Which groups stop and start on the way, and for how long is each of them down at worst?

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Downtime, HORIZON, Moved};
use crate::domain::{GroupName, GroupSpec, HumanDuration, NodeName, NodeState};
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
#[derive(Default)]
struct Interruption {
    total: Duration,
    parts: Vec<String>,
    /// Since when it is down, if it is.
    since: Option<Timestamp>,
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
                let parts =
                    vec![format!("{} until {owner} is proven to have stopped it", between(before.now, struck.now))];
                let total = between(before.now, struck.now).get();
                account.interrupted.insert(name.clone(), Interruption { total, parts, since: Some(struck.now) });
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
                let waited = between(self.began, now.now);
                let parts = vec![format!("{waited} until {} is proven to have stopped it", proof.from)];
                let interruption = Interruption { total: waited.get(), parts, since: Some(now.now) };
                self.interrupted.insert(proof.group.clone(), interruption);
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

    fn stops(&mut self, name: &GroupName, spec: &GroupSpec, node: &NodeName, at: Timestamp) {
        let interruption = self.interrupted.entry(name.clone()).or_default();
        let stop = bounds::stop(spec);
        interruption.total = interruption.total.saturating_add(stop);
        interruption.parts.push(format!("{} to stop on {node}", HumanDuration::from(stop)));
        interruption.since = Some(at);
    }

    /// It begins again: what it waited beyond stopping or proof, and the start.
    fn starts(&mut self, name: &GroupName, spec: &GroupSpec, at: Timestamp) {
        let Some(interruption) = self.interrupted.get_mut(name) else { return };
        let Some(since) = interruption.since.take() else { return };
        let (waited, start) = (between(since, at), bounds::start(spec));
        if waited > HumanDuration::default() {
            interruption.parts.push(format!("{waited} held back"));
        }
        interruption.parts.push(format!("{} to start", HumanDuration::from(start)));
        interruption.total = interruption.total.saturating_add(waited.get()).saturating_add(start);
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
fn running_on<'a>(snapshot: &Snapshot, name: &GroupName, group: &'a GroupView) -> Option<&'a NodeName> {
    let owner = group.placement.owner()?;
    snapshot.nodes.get(owner).is_some_and(|node| node.may_run(name)).then_some(owner)
}

fn between(from: Timestamp, to: Timestamp) -> HumanDuration {
    HumanDuration::from(Duration::try_from(to.duration_since(from)).unwrap_or_default())
}
