//! Which nodes may own a group? Those that all its resources allow, and that have an instance of each clustered host.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::Names;
use super::{list, name, text};
use crate::domain::Finding;

/// What a resource or a host allows.
struct Limit<'a> {
    what: String,
    nodes: BTreeSet<&'a str>,
}

/// `hosts`: those that are clustered in the group.
pub(super) fn check(
    group: &Value,
    at: &str,
    hosts: &[(String, &Value)],
    nodes: &Names<'_>,
    findings: &mut Vec<Finding>,
) {
    let Some(known) = nodes.all() else { return };
    nodes.refer_all(group, "preferred_owners", at, findings);
    let mut limits = Vec::new();
    for (i, resource) in list(group, "resources").iter().enumerate() {
        nodes.refer_all(resource, "possible_owners", &format!("{at}/resources/{i}"), findings);
        let owners: BTreeSet<_> = list(resource, "possible_owners").iter().filter_map(Value::as_str).collect();
        if !owners.is_empty() {
            limits.push(Limit { what: format!("the resource {:?} allows", called(resource)), nodes: owners });
        }
    }
    let mut can_run = true;
    for (pointer, host) in hosts {
        let all = instances(host, |_| true);
        let nodes = instances(host, |instance| !is_disabled(instance));
        if host.get("instances").is_none_or(Value::is_array) && nodes.is_empty() {
            can_run = false;
            findings.push(nowhere(host, all.is_empty(), pointer));
        }
        limits.push(Limit { what: format!("the host {:?} has enabled instances on", called(host)), nodes });
    }
    let possible = |name: &str| limits.iter().all(|limit| limit.nodes.contains(name));
    let some = known.iter().any(|name| possible(name));
    // A mistyped name has its own finding, and a document without nodes is one that is still being written.
    let readable = limits.iter().all(|limit| limit.nodes.is_subset(known)) && !known.is_empty();
    if !some && can_run && readable {
        findings.push(Finding::new(at, "no_possible_owner", disjoint(&limits)));
    }
    let preferred = list(group, "preferred_owners").iter().enumerate();
    for (i, owner) in preferred.filter_map(|(i, owner)| Some((i, owner.as_str()?))) {
        let pointer = format!("{at}/preferred_owners/{i}");
        // What is disabled comes back: the wish may stay.
        let without = hosts.iter().find(|(_, host)| some && !instances(host, |_| true).contains(owner));
        let barred = some && list(group, "resources").iter().any(|resource| !allows(resource, owner));
        let detail = match without {
            _ if !known.contains(owner) => continue,
            Some((_, host)) => format!(
                "{owner:?} is preferred, but the host {:?} has no instance there; add one, or remove the node here",
                called(host)
            ),
            None if barred => {
                format!("{owner:?} is preferred, but no possible owner; add it to possible_owners or remove it here")
            }
            None => continue,
        };
        findings.push(Finding::new(pointer, "impossible_owner", detail));
    }
}

fn called(object: &Value) -> &str {
    name(object).unwrap_or_default()
}

fn is_disabled(instance: &Value) -> bool {
    instance.get("disabled").and_then(Value::as_bool) == Some(true)
}

fn instances<'a>(host: &'a Value, which: impl Fn(&Value) -> bool) -> BTreeSet<&'a str> {
    list(host, "instances").iter().filter(|one| which(one)).filter_map(|instance| text(instance, "node")).collect()
}

fn allows(resource: &Value, node: &str) -> bool {
    let owners = list(resource, "possible_owners");
    owners.is_empty() || owners.iter().any(|owner| owner.as_str() == Some(node))
}

/// A clustered host that no node can run.
fn nowhere(host: &Value, is_empty: bool, at: &str) -> Finding {
    let (name, group) = (called(host), text(host, "clustered_in").unwrap_or_default());
    let detail = if is_empty {
        format!("{name:?} is clustered in {group:?} but has no instances; give it one on each node that may run it")
    } else {
        format!("every instance of {name:?} is disabled, so no node can own {group:?}; enable one of them")
    };
    Finding::new(format!("{at}/instances"), "no_possible_owner", detail)
}

/// Why no node is left.
fn disjoint(limits: &[Limit<'_>]) -> String {
    const LISTED: usize = 4;
    let lists = limits.iter().take(LISTED).map(|limit| {
        let nodes: Vec<&str> = limit.nodes.iter().copied().take(LISTED + 1).collect();
        let more = if limit.nodes.len() > nodes.len() { ", ..." } else { "" };
        format!("{} {}{more}", limit.what, nodes.join(", "))
    });
    let more = if limits.len() > LISTED { "; ..." } else { "" };
    format!(
        "no node is a possible owner of every resource of this group ({}{more}); name one that all of them allow",
        lists.collect::<Vec<_>>().join("; ")
    )
}
