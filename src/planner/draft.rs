//! Where does every group stand while a plan is being made? What the stages so far have decided, on top of the snapshot.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::index::Index;
use super::load::Loads;
use super::plan::{Closing, Held, Intent, Place, Plan, Proof, Reasoning, Release};
use super::prove;
use super::snapshot::{GroupView, NodeView, SeenGroup, Snapshot};
use crate::domain::{
    Cause, FailedMark, GroupName, GroupWanted, NodeName, NodeState, Outcome, Placement, PlacementPhase,
};

/// A plan in the making. Each stage reads the snapshot and what the stages before it decided.
pub(super) struct Draft<'a> {
    pub snapshot: &'a Snapshot,
    pub index: Index<'a>,
    pub plan: Plan,
    pub loads: Loads<'a>,
    /// The group that somebody asks about: it is explained whatever happens to it.
    asked: Option<&'a GroupName>,
    standings: HashMap<&'a GroupName, Standing>,
}

/// The groups of each node that owns some, in the order of their names.
pub(super) type Owned<'d> = BTreeMap<&'d NodeName, Vec<&'d GroupName>>;

/// A group as it will be once the plan so far is committed.
#[derive(Clone)]
pub(super) struct Standing {
    pub placement: Placement,
    pub mark: Option<FailedMark>,
    /// The failover in progress, stored or opened by this plan.
    pub open: Option<Intent>,
    /// The cause of a failover that this plan holds back.
    pub held: Option<Cause>,
    /// Which of the plan's placements is its own.
    placed: Option<usize>,
}

impl<'a> Draft<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let standings: HashMap<_, _> =
            snapshot.groups.iter().map(|(name, group)| (name, Standing::stored(group))).collect();
        let mut loads = Loads::new(snapshot);
        for (name, group) in &snapshot.groups {
            if let Some(node) = standings[name].destination() {
                loads.add(node, group.spec.priority);
            }
        }
        let index = Index::new(snapshot);
        Self { snapshot, index, plan: Plan::default(), loads, asked: None, standings }
    }

    /// One that explains `group`, whatever happens to it.
    pub fn explaining(snapshot: &'a Snapshot, group: &'a GroupName) -> Self {
        Self { asked: Some(group), ..Self::new(snapshot) }
    }

    pub fn is_asked_about(&self, group: &GroupName) -> bool {
        self.asked == Some(group)
    }

    pub fn standing(&self, group: &GroupName) -> &Standing {
        &self.standings[group]
    }

    /// The node of that name, if the snapshot has it.
    pub fn node(&self, name: &NodeName) -> Option<(&'a NodeName, &'a NodeView)> {
        self.snapshot.nodes.get_key_value(name)
    }

    /// How many groups of `group`'s priority, others than itself, `node` owns or is the intended target of.
    pub fn bound_for(&self, node: &NodeName, (group, view): (&GroupName, &GroupView)) -> usize {
        let itself = self.standing(group).destination() == Some(node);
        self.loads.of(node, view.spec.priority).saturating_sub(usize::from(itself))
    }

    /// Who owns what once the plan so far is committed.
    pub fn owned(&self) -> Owned<'_> {
        let mut owned = Owned::new();
        for name in self.snapshot.groups.keys() {
            if let Some(owner) = self.standing(name).placement.owner() {
                owned.entry(owner).or_default().push(name);
            }
        }
        owned
    }

    /// The placements once the plan so far is committed.
    pub fn placements(&self) -> impl Iterator<Item = (&'a GroupName, &Placement)> {
        self.snapshot.groups.keys().map(|name| (name, &self.standing(name).placement))
    }

    /// Where this plan places `group`.
    pub fn placed(&self, group: &GroupName) -> Option<&Place> {
        self.plan.placements.get(self.standing(group).placed?)
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
        let held = self.standing(&group).held;
        let cause = prove::cause(self.snapshot, &group, opened.as_ref(), held);
        self.update(&group, |standing| {
            standing.placement.phase = PlacementPhase::Released { proof: kind, evidence, at, cause };
            standing.open = opened.or_else(|| standing.open.take());
        });
    }

    pub fn place(&mut self, place: Place) {
        let index = self.plan.placements.len();
        self.update(&place.group, |standing| {
            standing.placed = Some(index);
            standing.placement = held(&place.to, place.epoch);
            standing.open = place.failover.clone().or_else(|| standing.open.take());
        });
        self.plan.placements.push(place);
    }

    pub fn adopt(&mut self, adoption: super::plan::Adoption) {
        let epoch = self.standing(&adoption.group).placement.epoch.max(adoption.epoch);
        self.update(&adoption.group, |standing| standing.placement = held(&adoption.node, epoch));
        self.plan.adoptions.push(adoption);
    }

    pub fn close(&mut self, group: &GroupName, outcome: Outcome, reason: String) {
        self.update(group, |standing| standing.open = None);
        self.plan.closings.push(Closing { group: group.clone(), outcome, reason });
    }

    pub fn hold(&mut self, group: &GroupName, from: Option<&NodeName>, cause: Cause, why: (String, Timestamp)) {
        let (reason, detected_at) = why;
        self.update(group, |standing| standing.held = Some(cause));
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
        let Some(priority) = self.snapshot.groups.get(group).map(|view| view.spec.priority) else { return };
        let Some(standing) = self.standings.get_mut(group) else { return };
        let before = standing.destination().cloned();
        change(standing);
        let after = standing.destination();
        if before.as_ref() != after {
            before.iter().for_each(|node| self.loads.remove(node, priority));
            after.iter().for_each(|node| self.loads.add(node, priority));
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
        Self { placement: group.placement.clone(), mark: group.failed.clone(), open, held: None, placed: None }
    }
}

fn held(node: &NodeName, epoch: crate::domain::Epoch) -> Placement {
    Placement { epoch, last_owner: Some(node.clone()), phase: PlacementPhase::Held }
}

impl GroupView {
    /// Whether some node should run it.
    pub fn is_wanted(&self) -> bool {
        !self.retired && self.wanted == GroupWanted::Online
    }

    /// Whether `node` may run it: the topology has that node, and every resource allows it.
    pub fn allows(&self, node: &NodeName, view: &NodeView) -> bool {
        !view.retired && self.spec.allows(node)
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
