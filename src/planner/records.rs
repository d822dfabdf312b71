//! How does a plan become rows? Failover records with their steps, placements, events.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::effects::Effects;
use super::orders::Orders;
use super::plan::{Adoption, Closing, Held, Intent, Place, Plan, Proof, Release};
use super::prove;
use super::snapshot::Snapshot;
use super::words::{clock, millis};
use crate::domain::{
    Actor, Cause, Decision, EventKind, FailoverRecord, FailoverStep, GroupName, NewEvent, NodeName, Operation,
    OperationKind, OperationState, Outcome, Placement, PlacementPhase,
};

/// What a plan writes. `new_id` gives the ids of the failovers that it opens.
pub(super) fn effects(snapshot: &Snapshot, plan: &Plan, new_id: &mut dyn FnMut() -> Uuid) -> Effects {
    let open = snapshot
        .groups
        .iter()
        .filter_map(|(name, group)| Some((name.clone(), group.open.as_deref()?.clone())))
        .collect();
    let effects = Effects { decision: snapshot.decision.next(), ..Effects::default() };
    let proofs = plan.proofs.iter().map(|proof| (&proof.group, proof)).collect();
    let held = plan.held.iter().map(|held| (&held.group, held.cause)).collect();
    let mut writer = Writer { snapshot, plan, new_id, effects, open, proofs, held };
    writer.failovers();
    writer.marks();
    writer.operations();
    writer.assignments();
    writer.effects.withdrawn_confirmations.clone_from(&plan.withdrawn_confirmations);
    writer.effects.losses.clone_from(&plan.losses);
    writer.effects.forget_nodes.clone_from(&plan.forget_nodes);
    writer.effects.forget_groups.clone_from(&plan.forget_groups);
    let Writer { mut effects, open, .. } = writer;
    let touched = |record: &FailoverRecord| {
        snapshot.groups.get(&record.group).and_then(|group| group.open.as_deref()) != Some(record)
    };
    effects.failovers.extend(open.into_values().filter(touched));
    effects
}

struct Writer<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    new_id: &'a mut dyn FnMut() -> Uuid,
    effects: Effects,
    /// Records in progress.
    open: BTreeMap<GroupName, FailoverRecord>,
    proofs: BTreeMap<&'a GroupName, &'a Proof>,
    /// The causes of those that the plan holds back.
    held: BTreeMap<&'a GroupName, Cause>,
}

