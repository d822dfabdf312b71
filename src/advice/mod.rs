//! What is wrong with a topology before it hurts, and how is it mended? A pure rule engine over what is wanted and seen.

mod adapters;
mod checklist;
mod document;
mod fetching;
mod finding;
mod hosts;
mod platform;
mod policies;
mod proofs;
mod queues;
mod rule;
mod secret_server;
mod seen;
mod single_points;
mod timers;
mod topology;
mod verdict;
mod view;
mod waived;
mod words;

pub use document::of_document;
pub use finding::{Advice, FindingChanges, HostAdvice, HostVerdict, RuleFinding, Severity, Waived};
pub use rule::{LooksAt, Rule, Unchecked, rules, unchecked};
pub use seen::{Seen, SeenGroup, SeenNode};

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use self::view::{Ground, Group, View};
use crate::domain::TopologySpec;

/// What the rules said of a topology, to go on from when it changes a little.
#[derive(Debug)]
pub struct Judged {
    topology: Arc<TopologySpec>,
    seen: Arc<Seen>,
    /// Of each group by itself, in the order of the document.
    groups: Vec<Arc<Vec<RuleFinding>>>,
    advice: Arc<Advice>,
}

impl Judged {
    /// Whether it was judged of that.
    pub fn is_of(&self, topology: &Arc<TopologySpec>, seen: &Arc<Seen>) -> bool {
        self.topology == *topology && self.seen == *seen
    }

    /// All that they say.
    pub fn advice(&self) -> &Arc<Advice> {
        &self.advice
    }
}

/// Judges a topology: findings in the order of severity, rules and objects, whatever the order of the document; those that
/// a waiver covers apart; a verdict for each host, by name. `now` decides which waivers and marks still count.
pub fn judge(topology: &TopologySpec, seen: &Seen, now: Timestamp) -> Advice {
    let view = View::new(topology, seen, now);
    let groups: Vec<_> = in_order(&view).into_iter().map(|of| of_group(&view.ground, of)).collect();
    put_together(&view, groups.iter().flatten())
}

/// The same, where another topology was judged `before`: what rules say of one group by itself is not asked again as long as
/// the group and its ground are the same.
pub fn judge_after(before: Option<&Judged>, topology: &Arc<TopologySpec>, seen: &Arc<Seen>, now: Timestamp) -> Judged {
    let view = View::new(topology, seen, now);
    let before = before.filter(|known| Ground::is_same((&known.topology, &known.seen), (topology, seen)));
    // Of a topology with two groups of one name, which no document can be, nothing is known by its place.
    let before = before.filter(|known| known.groups.len() == known.topology.groups.len());
    let known = |of: &Group<'_>| {
        let known = before?;
        known.groups.get(of.place).filter(|_| known.topology.groups.get(of.place) == Some(of.written))
    };
    let judge = |of| known(of).map_or_else(|| Arc::new(of_group(&view.ground, of)), Arc::clone);
    let groups: Vec<_> = in_order(&view).into_iter().map(judge).collect();
    let advice = Arc::new(put_together(&view, groups.iter().flat_map(|group| group.iter())));
    Judged { topology: Arc::clone(topology), seen: Arc::clone(seen), groups, advice }
}

/// The groups in the order of the document.
fn in_order<'v, 'a>(view: &'v View<'a>) -> Vec<&'v Group<'a>> {
    let mut groups: Vec<_> = view.groups.values().collect();
    groups.sort_by_key(|of| of.place);
    groups
}

fn of_group(ground: &Ground<'_>, of: &Group<'_>) -> Vec<RuleFinding> {
    let mut findings = Vec::new();
    OF_GROUPS.iter().for_each(|family| family(ground, of, &mut findings));
    findings
}

fn put_together<'f>(view: &View<'_>, of_groups: impl Iterator<Item = &'f RuleFinding>) -> Advice {
    let mut findings: Vec<_> = of_groups.cloned().collect();
    FAMILIES.iter().for_each(|family| family(view, &mut findings));
    let waived = waived::apply(&mut findings, &view.topology.waivers, view.now);
    finding::sort(&mut findings);
    Advice { findings, waived, hosts: verdict::verdicts(view) }
}

/// Rules about the whole, or what belongs to several groups.
type Family = fn(&View<'_>, &mut Vec<RuleFinding>);

const FAMILIES: [Family; 11] = [
    document::judge,
    topology::judge,
    hosts::judge,
    fetching::judge,
    adapters::judge,
    queues::judge,
    secret_server::judge,
    platform::judge,
    single_points::judge,
    policies::judge,
    timers::judge,
];

/// Rules about each group by itself.
type FamilyOfGroups = fn(&Ground<'_>, &Group<'_>, &mut Vec<RuleFinding>);

const OF_GROUPS: [FamilyOfGroups; 7] = [
    topology::judge_group,
    adapters::judge_group,
    platform::judge_group,
    single_points::judge_group,
    proofs::judge_group,
    policies::judge_group,
    timers::judge_group,
];

/// What a change newly breaks and what it mends.
pub fn compare(before: &[RuleFinding], after: &[RuleFinding]) -> FindingChanges {
    let without = |some: &[RuleFinding], others: &[RuleFinding]| {
        let others: BTreeSet<_> = others.iter().map(RuleFinding::identity).collect();
        some.iter().filter(|finding| !others.contains(&finding.identity())).cloned().collect()
    };
    FindingChanges { breaks: without(after, before), mends: without(before, after) }
}
