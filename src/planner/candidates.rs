//! Which node is best for a group, and what speaks for and against each?

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::budget;
use super::draft::Draft;
use super::plan::Reasoning;
use super::snapshot::{GroupView, NodeView};
use super::words::{clock, counted, ordinal};
use crate::domain::{Cause, GroupName, NodeName, NodeState, NodeWanted, PlacementPhase, ResourceSpec, ResourceType};

/// What decides between eligible nodes: the order of the fields is the order of importance, smaller is better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    /// A resource of the group failed there within the budget's period.
    failed_here: bool,
    /// Its place among the preferred owners; those without one come after all that have one.
    preferred: usize,
    other_than_last: bool,
    /// Other groups of its priority that it owns or is about to, those placed earlier in the same plan included.
    groups: usize,
    /// So that no tie is left to chance.
    name: &'a NodeName,
}

impl<'a> Rank<'a> {
    /// The rank of a node for and against which nothing speaks but how many groups it has.
    const fn ordinary(groups: usize, name: &'a NodeName) -> Self {
        Self { failed_here: false, preferred: usize::MAX, other_than_last: true, groups, name }
    }

    /// Whether no node with more groups can be better, unless it is one that the group names.
    fn ends_the_search(&self) -> bool {
        *self <= Self::ordinary(self.groups, self.name)
    }
}

/// A node that is out of the question for one choice, and why.
pub(super) type Bar<'a> = Option<(&'a NodeName, &'static str)>;

/// A group that looks for a node. The same code finds the best one at once and judges every node in words.
pub(super) struct Search<'d, 'a> {
    draft: &'d Draft<'a>,
    name: &'a GroupName,
    view: &'a GroupView,
    bar: Bar<'a>,
    /// Where a resource of it failed within the budget's period.
    failed_on: Vec<&'a NodeName>,
}

impl<'d, 'a> Search<'d, 'a> {
    pub fn new(draft: &'d Draft<'a>, (name, view): (&'a GroupName, &'a GroupView), bar: Bar<'a>) -> Self {
        Self { draft, name, view, bar, failed_on: failed_on(draft, view) }
    }