impl Writer<'_> {
    /// In the order in which things happen: what was proven of an open failover, its end, then what begins.
    fn failovers(&mut self) {
        let plan = self.plan;
        plan.proofs.iter().filter(|proof| proof.failover.is_none()).for_each(|proof| self.prove(proof));
        plan.closings.iter().for_each(|closing| self.close(closing));
        plan.held.iter().for_each(|held| self.hold(held));
        plan.releases.iter().for_each(|release| self.release(release));
        plan.proofs.iter().filter(|proof| proof.failover.is_some()).for_each(|proof| self.prove(proof));
        plan.placements.iter().for_each(|place| self.place(place));
        plan.adoptions.iter().for_each(|adoption| self.adopt(adoption));
    }

    fn decision(&self) -> Decision {
        self.snapshot.decision.next()
    }

    fn release(&mut self, release: &Release) {
        let decision = self.decision();
        if let Some(intent) = &release.failover {
            self.open(&release.group, Some(&release.from), intent, &release.reason);
        }
        self.step(&release.group, format!("{} is told to let go (decision {decision})", release.from));
        let mut placement = self.placement(&release.group);
        placement.phase = PlacementPhase::Releasing { decision };
        self.effects.placements.insert(release.group.clone(), placement);
    }

    fn prove(&mut self, proof: &Proof) {
        let at = self.snapshot.now;
        if let Some(intent) = &proof.failover {
            self.open(&proof.group, Some(&proof.from), intent, &proof.reason);
        }
        if let Some(record) = self.open.get_mut(&proof.group).filter(|record| record.release_proof.is_none()) {
            record.release_proof = Some(proof.proof);
            record.release_evidence = Some(proof.evidence.clone());
            record.released_at = Some(at.max(record.detected_at));
        }
        self.step(&proof.group, format!("released ({}): {}", proof.proof.as_str(), proof.evidence));
        let mut placement = self.placement(&proof.group);
        let held = self.held.get(&proof.group).copied();
        let cause = prove::cause(self.snapshot, &proof.group, proof.failover.as_ref(), held);
        placement.phase = PlacementPhase::Released { proof: proof.proof, evidence: proof.evidence.clone(), at, cause };
        self.effects.placements.insert(proof.group.clone(), placement);
        self.event(EventKind::GroupReleased, proof.group.as_str(), format!("{}: {}", proof.from, proof.evidence));
    }

    fn place(&mut self, place: &Place) {
        let before = self.placement(&place.group);
        if let Some(intent) = &place.failover {
            self.open(&place.group, before.last_owner.as_ref(), intent, &place.reason);
            self.already_released(&place.group, &before);
        }
        self.settle_on(&place.group, &place.to, place.epoch, place.by_operator);
        self.step(&place.group, format!("placed on {} (epoch {})", place.to, place.epoch));
        if !self.open.contains_key(&place.group) {
            let message = format!("placed on {} (epoch {}): {}", place.to, place.epoch, place.reason);
            self.event(EventKind::GroupPlaced, place.group.as_str(), message);
        }
    }

    fn adopt(&mut self, adoption: &Adoption) {
        let before = self.placement(&adoption.group);
        let epoch = before.epoch.max(adoption.epoch);
        let changes = before.last_owner.as_ref().is_some_and(|last| *last != adoption.node);
        if changes && !self.open.contains_key(&adoption.group) {
            let cause = match &before.phase {
                PlacementPhase::Released { cause: Some(cause), .. } => *cause,
                _ => Cause::TopologyChange,
            };
            let to = Some(adoption.node.clone());
            let intent = Intent { cause, actor: Actor::locum(), to, detected_at: self.snapshot.now };
            self.open(&adoption.group, before.last_owner.as_ref(), &intent, &adoption.reason);
            self.already_released(&adoption.group, &before);
        }
        self.settle_on(&adoption.group, &adoption.node, epoch, before.stays_chosen(&adoption.node));
        let message = format!("found running on {} (epoch {epoch}): {}", adoption.node, adoption.reason);
        self.step(&adoption.group, message.clone());
        self.event(EventKind::GroupPlaced, adoption.group.as_str(), message);
    }

    fn settle_on(&mut self, group: &GroupName, node: &NodeName, epoch: crate::domain::Epoch, by_operator: bool) {
        let last_owner = Some(node.clone());
        let placement = Placement { epoch, last_owner, phase: PlacementPhase::Held, by_operator };
        self.effects.placements.insert(group.clone(), placement);
        if let Some(record) = self.open.get_mut(group) {
            // The verdicts of the release say why that node; they stand while it stays the same node.
            let reasoning = self.plan.reasons.get(group).filter(|_| record.to.as_ref() != Some(node));
            reasoning.iter().for_each(|reasoning| record.verdicts.clone_from(&reasoning.verdicts));
            record.to = Some(node.clone());
            record.epoch = Some(epoch);
        }
    }

    /// A failover that begins with a group that was free already carries the proof of then.
    fn already_released(&mut self, group: &GroupName, before: &Placement) {
        let PlacementPhase::Released { proof, evidence, .. } = &before.phase else { return };
        if let Some(record) = self.open.get_mut(group) {
            record.release_proof = Some(*proof);
            record.release_evidence = Some(evidence.clone());
            record.released_at = Some(record.detected_at);
        }
    }

    fn close(&mut self, closing: &Closing) {
        self.step(&closing.group, format!("{}: {}", closing.outcome.as_str(), closing.reason));
        let Some(mut record) = self.open.remove(&closing.group) else { return };
        record.outcome = closing.outcome;
        record.to = record.to.filter(|_| closing.outcome != Outcome::Blocked);
        self.times(&mut record);
        let message = format!("{}: {}", closing.outcome.as_str(), closing.reason);
        self.event(EventKind::FailoverClosed, closing.group.as_str(), message);
        if closing.outcome == Outcome::Succeeded {
            self.event(EventKind::GroupOnline, closing.group.as_str(), closing.reason.clone());
        }
        self.effects.failovers.push(record);
    }

    /// The times that the new owner reported, in the order in which they can only have been.
    fn times(&self, record: &mut FailoverRecord) {
        let released = record.released_at;
        if let Some((released, seen)) = released.zip(self.snapshot.seen_on_owner(&record.group)) {
            record.start_begun_at = seen.begun_at.map(|at| at.max(released));
            let online = (record.outcome == Outcome::Succeeded).then(|| seen.online_at.unwrap_or(self.snapshot.now));
            let begun = *record.start_begun_at.get_or_insert(released);
            record.online_at = online.map(|at| at.max(begun));
        }
        let marks = [
            ("release", Some(record.detected_at), record.released_at),
            ("place", record.released_at, record.start_begun_at),
            ("start", record.start_begun_at, record.online_at),
        ];
        let phases = marks.into_iter().filter_map(|(phase, from, to)| Some((phase.to_owned(), millis(from?, to?))));
        record.phases_ms = phases.collect();
    }

    fn hold(&mut self, held: &Held) {
        let to = None;
        let intent = Intent { cause: held.cause, actor: Actor::locum(), to, detected_at: held.detected_at };
        let mut record = self.record(&held.group, held.from.as_ref(), &intent, &held.reason);
        record.outcome = Outcome::Blocked;
        record.steps.push(FailoverStep { at: self.snapshot.now, what: format!("held back: {}", held.reason) });
        if let Some(proof) = self.proofs.get(&held.group) {
            record.release_proof = Some(proof.proof);
            record.release_evidence = Some(proof.evidence.clone());
            record.released_at = Some(self.snapshot.now);
            self.times(&mut record);
        }
        self.effects.failovers.push(record);
        self.event(EventKind::FailoverClosed, held.group.as_str(), format!("held back: {}", held.reason));
    }

    fn open(&mut self, group: &GroupName, from: Option<&NodeName>, intent: &Intent, reason: &str) {
        let record = self.record(group, from, intent, reason);
        let whence = from.map_or_else(String::new, |from| format!(" from {from}"));
        self.event(EventKind::FailoverOpened, group.as_str(), format!("leaves its owner{whence}: {reason}"));
        self.open.insert(group.clone(), record);
    }

    fn record(&mut self, group: &GroupName, from: Option<&NodeName>, intent: &Intent, reason: &str) -> FailoverRecord {
        let seen = FailoverStep { at: intent.detected_at, what: format!("{}: {reason}", intent.cause.as_str()) };
        let reasoning = self.plan.reasons.get(group);
        FailoverRecord {
            id: (self.new_id)(),
            cluster: self.snapshot.cluster.clone(),
            group: group.clone(),
            cause: intent.cause,
            actor: intent.actor.clone(),
            reason: reason.to_owned(),
            from: from.cloned(),
            to: intent.to.clone(),
            epoch: None,
            release_proof: None,
            release_evidence: None,
            outcome: Outcome::InProgress,
            detected_at: intent.detected_at,
            released_at: None,
            start_begun_at: None,
            online_at: None,
            phases_ms: BTreeMap::new(),
            max_overlap_ms: 0,
            steps: vec![seen],
            verdicts: reasoning.map(|reasoning| reasoning.verdicts.clone()).unwrap_or_default(),
            decision: self.decision(),
            acknowledged_by: None,
            acknowledged_at: None,
            comment: None,
        }
    }

    fn marks(&mut self) {
        self.effects.marks.clone_from(&self.plan.marks);
        for (group, mark) in &self.plan.marks {
            if let Some(mark) = mark {
                let before = self.snapshot.groups.get(group).and_then(|view| view.failed.as_ref());
                if mark.held.is_some() && before.is_some() {
                    continue; // the same, seen again
                }
                if mark.held.is_some() {
                    self.event(EventKind::GroupFailed, group.as_str(), mark.reason.clone());
                    continue;
                }
                let message = format!("{}; it begins again at {}", mark.reason, clock(mark.retry_at));
                self.event(EventKind::GroupFailed, group.as_str(), message);
            }
        }
    }

    fn operations(&mut self) {
        let stored: BTreeMap<Uuid, &Operation> = self.snapshot.operations.iter().map(|op| (op.id, op)).collect();
        for step in &self.plan.operations {
            let Some(stored) = stored.get(&step.id).copied() else { continue };
            let mut operation = stored.clone();
            operation.progress = step.progress;
            operation.next_step.clone_from(&step.next_step);
            if step.state == OperationState::Running {
                operation.message.clone_from(&step.message);
                operation.enter(step.phase, self.snapshot.now);
            } else {
                operation.end(step.state, step.message.clone(), self.snapshot.now);
                self.ended(&operation);
            }
            self.stays_chosen(&operation);
            self.effects.operations.push(operation);
        }
    }

    fn ended(&mut self, operation: &Operation) {
        let Operation { kind, target, state, message, next_step, .. } = operation;
        let next = next_step.as_ref().map_or_else(String::new, |next| format!("; {next}"));
        let what = format!("{} {}: {message}{next}", kind.as_str(), state.as_str());
        self.event(EventKind::OperationEnded, target, what);
        let reset = *kind == OperationKind::Reset && *state == OperationState::Succeeded;
        let group = self.snapshot.groups.get_key_value(target.as_str()).filter(|_| reset);
        self.effects.budgets_reset.extend(group.map(|(name, _)| name.clone()));
    }

    /// Whom an operator moves to where it is already shall stay there: failback leaves it.
    fn stays_chosen(&mut self, operation: &Operation) {
        let done = operation.kind == OperationKind::Move && operation.state == OperationState::Succeeded;
        let Some(to) = operation.to.as_ref().filter(|_| done) else { return };
        let Some((group, _)) = self.snapshot.groups.get_key_value(operation.target.as_str()) else { return };
        let placement = self.placement(group);
        if placement.assigned_to() == Some(to) && !placement.by_operator {
            let chosen = Placement { by_operator: true, ..placement };
            self.effects.placements.insert(group.clone(), chosen);
        }
    }

    fn assignments(&mut self) {
        let groups = self.snapshot.groups.iter();
        let after =
            groups.map(|(name, view)| (name, view, self.effects.placements.get(name).unwrap_or(&view.placement)));
        let orders = Orders::new(self.snapshot, after);
        let forgotten: BTreeSet<&NodeName> = self.plan.forget_nodes.iter().collect();
        let kept = self.snapshot.nodes.iter().filter(|(name, _)| !forgotten.contains(name));
        let changed = kept.filter(|(name, node)| !orders.are(name, &node.assignment));
        self.effects.assignments = changed.map(|(name, _)| (name.clone(), orders.of(name))).collect();
    }

    /// As it is after what was written so far.
    fn placement(&self, group: &GroupName) -> Placement {
        let stored = || self.snapshot.groups.get(group).map(|view| view.placement.clone());
        self.effects.placements.get(group).cloned().or_else(stored).unwrap_or_default()
    }

    fn step(&mut self, group: &GroupName, what: String) {
        if let Some(record) = self.open.get_mut(group) {
            record.steps.push(FailoverStep { at: self.snapshot.now, what });
        }
    }

    fn event(&mut self, kind: EventKind, subject: &str, message: String) {
        let at = self.snapshot.now;
        self.effects.events.push(NewEvent { at, kind, subject: subject.to_owned(), message });
    }
}
