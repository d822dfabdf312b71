//! Is each host where it can be, once on a node, and bound to handlers that know it?

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::Seen;
use super::{Parts, inside, limits, list, name, read, text};
use crate::domain::{Finding, RunSpec};

pub(super) fn check(document: &Value, parts: &Parts<'_>, findings: &mut Vec<Finding>) {
    let mut names = Seen::new("host", "this document");
    for (i, host) in list(document, "hosts").iter().enumerate() {
        let at = format!("/hosts/{i}");
        names.name(host, &at, findings);
        if let Some(group) = text(host, "clustered_in") {
            parts.groups.refer(group, format!("{at}/clustered_in"), findings);
        } else if host.get("clustered_in").is_none() && host.get("depends_on").is_some() {
            let detail = "`depends_on` names resources of the group that a host is clustered in, and this host is in none; \
                          write `clustered_in`, or remove it";
            findings.push(Finding::new(format!("{at}/depends_on"), "no_effect", detail));
        }
        check_instances(host, &at, parts, findings);
        inside::timing(host, &at, findings);
        if let Some(run) = host.get("run").and_then(read::<RunSpec>) {
            limits::run(&run, &format!("{at}/run"), findings);
        }
    }
    let mut names = Seen::new("handler", "this document");
    for (i, handler) in list(document, "handlers").iter().enumerate() {
        let at = format!("/handlers/{i}");
        names.name(handler, &at, findings);
        if let Some(host) = text(handler, "host") {
            parts.hosts.refer(host, format!("{at}/host"), findings);
        }
    }
}

/// One on a node, and on nodes that there are.
fn check_instances(host: &Value, at: &str, parts: &Parts<'_>, findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, instance) in list(host, "instances").iter().enumerate() {
        let Some(node) = text(instance, "node") else { continue };
        let pointer = format!("{at}/instances/{i}/node");
        if !parts.nodes.has(node) {
            parts.nodes.refer(node, pointer, findings);
        } else if let Some(before) = first.get(node) {
            let detail = format!(
                "{:?} has an instance on {node:?} already, at {at}/instances/{before}, and a host has one on a node; remove \
                 one of them",
                name(host).unwrap_or_default()
            );
            findings.push(Finding::new(pointer, "duplicate_instance", detail));
        } else {
            first.insert(node, i);
        }
    }
}
