//! Can it be proven that a lost node has stopped what it ran, and can another one run it?

use super::RuleFinding;
use super::Severity::{Advice, Warning};
use super::rule::{LooksAt, Rule};
use super::view::{Ground, Group};
use super::words::{by, group, list, node, objects, resource};
use crate::domain::{NodeName, ResourceClass, ResourceSpec, ResourceType, RunSpec};

const G01: Rule = Rule::new(
    "G01",
    &[Warning, Advice],
    "Every resource of a group is stopped for certain when its node is lost.",
    "Locum: release proofs",
);
const G02: Rule = Rule::new(
    "G02",
    &[Warning],
    "Every possible owner of a group can run all its resources.",
    "Locum: drivers of agents",
)
.looking_at(LooksAt::Seen);

pub(super) const RULES: &[Rule] = &[G01, G02];

pub(super) fn judge_group(ground: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(unbounded(of));
    findings.extend(ground.lacking.iter().filter_map(|(kind, nodes)| drivers(of, *kind, nodes)));
}

/// G01: worse where what may go on running is a service, not an address.
fn unbounded(of: &Group<'_>) -> Option<RuleFinding> {
    let is_unbounded = |resource: &&ResourceSpec| matches!(resource.run, RunSpec::Systemd(_) | RunSpec::Ocf(_));
    let some: Vec<&ResourceSpec> = of.runs.resources.iter().filter(is_unbounded).collect();
    if some.is_empty() || of.owners.len() < 2 {
        return None;
    }
    let is_address =
        |resource: &&ResourceSpec| matches!(resource.class(), ResourceClass::IpAddress | ResourceClass::NetworkName);
    let name = of.name;
    let names = list(some.iter().map(|resource| &resource.name));
    let objects = some.iter().map(|one| resource(name, &one.name)).collect();
    let message = format!(
        "{names} of {name} {} stopped by the service manager or a resource agent, which Locum can't bound: when a node is cut \
         off, nothing proves that {} stopped there.",
        by(some.len(), "is", "are"),
        by(some.len(), "it has", "they have")
    );
    let fix = "Run it as a plain process if it can be one. Otherwise, when its node is lost, make sure that the node is off, and say \
               so with `confirm-down`."
        .to_owned();
    Some(if some.iter().all(is_address) {
        G01.advice(objects, message, fix)
    } else {
        G01.warning(objects, message, fix)
    })
}

/// G02.
fn drivers(of: &Group<'_>, kind: ResourceType, lacking: &[&NodeName]) -> Option<RuleFinding> {
    let nodes: Vec<&NodeName> = lacking.iter().copied().filter(|name| of.owners.contains(name)).collect();
    let some: Vec<&ResourceSpec> =
        of.runs.resources.iter().filter(|resource| resource.resource_type() == kind).collect();
    (!nodes.is_empty() && !some.is_empty()).then(|| {
        let (name, word) = (of.name, kind.as_str());
        let (names, on) = (list(some.iter().map(|resource| &resource.name)), list(&nodes));
        let about = some.iter().map(|one| resource(name, &one.name)).chain(nodes.iter().map(node));
        G02.warning(
            objects(group(name), about),
            format!("{on} may own {name}, but can't run {names}: the agent there has no {word} driver."),
            format!("Make {word} available on {on} and restart the agent there, or take {on} out of the possible owners of {name}."),
        )
    })
}
