//! Which node is best for a group, and what speaks for and against each?

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::draft::Draft;
use super::judgement::{Judgement, Praise, Verdict};
use super::snapshot::{GroupView, NodeView};
use super::standing::Standing;
use super::words::clock;
use super::{budget, hold};
use crate::domain::{AntiAffinity, Cause, GroupName, NodeName, NodeState, NodeWanted, PlacementPhase, ResourceType};

/// What decides between eligible nodes: the order of the fields is the order of importance, smaller is better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'a> {
    /// A group that it keeps away from is there, or bound for it.
    pub shares: bool,
    /// A resource of the group failed there within the budget's period.
    pub failed_here: bool,
    /// Its place among the preferred owners; those without one come after all that have one.
    pub preferred: usize,
    /// It may have been lost with the last owner, or be next: they fail together.
    pub domain_of_the_lost: bool,
    pub other_than_last: bool,
    /// Other groups of its priority that it owns or is about to, those placed earlier in the same plan included.
    pub groups: usize,
    /// So that no tie is left to chance.
    pub name: &'a NodeName,
}

/// A node that is out of the question for one choice, and why.
pub(super) type Bar<'a> = Option<(&'a NodeName, &'static str)>;

/// A group that looks for a node. The same code finds the best one at once and judges every node in words.
pub(super) struct Search<'d, 'a> {
    draft: &'d Draft<'a>,
    name: &'a GroupName,
    view: &'a GroupView,
    standing: &'d Standing,
    bar: Bar<'a>,
    /// Where a resource of it failed within the budget's period.
    failed_on: Vec<&'a NodeName>,
    /// The fault domain of its last owner, if that was lost.
    lost_domain: Option<&'a str>,
}

impl<'d, 'a> Search<'d, 'a> {
    pub fn new(draft: &'d Draft<'a>, (name, view): (&'a GroupName, &'a GroupView), bar: Bar<'a>) -> Self {
        let standing = draft.standing(name);
        let last = standing.placement.last_owner.as_ref().and_then(|last| draft.node(last));
        let lost = last.filter(|(_, last)| last.seen.state == NodeState::Down);
        let lost_domain = lost.and_then(|(_, lost)| lost.spec.fault_domain.as_deref());
        Self { draft, name, view, standing, bar, failed_on: failed_on(draft, view), lost_domain }
    }

