//! Which node is best for a group, and what speaks for and against each?

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::draft::Draft;
use super::plan::Reasoning;
use super::snapshot::{GroupView, NodeView};
use super::words::{clock, counted, ordinal};
use super::{affinity, budget, hold, operate};
use crate::domain::{AntiAffinity, Cause, GroupName, NodeName, NodeState, NodeWanted, PlacementPhase};

/// What decides between eligible nodes: the order of the fields is the order of importance, smaller is better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// A group that it keeps away from is there, or bound for it.
    shares: bool,
    /// A resource of the group failed there within the budget's period.
    failed_here: bool,
    /// Its place among the preferred owners; those without one come after all that have one.
    preferred: usize,
    /// It may have been lost with the last owner, or be next: they fail together.
    domain_of_the_lost: bool,
    other_than_last: bool,
    /// Other groups of its priority that it owns or is about to, those placed earlier in the same plan included.
    groups: usize,
    /// So that no tie is left to chance.
    name: NodeName,
}

/// Every node as judged for one group.
pub(super) struct Judgement {
    ranked: Vec<Rank>,
    verdicts: BTreeMap<NodeName, String>,
}

/// A node that is out of the question for one choice, and why.
pub(super) type Bar<'a> = Option<(&'a NodeName, &'a str)>;

/// Judges every node for `group`.
pub(super) fn judge(draft: &Draft<'_>, group: &GroupName, bar: Bar<'_>) -> Judgement {
    let mut judgement = Judgement { ranked: Vec::new(), verdicts: BTreeMap::new() };
    let Some(view) = draft.snapshot.groups.get(group) else { return judgement };
    for (name, node) in &draft.snapshot.nodes {
        let verdict = match against(view, group, (name, node), bar).or_else(|| kept_from(draft, group, (name, node))) {
            Some(verdict) => verdict,
            None => {
                let rank = rank(draft, group, view, (name, node));
                let verdict = praise(draft, group, view, &rank);
                judgement.ranked.push(rank);
                verdict
            }
        };
        judgement.verdicts.insert(name.clone(), verdict);
    }
    judgement.ranked.sort();
    judgement
}

/// What rules `node` out.
fn against(group: &GroupView, name: &GroupName, node: (&NodeName, &NodeView), bar: Bar<'_>) -> Option<String> {
    let (node_name, view) = node;
    if view.retired {
        return Some("no longer in the topology".to_owned());
    }
    if !group.allows(node_name, view) {
        return Some("not a possible owner".to_owned());
    }
    if let Some((_, why)) = bar.filter(|(barred, _)| *barred == node_name) {
        return Some(why.to_owned());
    }
    match view.wanted {
        NodeWanted::Active => {}
        NodeWanted::Paused => return Some("paused".to_owned()),
        NodeWanted::Drained => return Some("drained".to_owned()),
    }
    match view.seen.state {
        NodeState::Up => {}
        NodeState::Down => return Some("down".to_owned()),
        NodeState::Unreachable => return Some(unreachable(group, name, node)),
    }
    if let Some(problem) = &view.seen.problem {
        return Some(problem.clone());
    }
    if !view.seen.answered {
        return Some("up, and has not said yet what it runs".to_owned());
    }
    let mut types = group.spec.resources.iter().map(crate::domain::ResourceSpec::resource_type);
    let missing = types.find(|kind| !view.seen.drivers.contains(kind))?;
    Some(match missing {
        crate::domain::ResourceType::Unspecified => {
            "nothing says what a host of the group runs: give it a `run`".to_owned()
        }
        missing => format!("has no driver for resources of type {}", missing.as_str()),
    })
}

fn unreachable(group: &GroupView, name: &GroupName, (node_name, view): (&NodeName, &NodeView)) -> String {
    let holds = group.placement.owner() == Some(node_name) || view.may_run(name) || !view.seen.answered;
    match (holds, view.seen.down_at) {
        (true, Some(down_at)) => format!("unreachable, may hold it until {}", clock(down_at)),
        (true, None) => "unreachable, may hold it".to_owned(),
        (false, _) => "unreachable".to_owned(),
    }
}

/// What rules of the cluster keep the group from a node that could run it.
fn kept_from(draft: &Draft<'_>, group: &GroupName, (name, node): (&NodeName, &NodeView)) -> Option<String> {
    let snapshot = draft.snapshot;
    let maintenance = node.spec.maintenance.as_ref().and_then(|maintenance| hold::lasting(snapshot, maintenance));
    if let Some(maintenance) = maintenance.filter(|_| !is_let_in(draft, group, name)) {
        return Some(maintenance);
    }
    if let Some(quarantined) = draft.facts.quarantined().get(name) {
        return Some(quarantined.reason.clone());
    }
    let enforced = snapshot.policy.anti_affinity == AntiAffinity::Enforced;
    let mate = enforced.then(|| affinity::mate_on(draft, group, name)).flatten()?;
    Some(format!("{mate} is there, and they never share a node"))
}

