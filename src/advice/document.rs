//! Which rules does a document break that can't be read?

use std::collections::BTreeSet;

use super::RuleFinding;
use super::Severity::Error;
use super::rule::{LooksAt, Rule};
use super::view::View;
use super::words::{handler, host, node};
use crate::domain::{Finding, NodeName};

const R03: Rule = Rule::new(
    "R03",
    &[Error],
    "Every node with an instance of a host is a node of the cluster.",
    "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1",
)
.looking_at(LooksAt::Document);
const R12: Rule = Rule::new(
    "R12",
    &[Error],
    "A host has one instance on a node at most.",
    "core/managing-biztalk-hosts-and-host-instances",
)
.looking_at(LooksAt::Document);
const R14: Rule = Rule::new(
    "R14",
    &[Error],
    "Names are not too long: in Locum 63 characters, of hosts too (the field allows those 80).",
    "technical-reference/msbts-host-name-property-wmi",
)
.looking_at(LooksAt::Document);
const R15: Rule =
    Rule::new("R15", &[Error], "A host is not removed while handlers are bound to it.", "core/how-to-delete-a-host")
        .looking_at(LooksAt::Document);

pub(super) const RULES: &[Rule] = &[R03, R12, R14, R15];

/// The same of a topology that was put together object by object, not read from a document.
pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    for on in view.ground.hosts.values() {
        let name = on.name;
        let (mut seen, mut twice): (BTreeSet<&NodeName>, BTreeSet<&NodeName>) = Default::default();
        for instance in &on.spec.instances {
            if !seen.insert(&instance.node) {
                twice.insert(&instance.node);
            }
        }
        findings.extend(seen.into_iter().filter(|at| !view.ground.nodes.contains_key(at)).map(|at| {
            let message = format!("{name} has an instance on {at}, which is no node of this cluster.");
            let fix = format!("Add {at} to `nodes`, or remove the instance.");
            R03.error(vec![host(name), node(at)], message, fix)
        }));
        findings.extend(twice.into_iter().map(|at| {
            let message = format!("{name} has two instances on {at}; a host has one on a node.");
            R12.error(vec![host(name), node(at)], message, "Remove one of them.".to_owned())
        }));
    }
    let mut lost: Vec<_> =
        view.topology.handlers.iter().filter(|one| !view.ground.hosts.contains_key(&one.host)).collect();
    lost.sort_by(|a, b| a.name.cmp(&b.name));
    findings.extend(lost.into_iter().map(|one| {
        let message = format!("The handler {} is bound to {}, which is no host of this cluster.", one.name, one.host);
        let fix = format!("Bind {} to another host, or remove it; then its host can be removed.", one.name);
        R15.error(vec![handler(&one.name), host(&one.host)], message, fix)
    }));
}

/// What the rules of other families say as well, and a document can break.
const R04: (&str, &str) = ("R04", "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1");
const TIMERS: &str = "Locum: timers";
const CHECKS: &str = "Locum: document checks";

/// The mistakes of a document that can't be read as findings of the rules that they break; a mistake without a rule has its
/// code as the rule. The object is the place in the document.
pub fn of_document(mistakes: &[Finding]) -> Vec<RuleFinding> {
    let mut findings: Vec<RuleFinding> = mistakes.iter().map(finding).collect();
    super::finding::sort(&mut findings);
    findings
}

fn finding(mistake: &Finding) -> RuleFinding {
    let (rule, source) = rule(mistake);
    let place = if mistake.pointer.is_empty() { "the document" } else { mistake.pointer.as_str() };
    RuleFinding {
        rule: rule.to_owned(),
        severity: Error,
        objects: vec![mistake.pointer.clone()],
        message: mistake.detail.clone(),
        fix: format!("Correct {place}; until then the document is refused."),
        source: source.to_owned(),
    }
}

fn rule(mistake: &Finding) -> (&str, &'static str) {
    let steps: Vec<&str> = mistake.pointer.split('/').skip(1).collect();
    let of = |rule: Rule| (rule.id, rule.source);
    match (mistake.code.as_str(), steps.as_slice()) {
        ("dangling_reference", ["hosts", _, "instances", _, "node"]) => of(R03),
        ("duplicate_instance", _) => of(R12),
        ("bad_name", _) if mistake.detail.contains("at most") => of(R14),
        ("dangling_reference", ["handlers", _, "host"]) => of(R15),
        ("impossible_owner", _) if mistake.detail.contains("instance") => R04,
        ("timer_inequality", ["settings", ..]) => ("T1", TIMERS),
        ("timer_inequality", [.., "retry_after"]) => ("T5", TIMERS),
        (code, _) => (code, CHECKS),
    }
}
