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

use jiff::Timestamp;

use crate::domain::TopologySpec;

/// Judges a topology: findings in the order of severity, rules and objects, whatever the order of the document; those that
/// a waiver covers apart; a verdict for each host, by name. `now` decides which waivers and marks still count.
pub fn judge(topology: &TopologySpec, seen: &Seen, now: Timestamp) -> Advice {
    let view = view::View::new(topology, seen, now);
    let mut findings = Vec::new();
    for family in FAMILIES {
        family(&view, &mut findings);
    }
    let waived = waived::apply(&mut findings, &topology.waivers, now);
    finding::sort(&mut findings);
    Advice { findings, waived, hosts: verdict::verdicts(&view) }
}

type Family = fn(&view::View<'_>, &mut Vec<RuleFinding>);

const FAMILIES: [Family; 12] = [
    document::judge,
    topology::judge,
    hosts::judge,
    fetching::judge,
    adapters::judge,
    queues::judge,
    secret_server::judge,
    platform::judge,
    single_points::judge,
    proofs::judge,
    policies::judge,
    timers::judge,
];

/// What a change newly breaks and what it mends.
pub fn compare(before: &[RuleFinding], after: &[RuleFinding]) -> FindingChanges {
    let without = |some: &[RuleFinding], others: &[RuleFinding]| {
        some.iter().filter(|finding| !others.iter().any(|other| other.is_same(finding))).cloned().collect()
    };
    FindingChanges { breaks: without(after, before), mends: without(before, after) }
}
