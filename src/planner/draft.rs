//! Where does every group stand while a plan is being made? What the stages so far have decided, on top of the snapshot.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use foldhash::HashMap;
use jiff::Timestamp;

use super::affinity::{self, Neighbours};
use super::facts::Facts;
use super::index::Index;
use super::instances::Leavers;
use super::load::Loads;
use super::plan::{Closing, Held, Place, Plan, Proof, Reasoning, Release};
use super::prove;
use super::snapshot::{GroupView, NodeView, SeenGroup, Snapshot};
use super::standing::{At, Standing};
use crate::domain::{
    Cause, FailedMark, GroupName, GroupWanted, NodeName, NodeState, Outcome, Placement, PlacementPhase,
};

/// A plan in the making. Each stage reads the snapshot and what the stages before it decided.
pub(super) struct Draft<'a> {
    pub snapshot: &'a Snapshot,
    pub index: Index<'a>,
    pub plan: Plan,
    /// What follows from the snapshot alone.
    pub facts: Facts<'a>,
    pub neighbours: Neighbours<'a>,
    pub loads: Loads<'a>,
    /// What may still run and shall not, by what is stored: worked out when it is first asked for.
    leavers: OnceCell<Leavers<'a>>,
    /// The group that somebody asks about: it is explained whatever happens to it.
    asked: Option<&'a GroupName>,
    /// In the order of the groups' names.
    groups: Vec<(&'a GroupName, &'a GroupView, Standing)>,
    places: HashMap<&'a GroupName, usize>,
}

/// The groups of each node that owns some, in the order of their names.
pub(super) type Owned<'d> = BTreeMap<&'d NodeName, Vec<&'d GroupName>>;

impl<'a> Draft<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let facts = Facts::new(snapshot);
        let groups: Vec<_> = snapshot.groups.iter().map(|(name, view)| (name, view, Standing::stored(view))).collect();
        let mut draft = Self {
            snapshot,
            index: Index::new(snapshot),
            plan: Plan::default(),
            loads: Loads::new(
                snapshot,
                &facts,
                groups.iter().filter_map(|(_, view, standing)| Some((standing.destination()?, view.spec.priority))),
            ),
            neighbours: Neighbours::default(),
            leavers: OnceCell::new(),
            facts,
            asked: None,
            places: snapshot.groups.keys().enumerate().map(|(place, name)| (name, place)).collect(),
            groups,
        };
        for place in 0..draft.groups.len() {
            let (name, view, standing) = &draft.groups[place];
            let group = (*name, *view);
            if view.spec.anti_affinity.is_empty() {
                continue; // nobody keeps away from it
            }
            let at = At::of(&draft, group, standing);
            at.kept_free.iter().for_each(|node| draft.neighbours.add(group, node, draft.loads.is_fit(node)));
        }
        draft
    }

    /// One that explains `group`, whatever happens to it.
    pub fn explaining(snapshot: &'a Snapshot, group: &'a GroupName) -> Self {
        Self { asked: Some(group), ..Self::new(snapshot) }
    }

    pub fn is_asked_about(&self, group: &GroupName) -> bool {
        self.asked == Some(group)
    }

    pub fn standing(&self, group: &GroupName) -> &Standing {
        &self.groups[self.places[group]].2
    }

    /// The node of that name, if the snapshot has it.
    pub fn node(&self, name: &NodeName) -> Option<(&'a NodeName, &'a NodeView)> {
        self.index.node(name)
    }

    /// What may still run as what it no longer is.
    pub fn leavers(&self) -> &Leavers<'a> {
        self.leavers.get_or_init(|| Leavers::stored(self.snapshot))
    }

    /// The first group on `node`, or bound for it, that `group` keeps away from.
    pub fn mate_on(&self, group: (&GroupName, &GroupView), node: &NodeName) -> Option<&'a GroupName> {
        affinity::mate_on(&self.neighbours, group, node)
    }

    /// Whether on every node that may get groups there is one that `group` rather keeps away from.
    pub fn is_crowded(&self, group: &GroupView) -> bool {
        !affinity::is_enforced(self.snapshot) && self.neighbours.taken(group) >= self.loads.fit()
    }

    /// Who owns what once the plan so far is committed.
    pub fn owned(&self) -> Owned<'_> {
        let mut owned = Owned::new();
        for (name, _, standing) in &self.groups {
            if let Some(owner) = standing.placement.owner() {
                owned.entry(owner).or_default().push(name);
            }
        }
        owned
    }

    /// Every group as it will be once the plan so far is committed, in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = (&'a GroupName, &'a GroupView, &Standing)> {
        self.groups.iter().map(|(name, view, standing)| (*name, *view, standing))
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
        let Some(place) = self.places.get(group).copied() else { return };
        let (name, view, standing) = &self.groups[place];
        let group = (*name, *view);
        let before = At::of(self, group, standing);
        change(&mut self.groups[place].2);
        let after = At::of(self, group, &self.groups[place].2);
        if before != after {
            self.leave(group, &before);
            self.enter(group, &after);
        }
    }

    fn enter(&mut self, group: (&'a GroupName, &'a GroupView), at: &At<'a>) {
        at.bound_for.iter().for_each(|node| self.loads.add(node, group.1.spec.priority));
        for node in &at.kept_free {
            self.neighbours.add(group, node, self.loads.is_fit(node));
        }
    }

    fn leave(&mut self, group: (&'a GroupName, &'a GroupView), at: &At<'a>) {
        at.bound_for.iter().for_each(|node| self.loads.remove(node, group.1.spec.priority));
        for node in &at.kept_free {
            self.neighbours.remove(group, node, self.loads.is_fit(node));
        }
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