/// Whether a node in maintenance takes this group all the same: an operator moves it there, or it was there before and
/// goes on.
pub(super) fn is_let_in(draft: &Draft<'_>, group: &GroupName, node: &NodeName) -> bool {
    let asked = operate::newest_move(draft.snapshot, group).is_some_and(|op| op.to.as_ref() == Some(node));
    let placement = &draft.standing(group).placement;
    let failed =
        matches!(placement.phase, PlacementPhase::Released { cause: Some(cause), .. } if cause.spends_budget());
    asked || failed && placement.last_owner.as_ref() == Some(node)
}

fn rank(draft: &Draft<'_>, group: &GroupName, view: &GroupView, (name, node): (&NodeName, &NodeView)) -> Rank {
    let last = draft.standing(group).placement.last_owner.as_ref();
    let lost = last.and_then(|last| draft.snapshot.nodes.get(last)).filter(|last| last.seen.state == NodeState::Down);
    let domain = lost.and_then(|lost| lost.spec.fault_domain.as_ref());
    Rank {
        shares: affinity::mate_on(draft, group, name).is_some(),
        failed_here: failed_here(draft, view, name),
        preferred: preference(view, name),
        domain_of_the_lost: domain.is_some() && node.spec.fault_domain.as_ref() == domain,
        other_than_last: last != Some(name),
        groups: draft.bound_for_alike(name, group),
        name: name.clone(),
    }
}

/// The place of `node` among the preferred owners, counted from 0; of others: after all of them.
pub(super) fn preference(group: &GroupView, node: &NodeName) -> usize {
    group.spec.preferred_owners.iter().position(|preferred| preferred == node).unwrap_or(usize::MAX)
}

fn failed_here(draft: &Draft<'_>, view: &GroupView, node: &NodeName) -> bool {
    let failure = |cause| matches!(cause, Cause::ResourceFailed | Cause::StartFailed);
    let before =
        budget::within_period(draft.snapshot, view).any(|past| failure(past.cause) && past.from.as_ref() == Some(node));
    // A failure that was held back is no past failover, but it is why the group was released.
    let last = matches!(view.placement.phase, PlacementPhase::Released { cause: Some(cause), .. } if failure(cause))
        && view.placement.last_owner.as_ref() == Some(node);
    before || last
}

fn praise(draft: &Draft<'_>, name: &GroupName, group: &GroupView, rank: &Rank) -> String {
    let preferred = match rank.preferred {
        usize::MAX if group.spec.preferred_owners.is_empty() => "possible owner".to_owned(),
        usize::MAX => "not a preferred owner".to_owned(),
        index => format!("{} preferred owner", ordinal(index)),
    };
    let all = draft.bound_for(&rank.name, name);
    let mut said = format!("{preferred}, up, owns {}", counted(all, "other group"));
    if all != rank.groups {
        let _ = write!(said, ", {} of its priority", rank.groups);
    }
    if let Some(mate) = affinity::mate_on(draft, name, &rank.name).filter(|_| rank.shares) {
        let _ = write!(said, ", though {mate} is there, which it keeps away from");
    }
    if rank.failed_here {
        said.push_str(", though it failed here before");
    }
    if rank.domain_of_the_lost {
        said.push_str(", in the fault domain of the node that was lost");
    }
    said
}

impl Judgement {
    pub fn best(&self) -> Option<&NodeName> {
        self.ranked.first().map(|rank| &rank.name)
    }

    /// The best other node than `node`.
    pub fn best_but(&self, node: &NodeName) -> Option<&NodeName> {
        self.ranked.iter().map(|rank| &rank.name).find(|name| *name != node)
    }

    /// The best node, if it is a better preferred owner than the one at `present` and no failure speaks against it.
    pub fn better_preferred(&self, present: usize) -> Option<&NodeName> {
        self.ranked.first().filter(|rank| rank.preferred < present && !rank.failed_here).map(|rank| &rank.name)
    }

    pub fn is_eligible(&self, node: &NodeName) -> bool {
        self.ranked.iter().any(|rank| rank.name == *node)
    }

    /// What was found of `node`.
    pub fn verdict(&self, node: &NodeName) -> &str {
        self.verdicts.get(node).map_or("not a node of this cluster", String::as_str)
    }

    /// Every verdict in one sentence: "bts1: paused; bts2: down".
    pub fn listed(&self) -> String {
        let all: Vec<String> = self.verdicts.iter().map(|(node, verdict)| format!("{node}: {verdict}")).collect();
        if all.is_empty() { "the cluster has no nodes".to_owned() } else { all.join("; ") }
    }

    /// The reasoning that ends with `chosen`.
    pub fn reasoning(&self, chosen: Option<&NodeName>, summary: impl Into<String>) -> Reasoning {
        let say = |(node, verdict): (&NodeName, &String)| {
            let word = match chosen {
                Some(chosen) if chosen == node => "chosen: ",
                _ if self.is_eligible(node) => "could take it: ",
                _ => "",
            };
            (node.clone(), format!("{word}{verdict}"))
        };
        Reasoning {
            chosen: chosen.cloned(),
            summary: summary.into(),
            verdicts: self.verdicts.iter().map(say).collect(),
        }
    }
}
