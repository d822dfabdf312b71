//! Does each clustered host have what it needs to fail over: software, instances, a name, an address?

use std::collections::{BTreeMap, BTreeSet};

use super::RuleFinding;
use super::Severity::{Advice, Error, Warning};
use super::rule::{LooksAt, Rule};
use super::view::{Ground, Group, Host, View};
use super::words::{by, group, host, list, node, objects};
use crate::domain::{Edition, NodeName, ResourceClass};

const CLUSTERING: &str = "core/use-windows-cluster-to-provide-high-availability-for-biztalk-hosts";
const CONFIGURE: &str = "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1";
pub(super) const PROVIDING: &str = "core/providing-high-availability-for-biztalk-hosts";

const R01: Rule =
    Rule::new("R01", &[Error], "A clustered host runs on nodes with the enterprise edition only.", CLUSTERING);
const R02: Rule = Rule::new(
    "R02",
    &[Error, Warning],
    "A clustered host has two possible owners at least, all of one group of servers.",
    CLUSTERING,
);
const R04: Rule = Rule::new(
    "R04",
    &[Warning, Advice],
    "A clustered host has an instance on every node that may own its group.",
    CONFIGURE,
);
const R05: Rule = Rule::new(
    "R05",
    &[Warning],
    "No instance of a clustered host is disabled on a node that may own its group.",
    CONFIGURE,
);
const R06: Rule = Rule::new(
    "R06",
    &[Warning, Advice],
    "The group of a clustered host has a network name and an IP address.",
    CONFIGURE,
);
const R08: Rule =
    Rule::new("R08", &[Warning], "A group is moved away before its owner stops being a possible owner.", CONFIGURE)
        .looking_at(LooksAt::Seen);
const R13: Rule = Rule::new("R13", &[Error], "Only in-process hosts are clustered.", PROVIDING);
pub(super) const RULES: &[Rule] = &[R01, R02, R04, R05, R06, R08, R13];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    for (host, group) in view.clustered() {
        findings.extend(edition(view, host));
        findings.extend(servers(view, host));
        findings.extend(owners(host, group));
        findings.extend(instances(host, group));
        findings.extend(disabled(host, group));
        findings.extend(isolated(host, group));
    }
}

pub(super) fn judge_group(ground: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(name_and_address(of));
    findings.extend(leaves(ground, of));
}

fn nodes<'a>(names: impl IntoIterator<Item = &'a NodeName>) -> Vec<String> {
    names.into_iter().map(node).collect()
}

/// R01.
fn edition(view: &View<'_>, on: &Host<'_>) -> Option<RuleFinding> {
    let is_standard = |name: &NodeName| {
        let software = view.ground.nodes.get(name).and_then(|node| node.software.as_ref());
        software.and_then(|software| software.edition) == Some(Edition::Standard)
    };
    let standard: Vec<&NodeName> = on.enabled.iter().copied().filter(|name| is_standard(name)).collect();
    (!standard.is_empty()).then(|| {
        let runs = by(standard.len(), "runs", "run");
        let (name, names) = (on.name, list(&standard));
        R01.error(
            objects(host(name), nodes(standard)),
            format!("{name} is clustered, but {names} {runs} the standard edition, which has no host clustering."),
            format!("Install the enterprise edition on {names}, or remove the instance of {name} there."),
        )
    })
}

/// R02, the error.
fn servers(view: &View<'_>, on: &Host<'_>) -> Option<RuleFinding> {
    let mut by_group: BTreeMap<&str, Vec<&NodeName>> = BTreeMap::new();
    for name in &on.enabled {
        let software = view.ground.nodes.get(name).and_then(|node| node.software.as_ref());
        if let Some(servers) = software.and_then(|software| software.group.as_deref()) {
            by_group.entry(servers).or_default().push(name);
        }
    }
    (by_group.len() > 1).then(|| {
        let name = on.name;
        let parts = by_group.iter().map(|(servers, names)| format!("{} ({servers})", list(names)));
        let message = format!(
            "{name} may run on nodes of {} groups of servers: {}. They share no configuration, so it can't fail over \
             from one to another.",
            by_group.len(),
            list(parts)
        );
        let fix = format!(
            "Keep the instances of {name} on nodes of one group of servers, or correct `software.group` of the nodes."
        );
        R02.error(objects(host(name), nodes(by_group.into_values().flatten())), message, fix)
    })
}

/// R02, the warning.
fn owners(on: &Host<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    (of.owners.len() < 2).then(|| {
        let (name, group_name) = (on.name, of.name);
        let message = match of.owners.first() {
            Some(only) => format!(
                "{name} is clustered, but {only} is the only node that can own its group {group_name}: when {only} is \
                 lost, nothing takes over."
            ),
            None => format!("{name} is clustered, but no node can own its group {group_name}: it runs nowhere."),
        };
        let fix = format!(
            "Give {name} an enabled instance on a second node, and let every resource of {group_name} run there."
        );
        R02.warning(objects(host(name), [group(group_name)]), message, fix)
    })
}