    pub fn best(&self) -> Option<&'a NodeName> {
        self.first(None).map(|rank| rank.name)
    }

    /// The best other node than `but`.
    pub fn best_but(&self, but: &NodeName) -> Option<&'a NodeName> {
        self.first(Some(but)).map(|rank| rank.name)
    }

    /// The best node, if it is a better preferred owner than the one at `present` and no failure speaks against it.
    pub fn better_preferred(&self, present: usize) -> Option<&'a NodeName> {
        self.first(None).filter(|rank| rank.preferred < present && !rank.failed_here).map(|rank| rank.name)
    }

    pub fn is_eligible(&self, node: &NodeName) -> bool {
        self.rank_of(node).is_some()
    }

    /// The smallest rank of all other nodes than `but`, without ranking all.
    ///
    /// Only a node that the group names can be better than an ordinary one. Those are ranked each; the others are gone
    /// through by how many groups they have, until one is found that is not worse than ordinary.
    fn first(&self, but: Option<&NodeName>) -> Option<Rank<'a>> {
        let rank = |node: &'a NodeName| self.rank_of(node).filter(|_| but != Some(node));
        let mut first = self.named().filter_map(rank).min();
        if self.view.spec.shortest_list().is_some() {
            return first;
        }
        let types = || self.view.spec.resources.types();
        let suffice = |drivers: &BTreeSet<ResourceType>| types().all(|needed| drivers.contains(&needed));
        for nodes in self.draft.loads.fewest_first(suffice, self.view.spec.priority) {
            for rank in nodes.filter_map(rank) {
                let ends = rank <= self.ordinary(rank.groups, rank.name);
                first = first.into_iter().chain([rank]).min();
                if ends {
                    break;
                }
            }
        }
        first
    }

    /// The nodes that the group names: all that it may run on if it lists them, or else those that may be better for it
    /// than for another group.
    fn named(&self) -> impl Iterator<Item = &'a NodeName> {
        let spec = &self.view.spec;
        let standing = self.standing;
        let asked = self.draft.index.newest_move(self.name).and_then(|operation| operation.to.as_ref());
        let own = standing.placement.last_owner.iter().chain(standing.destination()).chain(asked);
        let listed = spec.shortest_list().unwrap_or(&spec.preferred_owners).iter();
        listed.chain(own).filter_map(|node| Some(self.draft.node(node)?.0))
    }

    /// The rank of a node that the group does not name and of which nothing is known but how many groups it has. Nothing
    /// speaks against it but what speaks against all.
    fn ordinary(&self, groups: usize, name: &'a NodeName) -> Rank<'a> {
        Rank {
            shares: self.draft.is_crowded(self.view),
            failed_here: false,
            preferred: usize::MAX,
            domain_of_the_lost: self.lost_domain.is_some() && self.draft.loads.only_domain() == self.lost_domain,
            other_than_last: true,
            groups,
            name,
        }
    }

    fn rank_of(&self, node: &NodeName) -> Option<Rank<'a>> {
        let node = self.draft.node(node)?;
        let fit = self.against(node).is_none() && self.kept_from(node).is_none();
        fit.then(|| self.rank(node))
    }

    fn rank(&self, (name, node): (&'a NodeName, &'a NodeView)) -> Rank<'a> {
        let last = self.standing.placement.last_owner.as_ref();
        Rank {
            shares: self.draft.mate_on((self.name, self.view), name).is_some(),
            failed_here: self.failed_on.contains(&name),
            preferred: preference(self.view, name),
            domain_of_the_lost: self.lost_domain.is_some() && node.spec.fault_domain.as_deref() == self.lost_domain,
            other_than_last: last != Some(name),
            groups: self.bound_for(name),
            name,
        }
    }

    /// How many groups of the group's priority, others than itself, `node` owns or is the intended target of.
    fn bound_for(&self, node: &NodeName) -> usize {
        let itself = self.standing.destination() == Some(node);
        self.draft.loads.of(node, self.view.spec.priority).saturating_sub(usize::from(itself))
    }

    /// Every node as judged for the group.
    pub fn judge(&self) -> Judgement<'a> {
        let judge = |node: (&'a NodeName, &'a NodeView)| {
            if let Some(why) = self.against(node).or_else(|| self.kept_from(node)) {
                return (node.0, Verdict::Against(why));
            }
            let mate = self.draft.mate_on((self.name, self.view), node.0);
            let itself = self.standing.destination() == Some(node.0);
            let all = self.draft.loads.of_all(node.0).saturating_sub(usize::from(itself));
            (node.0, Verdict::For(Praise { rank: self.rank(node), all, mate }))
        };
        Judgement { group: self.view, verdicts: self.draft.snapshot.nodes.iter().map(judge).collect() }
    }

    /// What rules `node` out.
    fn against(&self, node: (&'a NodeName, &'a NodeView)) -> Option<Cow<'a, str>> {
        let (node_name, view) = node;
        if view.retired {
            return Some("no longer in the topology".into());
        }
        if !self.view.allows(node_name, view) {
            return Some("not a possible owner".into());
        }
        if let Some((_, why)) = self.bar.filter(|(barred, _)| *barred == node_name) {
            return Some(why.into());
        }
        match view.wanted {
            NodeWanted::Active => {}
            NodeWanted::Paused => return Some("paused".into()),
            NodeWanted::Drained => return Some("drained".into()),
        }
        match view.seen.state {
            NodeState::Up => {}
            NodeState::Down => return Some("down".into()),
            NodeState::Unreachable => return Some(unreachable(self.view, self.name, node)),
        }
        if let Some(problem) = &view.seen.problem {
            return Some(problem.into());
        }
        if !view.seen.answered {
            return Some("up, and has not said yet what it runs".into());
        }
        let missing = self.view.spec.resources.types().find(|kind| !view.seen.drivers.contains(kind))?;
        Some(match missing {
            ResourceType::Unspecified => "nothing says what a host of the group runs: give it a `run`".into(),
            missing => format!("has no driver for resources of type {}", missing.as_str()).into(),
        })
    }

    /// What rules of the cluster keep the group from a node that could run it.
    fn kept_from(&self, (name, node): (&NodeName, &NodeView)) -> Option<Cow<'a, str>> {
        let snapshot = self.draft.snapshot;
        if let Some(maintenance) = &node.spec.maintenance
            && maintenance.lasts(snapshot.now)
            && !is_let_in(self.draft, self.name, name)
        {
            return hold::lasting(snapshot, maintenance).map(Cow::from);
        }
        if let Some(quarantined) = self.draft.facts.quarantined().get(name) {
            return Some(quarantined.reason.clone().into());
        }
        let enforced = snapshot.policy.anti_affinity == AntiAffinity::Enforced;
        let mate = enforced.then(|| self.draft.mate_on((self.name, self.view), name)).flatten()?;
        Some(format!("{mate} is there, and they never share a node").into())
    }
}

/// Whether a node in maintenance takes this group all the same: an operator moves it there, or it was there before and
/// goes on.
pub(super) fn is_let_in(draft: &Draft<'_>, group: &GroupName, node: &NodeName) -> bool {
    let asked = draft.index.newest_move(group).is_some_and(|op| op.to.as_ref() == Some(node));
    let placement = &draft.standing(group).placement;
    let failed =
        matches!(placement.phase, PlacementPhase::Released { cause: Some(cause), .. } if cause.spends_budget());
    asked || failed && placement.last_owner.as_ref() == Some(node)
}

fn unreachable(group: &GroupView, name: &GroupName, (node_name, view): (&NodeName, &NodeView)) -> Cow<'static, str> {
    let holds = group.placement.owner() == Some(node_name) || view.may_run(name) || !view.seen.answered;
    match (holds, view.seen.down_at) {
        (true, Some(down_at)) => format!("unreachable, may hold it until {}", clock(down_at)).into(),
        (true, None) => "unreachable, may hold it".into(),
        (false, _) => "unreachable".into(),
    }
}

fn failed_on<'a>(draft: &Draft<'_>, view: &'a GroupView) -> Vec<&'a NodeName> {
    let failure = |cause| matches!(cause, Cause::ResourceFailed | Cause::StartFailed);
    let before = budget::within_period(draft.snapshot, view).filter(|past| failure(past.cause));
    // A failure that was held back is no past failover, but it is why the group was released.
    let last = matches!(view.placement.phase, PlacementPhase::Released { cause: Some(cause), .. } if failure(cause));
    before.filter_map(|past| past.from).chain(view.placement.last_owner.as_ref().filter(|_| last)).collect()
}

/// The place of `node` among the preferred owners, counted from 0; of others: after all of them.
pub(super) fn preference(group: &GroupView, node: &NodeName) -> usize {
    group.spec.preferred_owners.iter().position(|preferred| preferred == node).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
