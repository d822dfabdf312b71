//! Where does every group stand while a plan is being made? What the stages so far have decided, on top of the snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::facts::Facts;
use super::plan::{Closing, Held, Intent, Place, Plan, Proof, Reasoning, Release};
use super::prove;
use super::snapshot::{GroupView, NodeView, SeenGroup, Snapshot};
use crate::domain::{
    Cause, FailedMark, GroupName, GroupWanted, NodeName, NodeState, Outcome, Placement, PlacementPhase,
};

/// A plan in the making. Each stage reads the snapshot and what the stages before it decided.
pub(super) struct Draft<'a> {
    pub snapshot: &'a Snapshot,
    pub plan: Plan,
    /// What follows from the snapshot alone.
    pub facts: Facts<'a>,
    standings: BTreeMap<GroupName, Standing>,
}

/// A group as it will be once the plan so far is committed.
#[derive(Clone)]
pub(super) struct Standing {
    pub placement: Placement,
    pub mark: Option<FailedMark>,
    /// The failover in progress, stored or opened by this plan.
    pub open: Option<Intent>,
}

impl<'a> Draft<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let standings = snapshot.groups.iter().map(|(name, group)| (name.clone(), Standing::stored(group))).collect();
        Self { snapshot, plan: Plan::default(), facts: Facts::new(snapshot), standings }
    }

    pub fn standing(&self, group: &GroupName) -> &Standing {
        &self.standings[group]
    }

    /// How many groups `node` owns once the plan so far is committed.
    pub fn owned_by(&self, node: &NodeName) -> usize {
        self.standings.values().filter(|s| s.placement.owner() == Some(node)).count()
    }

    /// How many groups other than `but` `node` owns or is the intended target of.
    pub fn bound_for(&self, node: &NodeName, but: &GroupName) -> usize {
        let others = self.standings.iter().filter(|(name, _)| *name != but);
        others.filter(|(_, standing)| standing.destination() == Some(node)).count()
    }

    /// The same, of those groups whose priority is that of `but`.
    pub fn bound_for_alike(&self, node: &NodeName, but: &GroupName) -> usize {
        let priority = |name: &GroupName| self.snapshot.groups.get(name).map(|group| group.spec.priority);
        let alike = self.standings.iter().filter(|(name, _)| *name != but && priority(name) == priority(but));
        alike.filter(|(_, standing)| standing.destination() == Some(node)).count()
    }

    /// The groups that `node` owns once the plan so far is committed.
    pub fn groups_of(&self, node: &NodeName) -> Vec<&GroupName> {
        self.standings.iter().filter(|(_, s)| s.placement.owner() == Some(node)).map(|(name, _)| name).collect()
    }

    /// The placements once the plan so far is committed.
    pub fn placements(&self) -> impl Iterator<Item = (&GroupName, &Placement)> {
        self.standings.iter().map(|(name, standing)| (name, &standing.placement))
    }

    pub fn release(&mut self, release: Release) {
        if self.standing(&release.group).open.is_some() {
            self.close(&release.group, Outcome::Superseded, release.reason.clone());
        }
        let decision = self.snapshot.decision.next();
        self.update(&release.group, |standing| {
            standing.placement.phase = PlacementPhase::Releasing { decision };
            standing.open.clone_from(&release.failover);
        });
        self.plan.releases.push(release);
    }

    pub fn prove(&mut self, proof: Proof) {
        let group = proof.group.clone();
        let opened = proof.failover.clone();
        let (kind, evidence, at) = (proof.proof, proof.evidence.clone(), self.snapshot.now);
        self.plan.proofs.push(proof);
        let cause = prove::cause(self.snapshot, &self.plan, &group);
        self.update(&group, |standing| {
            standing.placement.phase = PlacementPhase::Released { proof: kind, evidence, at, cause };
            standing.open = opened.or_else(|| standing.open.take());
        });
    }

    pub fn place(&mut self, place: Place) {
        self.update(&place.group, |standing| {
            standing.placement = Placement { by_operator: place.by_operator, ..held(&place.to, place.epoch) };
            standing.open = place.failover.clone().or_else(|| standing.open.take());
        });
        self.plan.placements.push(place);
    }

    pub fn adopt(&mut self, adoption: super::plan::Adoption) {
        let epoch = self.standing(&adoption.group).placement.epoch.max(adoption.epoch);
        self.update(&adoption.group, |standing| {
            let by_operator = standing.placement.stays_chosen(&adoption.node);
            standing.placement = Placement { by_operator, ..held(&adoption.node, epoch) };
        });
        self.plan.adoptions.push(adoption);
    }

    pub fn close(&mut self, group: &GroupName, outcome: Outcome, reason: String) {
        self.update(group, |standing| standing.open = None);
        self.plan.closings.push(Closing { group: group.clone(), outcome, reason });
    }

    pub fn hold(&mut self, group: &GroupName, from: Option<&NodeName>, cause: Cause, why: (String, Timestamp)) {
        let (reason, detected_at) = why;
        self.plan.held.push(Held { group: group.clone(), from: from.cloned(), cause, reason, detected_at });
    }

    pub fn mark(&mut self, group: &GroupName, mark: Option<FailedMark>) {
        self.update(group, |standing| standing.mark.clone_from(&mark));
        self.plan.marks.insert(group.clone(), mark);
    }

    pub fn explain(&mut self, group: &GroupName, reasoning: Reasoning) {
        self.plan.reasons.insert(group.clone(), reasoning);
    }

    fn update(&mut self, group: &GroupName, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.standings.get_mut(group) {
            change(standing);
        }
    }
}

impl Standing {
    /// The node that owns the group, or that it is on its way to.
    pub fn destination(&self) -> Option<&NodeName> {
        let intended = || self.open.as_ref().and_then(|intent| intent.to.as_ref());
        self.placement.assigned_to().or_else(intended)
    }

    fn stored(group: &GroupView) -> Self {
        let open = group.open.as_ref().map(|record| Intent {
            cause: record.cause,
            actor: record.actor.clone(),
            to: record.to.clone(),
            detected_at: record.detected_at,
        });
        Self { placement: group.placement.clone(), mark: group.failed.clone(), open }
    }
}

fn held(node: &NodeName, epoch: crate::domain::Epoch) -> Placement {
    Placement { epoch, last_owner: Some(node.clone()), phase: PlacementPhase::Held, by_operator: false }
}

impl GroupView {
    /// Whether some node should run it.
    pub fn is_wanted(&self) -> bool {
        !self.retired && self.wanted == GroupWanted::Online
    }

    /// Whether `node` may run it: the topology has that node, and every resource allows it.
    pub fn allows(&self, node: &NodeName, view: &NodeView) -> bool {
        !view.retired && !self.spec.possible_owners([node]).is_empty()
    }
}

impl NodeView {
    /// Whether it answers, and what it said of its groups holds.
    pub fn speaks(&self) -> bool {
        self.seen.state == NodeState::Up && self.seen.answered
    }

    /// Whether something of `group` may be alive there, as far as is known.
    pub fn may_run(&self, group: &GroupName) -> bool {
        self.seen.state != NodeState::Down && self.seen.groups.get(group).is_some_and(|seen| seen.running)
    }
}

impl Snapshot {
    /// What the group's owner says of it under its present placement.
    pub fn seen_on_owner(&self, group: &GroupName) -> Option<&SeenGroup> {
        let placement = &self.groups.get(group)?.placement;
        let node = self.nodes.get(placement.owner()?).filter(|node| node.speaks())?;
        node.seen.groups.get(group).filter(|seen| seen.epoch == placement.epoch)
    }
}