/// R04: worse where somebody wrote that the node may own the group.
fn instances(on: &Host<'_>, of: &Group<'_>) -> Vec<RuleFinding> {
    let mapped: BTreeSet<&NodeName> = on.spec.instances.iter().map(|instance| &instance.node).collect();
    let without = of.allowed.iter().copied().filter(|name| !mapped.contains(name));
    let said = |name: &NodeName| {
        of.written.resources.iter().any(|r| r.possible_owners.as_ref().is_some_and(|list| list.contains(name)))
    };
    let (named, unsaid): (Vec<&NodeName>, Vec<&NodeName>) = without.partition(|name| said(name));
    let (name, group_name) = (on.name, of.name);
    let mut findings = Vec::new();
    if !named.is_empty() {
        let names = list(&named);
        findings.push(R04.warning(
            objects(host(name), nodes(named)),
            format!(
                "{names} may own {group_name}, says `possible_owners` of its resources, but {name} has no instance there: \
                 the group can't fail over to it."
            ),
            format!("Give {name} an instance on {names}, or take {names} out of `possible_owners`."),
        ));
    }
    if !unsaid.is_empty() {
        let names = list(&unsaid);
        findings.push(R04.advice(
            objects(host(name), nodes(unsaid)),
            format!(
                "The group {group_name} can't fail over to {names}: nothing bars it there, but {name} has no instance."
            ),
            format!(
                "Give {name} an instance on {names}; or, if it is not meant to run there, say so: list the nodes in \
                 `possible_owners` of a resource of {group_name}."
            ),
        ));
    }
    findings
}

/// R05.
fn disabled(on: &Host<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    let instances = on.spec.instances.iter().filter(|instance| instance.disabled);
    let off: BTreeSet<&NodeName> =
        instances.map(|instance| &instance.node).filter(|name| of.allowed.contains(name)).collect();
    (!off.is_empty()).then(|| {
        let (name, group_name, names) = (on.name, of.name, list(&off));
        let (instance, is) = (by(off.len(), "instance", "instances"), by(off.len(), "is", "are"));
        R05.warning(
            objects(host(name), nodes(off)),
            format!(
                "The {instance} of {name} on {names} {is} disabled: Locum counts {names} out as an owner of {group_name}, so \
                 the group can't fail over there."
            ),
            format!("Enable the {instance} when it may run again, or remove it for good."),
        )
    })
}

/// R06.
fn name_and_address(of: &Group<'_>) -> Option<RuleFinding> {
    if !of.has_plain_host() {
        return None;
    }
    let group_name = of.name;
    let objects = || objects(group(group_name), of.hosts.iter().map(|spec| host(&spec.name)));
    let names = list(of.hosts.iter().map(|spec| &spec.name));
    match (of.has(ResourceClass::NetworkName), of.has(ResourceClass::IpAddress)) {
        (true, true) => None,
        (false, true) => Some(R06.advice(
            objects(),
            format!(
                "The group {group_name} has an IP address but no network name: callers reach {names} by the address only, and a \
                 secret server or transaction coordinator could not run there."
            ),
            format!(
                "Do nothing if callers use the address; otherwise add a resource of class network_name to {group_name}."
            ),
        )),
        (true, false) => Some(R06.warning(
            objects(),
            format!(
                "The group {group_name} has a network name but no IP address: the name of {names} leads nowhere after a failover."
            ),
            format!("Add a resource of class ip_address to {group_name}, and let the network name depend on it."),
        )),
        (false, false) => Some(R06.warning(
            objects(),
            format!(
                "The group {group_name} has neither a network name nor an IP address: {names} can't be reached under one address \
                 wherever the group is, and clustered it may not function correctly."
            ),
            format!(
                "Add a resource of class ip_address to {group_name}, and one of class network_name that depends on it."
            ),
        )),
    }
}

/// R08.
fn leaves(ground: &Ground<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    let owner = ground.seen.groups.get(of.name)?.owner.as_ref()?;
    (!of.owners.contains(owner)).then(|| {
        let group_name = of.name;
        R08.warning(
            objects(group(group_name), [node(owner)]),
            format!(
                "{owner} runs {group_name} now and is not among its possible owners: the group stops there and moves."
            ),
            format!(
                "Move {group_name} first, when it suits (`move` to another node), and take {owner} away after that."
            ),
        )
    })
}

/// R13.
fn isolated(on: &Host<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    on.is_isolated().then(|| {
        let (name, group_name) = (on.name, of.name);
        R13.error(
            objects(host(name), [group(group_name)]),
            format!(
                "{name} is isolated: it runs inside a web server, which no cluster starts or stops, and can't be clustered \
                 in {group_name}."
            ),
            format!(
                "Remove `clustered_in` of {name} and put a load balancer before its nodes, or make it in_process if its \
                 adapters allow that."
            ),
        )
    })
}
