//! What is wrong with a topology before it hurts, and how is it mended? A pure rule engine over what is wanted and seen.

mod finding;

pub use finding::{Advice, FindingChanges, HostAdvice, HostVerdict, RuleFinding, Severity, Waived};

use jiff::Timestamp;

use crate::domain::{Finding, TopologySpec};

/// What rules need to know of what is seen. Empty where nothing is known: such rules then say nothing.
#[derive(Debug, Clone, Default)]
pub struct Seen {}

/// Judges a topology: findings in the order of their rules and objects; those that a waiver covers apart.
pub fn judge(_topology: &TopologySpec, _seen: &Seen, _now: Timestamp) -> Advice {
    Advice::default()
}

/// The mistakes of a document that can't be read as findings of the rules that they break; a mistake without a rule has its
/// code as the rule.
pub fn of_document(_mistakes: &[Finding]) -> Vec<RuleFinding> {
    Vec::new()
}

/// What a change newly breaks and what it mends.
pub fn compare(before: &[RuleFinding], after: &[RuleFinding]) -> FindingChanges {
    let without = |some: &[RuleFinding], others: &[RuleFinding]| {
        some.iter().filter(|finding| !others.iter().any(|other| other.is_same(finding))).cloned().collect()
    };
    FindingChanges { breaks: without(after, before), mends: without(before, after) }
}
