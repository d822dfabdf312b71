//! Do the instances of hosts suffice, and can their nodes bear them?

use std::collections::BTreeMap;

use super::Severity::{Advice, Warning};
use super::rule::Rule;
use super::topology::PROVIDING;
use super::view::{Group, Host, View};
use super::words::{counted, group, host, list, node, objects};
use super::{RuleFinding, adapters};
use crate::domain::{HostKind, NodeName};

/// More host instances on one server exhaust what Windows gives to services that have no desktop.
const MOST_INSTANCES: usize = 26;

const R17: Rule = Rule::new(
    "R17",
    &[Advice],
    "A node has 26 host instances at most, unless it has been prepared for more.",
    "core/how-to-add-a-host-instance",
);
const R18: Rule = Rule::new(
    "R18",
    &[Warning],
    "A host that is not clustered has enabled instances on two nodes at least.",
    PROVIDING,
);
const R19: Rule = Rule::new(
    "R19",
    &[Advice],
    "One instance more than there are message boxes tracks messages.",
    "technical-guides/checklist-providing-high-availability-with-fault-tolerance-or-load-balancing",
);
const H01: Rule = Rule::new(
    "H01",
    &[Warning],
    "One host is the default host, and it is in-process.",
    "technical-reference/msbts-host-isdefault-property-wmi",
);
const H02: Rule = Rule::new(
    "H02",
    &[Warning],
    "A clustered host says what it runs.",
    "Locum: a host without `run` is described and judged, not run",
);

pub(super) const RULES: &[Rule] = &[R17, R18, R19, H01, H02];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(crowded(view));
    findings.extend(view.unclustered().filter_map(alone));
    findings.extend(tracking(view));
    findings.extend(defaults(view));
    findings.extend(view.clustered().filter_map(|(host, group)| unspecified(host, group)));
}

/// R17.
fn crowded(view: &View<'_>) -> Vec<RuleFinding> {
    let mut counts: BTreeMap<&NodeName, usize> = BTreeMap::new();
    for host in view.ground.hosts.values().filter(|host| host.is_plain() && !host.is_isolated()) {
        for instance in &host.spec.instances {
            *counts.entry(&instance.node).or_default() += 1;
        }
    }
    let finding = |(name, count): (&NodeName, usize)| {
        R17.advice(
            vec![node(name)],
            format!(
                "{name} has {count} host instances; beyond {MOST_INSTANCES} on a server, further ones may fail to start for \
                 want of desktop heap."
            ),
            format!("Raise the desktop heap for services on {name}, or spread the hosts over more nodes."),
        )
    };
    counts.into_iter().filter(|(_, count)| *count > MOST_INSTANCES).map(finding).collect()
}

/// R18. A host that a second instance would not help is left to the rules of its adapters.
fn alone(on: &Host<'_>) -> Option<RuleFinding> {
    let helps = adapters::second_instance_helps(on);
    let alone = on.is_plain() && on.enabled.len() < 2 && (on.enabled.is_empty() || helps);
    alone.then(|| {
        let name = on.name;
        let (message, others) = match on.enabled.first() {
            Some(only) => (
                format!("{name} has an enabled instance on {only} only: when {only} is lost, nothing of {name} runs."),
                "a second node",
            ),
            None => (
                format!("{name} has no enabled instance: it runs nowhere."),
                if helps { "two nodes at least" } else { "every node that may run it, and cluster it" },
            ),
        };
        R18.warning(vec![host(name)], message, format!("Give {name} an enabled instance on {others}."))
    })
}

/// R19.
fn tracking(view: &View<'_>) -> Option<RuleFinding> {
    let hosts: Vec<&Host<'_>> = view.ground.hosts.values().filter(|host| host.spec.tracking).collect();
    let instances: usize = hosts.iter().map(|host| host.enabled.len()).sum();
    let chief = hosts.first()?;
    (instances < 2).then(|| {
        let names = list(hosts.iter().map(|host| host.name));
        R19.advice(
            hosts.iter().map(|on| host(on.name)).collect(),
            format!(
                "{} of {names} may track messages; while it is away, what was tracked piles up in the message box.",
                counted(instances, "enabled instance")
            ),
            format!("Give {} an enabled instance on a second node, or let another host track as well.", chief.name),
        )
    })
}

/// H01.
fn defaults(view: &View<'_>) -> Vec<RuleFinding> {
    let hosts: Vec<&Host<'_>> = view.ground.hosts.values().filter(|host| host.spec.is_default).collect();
    let mut findings = Vec::new();
    if hosts.len() > 1 {
        let names = list(hosts.iter().map(|host| host.name));
        findings.push(H01.warning(
            hosts.iter().map(|on| host(on.name)).collect(),
            format!("{names} are all the default host: it is not clear which one new handlers are bound to."),
            "Set `default: true` for one of them only.".to_owned(),
        ));
    }
    findings.extend(hosts.iter().filter(|on| on.spec.kind == HostKind::Isolated).map(|on| {
        let name = on.name;
        H01.warning(
            vec![host(name)],
            format!("{name} is the default host but isolated: most adapters can't run in it."),
            "Make an in-process host the default one.".to_owned(),
        )
    }));
    findings
}

/// H02.
fn unspecified(on: &Host<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    on.spec.run.is_none().then(|| {
        let (name, group_name) = (on.name, of.name);
        H02.warning(
            objects(host(name), [group(group_name)]),
            format!("{name} does not say what it runs, so no node can run it, and {group_name} stays down."),
            format!("Write `run` of {name}: its type, and the command, unit or agent."),
        )
    })
}
