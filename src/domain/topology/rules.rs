//! Does the document keep the rules that its shape can't say? Names, references, owners, timers.
//!
//! Each part is read by itself, so that a mistake in one hides none in another.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limits;
use crate::domain::{FailoverBudget, Finding, ResourceSpec, Settings};

/// Every finding that rules make; parts whose shape is wrong are left to the shape's findings.
pub(super) fn check(document: &Value, findings: &mut Vec<Finding>) {
    if let Some(settings) = document.get("settings").and_then(read::<Settings>) {
        limits::settings(&settings, findings);
    }
    let nodes = nodes(document, findings);
    let nodes = document.get("nodes").is_none_or(Value::is_array).then_some(&nodes);
    let mut names = Seen::new("group", "this document");
    for (i, group) in list(document, "groups").iter().enumerate() {
        names.name(group, &format!("/groups/{i}"), findings);
        check_group(group, &format!("/groups/{i}"), nodes, findings);
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Names that are taken, to refuse the second use.
struct Seen {
    what: &'static str,
    place: &'static str,
    first: BTreeMap<String, String>,
}

impl Seen {
    fn new(what: &'static str, place: &'static str) -> Self {
        Self { what, place, first: BTreeMap::new() }
    }

    fn name(&mut self, object: &Value, at: &str, findings: &mut Vec<Finding>) {
        let Some(name) = object.get("name").and_then(Value::as_str) else { return };
        let pointer = format!("{at}/name");
        if let Some(first) = self.first.get(name) {
            let detail =
                format!("{} has already a {} {name:?}, at {first}; choose another name", self.place, self.what);
            findings.push(Finding::new(pointer, "duplicate_name", detail));
        } else {
            self.first.insert(name.to_owned(), pointer);
        }
    }
}

/// The names of the nodes.
fn nodes<'a>(document: &'a Value, findings: &mut Vec<Finding>) -> BTreeSet<&'a str> {
    let mut names = Seen::new("node", "this document");
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    let nodes = list(document, "nodes");
    for (i, node) in nodes.iter().enumerate() {
        names.name(node, &format!("/nodes/{i}"), findings);
        let Some(agent) = node.get("agent").and_then(Value::as_str) else { continue };
        let pointer = format!("/nodes/{i}/agent");
        match limits::agent_address(agent) {
            Err(detail) => findings.push(Finding::new(pointer, "bad_address", detail)),
            Ok(address) => match addresses.get(&address) {
                Some(first) => {
                    let detail =
                        format!("{address} is already the agent at {first}; each node has an agent of its own");
                    findings.push(Finding::new(pointer, "duplicate_address", detail));
                }
                None => drop(addresses.insert(address, pointer)),
            },
        }
    }
    nodes.iter().filter_map(|node| node.get("name").and_then(Value::as_str)).collect()
}

/// Without `nodes` the list of nodes can't be read, and nothing is said about references to them.
fn check_group(group: &Value, at: &str, nodes: Option<&BTreeSet<&str>>, findings: &mut Vec<Finding>) {
    if let Some(failover) = group.get("failover").and_then(read::<FailoverBudget>) {
        limits::failover_period(failover.period, format!("{at}/failover/period"), findings);
    }
    let mut names = Seen::new("resource", "this group");
    for (i, resource) in list(group, "resources").iter().enumerate() {
        let at = format!("{at}/resources/{i}");
        names.name(resource, &at, findings);
        if let Some(spec) = read::<ResourceSpec>(resource) {
            limits::resource(&spec, &at, findings);
        }
    }
    if let Some(nodes) = nodes {
        check_owners(group, at, nodes, findings);
    }
}

fn check_owners(group: &Value, at: &str, nodes: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    references(group, "preferred_owners", at, nodes, findings);
    let mut possible: BTreeSet<&str> = nodes.clone();
    let mut all_known = true;
    for (i, resource) in list(group, "resources").iter().enumerate() {
        references(resource, "possible_owners", &format!("{at}/resources/{i}"), nodes, findings);
        let owners: BTreeSet<_> = list(resource, "possible_owners").iter().filter_map(Value::as_str).collect();
        all_known &= owners.is_subset(nodes);
        if !owners.is_empty() {
            possible.retain(|node| owners.contains(node));
        }
    }
    if possible.is_empty() {
        // A mistyped name has its own finding, and a document without nodes is one that is still being written.
        if all_known && !nodes.is_empty() {
            let detail = "no node is a possible owner of every resource of this group; name one that all of them allow";
            findings.push(Finding::new(at, "no_possible_owner", detail));
        }
        return;
    }
    for (i, owner) in list(group, "preferred_owners").iter().enumerate() {
        if let Some(name) = owner.as_str().filter(|name| nodes.contains(name) && !possible.contains(name)) {
            let detail =
                format!("{name:?} is preferred, but no possible owner; add it to possible_owners or remove it here");
            findings.push(Finding::new(format!("{at}/preferred_owners/{i}"), "impossible_owner", detail));
        }
    }
}

/// A list of nodes' names: each is known, and none is there twice.
fn references(object: &Value, field: &str, at: &str, nodes: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for (i, name) in list(object, field).iter().enumerate().filter_map(|(i, name)| Some((i, name.as_str()?))) {
        let pointer = format!("{at}/{field}/{i}");
        if !nodes.contains(name) {
            let known = nodes.iter().copied().collect::<Vec<_>>().join(", ");
            let detail = match nodes.is_empty() {
                true => format!("there is no node {name:?}; the document has no nodes"),
                false => format!("there is no node {name:?}; the nodes are {known}"),
            };
            findings.push(Finding::new(pointer, "dangling_reference", detail));
        } else if !seen.insert(name) {
            let detail = format!("{name:?} is twice in this list; remove one");
            findings.push(Finding::new(pointer, "duplicate_name", detail));
        }
    }
}