    pub fn best(&self) -> Option<&'a NodeName> {
        self.best_but(None)
    }

    /// The best other node than `but`: the smallest rank of all, without ranking all.
    ///
    /// Only a node that the group names can be better than an ordinary one. Those are ranked each; the others are gone
    /// through by how many groups they have, until one is found that is not worse than ordinary.
    pub fn best_but(&self, but: Option<&NodeName>) -> Option<&'a NodeName> {
        let rank = |node: &'a NodeName| self.rank_of(node).filter(|_| but != Some(node));
        let mut best = self.named().filter_map(rank).min();
        if self.view.spec.shortest_list().is_none() {
            let types: BTreeSet<_> = self.view.spec.resources.iter().map(ResourceSpec::resource_type).collect();
            for nodes in self.draft.loads.fewest_first(&types, self.view.spec.priority) {
                for rank in nodes.filter_map(rank) {
                    let ends = rank.ends_the_search();
                    best = best.into_iter().chain([rank]).min();
                    if ends {
                        break;
                    }
                }
            }
        }
        best.map(|rank| rank.name)
    }

    /// The nodes that the group names: all that it may run on if it lists them, or else those that may be better for it
    /// than for another group.
    fn named(&self) -> impl Iterator<Item = &'a NodeName> {
        let spec = &self.view.spec;
        let standing = self.draft.standing(self.name);
        let own = standing.placement.last_owner.iter().chain(standing.destination());
        let listed = spec.shortest_list().unwrap_or(&spec.preferred_owners).iter();
        listed.chain(own).filter_map(|node| Some(self.draft.snapshot.nodes.get_key_value(node)?.0))
    }

    pub fn is_eligible(&self, node: &NodeName) -> bool {
        self.rank_of(node).is_some()
    }

    fn rank_of(&self, node: &NodeName) -> Option<Rank<'a>> {
        let node = self.draft.snapshot.nodes.get_key_value(node)?;
        self.against(node).is_none().then(|| self.rank(node.0))
    }

    fn rank(&self, node: &'a NodeName) -> Rank<'a> {
        let preferred = self.view.spec.preferred_owners.iter().position(|preferred| preferred == node);
        let last = self.draft.standing(self.name).placement.last_owner.as_ref();
        Rank {
            failed_here: self.failed_on.contains(&node),
            preferred: preferred.unwrap_or(usize::MAX),
            other_than_last: last != Some(node),
            groups: self.draft.bound_for(node, (self.name, self.view)),
            name: node,
        }
    }

    /// Every node as judged for the group.
    pub fn judge(&self) -> Judgement<'a> {
        let judge = |node: (&'a NodeName, &'a NodeView)| match self.against(node) {
            Some(why) => (node.0, Verdict::Against(why)),
            None => (node.0, Verdict::For(self.rank(node.0))),
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
        let mut types = self.view.spec.resources.iter().map(ResourceSpec::resource_type);
        let missing = types.find(|kind| !view.seen.drivers.contains(kind))?;
        Some(match missing {
            ResourceType::Unspecified => "nothing says what a host of the group runs: give it a `run`".into(),
            missing => format!("has no driver for resources of type {}", missing.as_str()).into(),
        })
    }
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

fn praise(rank: &Rank<'_>, group: &GroupView) -> String {
    let preferred: Cow<'_, str> = match rank.preferred {
        usize::MAX if group.spec.preferred_owners.is_empty() => "possible owner".into(),
        usize::MAX => "not a preferred owner".into(),
        index => format!("{} preferred owner", ordinal(index)).into(),
    };
    let failed = if rank.failed_here { ", though it failed here before" } else { "" };
    format!("{preferred}, up, owns {}{failed}", counted(rank.groups, "other group"))
}

/// Every node as judged for one group, in the order of their names. The words are made when somebody asks for them.
pub(super) struct Judgement<'a> {
    group: &'a GroupView,
    verdicts: Vec<(&'a NodeName, Verdict<'a>)>,
}

enum Verdict<'a> {
    Against(Cow<'a, str>),
    For(Rank<'a>),
}

impl Judgement<'_> {
    /// What was found of `node`.
    pub fn verdict(&self, node: &NodeName) -> String {
        let found = self.verdicts.binary_search_by(|(name, _)| (*name).cmp(node));
        found.map_or_else(|_| "not a node of this cluster".to_owned(), |found| self.words(&self.verdicts[found].1))
    }

    fn words(&self, verdict: &Verdict<'_>) -> String {
        match verdict {
            Verdict::Against(why) => why.to_string(),
            Verdict::For(rank) => praise(rank, self.group),
        }
    }

    /// Every verdict in one sentence: "bts1: paused; bts2: down".
    pub fn listed(&self) -> String {
        let said = self.verdicts.iter().map(|(node, verdict)| format!("{node}: {}", self.words(verdict)));
        let all: Vec<String> = said.collect();
        if all.is_empty() { "the cluster has no nodes".to_owned() } else { all.join("; ") }
    }

    /// The reasoning that ends with `chosen`.
    pub fn reasoning(&self, chosen: Option<&NodeName>, summary: impl Into<String>) -> Reasoning {
        let say = |(node, verdict): &(&NodeName, Verdict<'_>)| {
            let mut words = self.words(verdict);
            match (chosen, verdict) {
                (Some(chosen), _) if chosen == *node => words.insert_str(0, "chosen: "),
                (_, Verdict::For(_)) => words.insert_str(0, "could take it: "),
                (_, Verdict::Against(_)) => {}
            }
            ((*node).clone(), words)
        };
        let verdicts = self.verdicts.iter().map(say).collect();
        Reasoning { chosen: chosen.cloned(), summary: summary.into(), verdicts }
    }
}

#[cfg(test)]
mod tests;
