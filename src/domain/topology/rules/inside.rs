//! What is in a group as it runs, its own resources and the hosts that are clustered in it, and does it start?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::circles::circles;
use super::names::{Seen, dangling};
use super::{limits, list, name, read};
use crate::domain::{Dependency, Finding, HumanDuration, ResourceClass, RestartPolicy, RunSpec};

/// The fields of a resource that don't belong to its type.
const COMMON: [&str; 7] = ["name", "possible_owners", "class", "critical", "depends_on", "restart", "pending_timeout"];

/// A group as it runs.
pub(super) struct Inside<'a> {
    pub group: &'a Value,
    /// The hosts that are clustered in it, with their pointers.
    pub hosts: Vec<(String, &'a Value)>,
    /// Whether nothing is missing for want of a list that can be read or of a host's group that is known.
    pub is_whole: bool,
}

/// Every group by its name.
pub(super) fn all(document: &Value) -> BTreeMap<&str, Inside<'_>> {
    let hosts_readable = document.get("hosts").is_none_or(Value::is_array);
    let mut all: BTreeMap<&str, Inside<'_>> = BTreeMap::new();
    for group in list(document, "groups") {
        let is_whole = hosts_readable && group.get("resources").is_none_or(Value::is_array);
        if let Some(name) = name(group) {
            all.entry(name).or_insert(Inside { group, hosts: Vec::new(), is_whole });
        }
    }
    let mut homeless = false;
    for (i, host) in list(document, "hosts").iter().enumerate() {
        let Some(group) = host.get("clustered_in") else { continue };
        match group.as_str().and_then(|group| all.get_mut(group)) {
            Some(inside) => inside.hosts.push((format!("/hosts/{i}"), host)),
            // It may be the one that is missing anywhere, and has its own finding.
            None => homeless = true,
        }
    }
    all.values_mut().for_each(|inside| inside.is_whole &= !homeless);
    all
}

impl<'a> Inside<'a> {
    /// The names of all that runs in it.
    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        let resources = list(self.group, "resources").iter();
        resources.chain(self.hosts.iter().map(|(_, host)| *host)).filter_map(name).collect()
    }
}

/// The resources of a group by themselves and among each other. `hosts`: those that are clustered in it.
pub(super) fn check(group: &Value, at: &str, hosts: &[(String, &Value)], findings: &mut Vec<Finding>) {
    let mut names = Seen::new("resource", "this group");
    let mut members = Vec::new();
    for (i, resource) in list(group, "resources").iter().enumerate() {
        let at = format!("{at}/resources/{i}");
        names.name(resource, &at, findings);
        let run = run_of(resource);
        timing(resource, &at, findings);
        if let Some(run) = &run {
            limits::run(run, &at, findings);
        }
        members.extend(Member::new(resource, at, run.as_ref()));
    }
    let own = members.len();
    for (pointer, host) in hosts {
        let taken = name(host).filter(|name| members[..own].iter().any(|member| member.name == *name));
        if let Some(taken) = taken {
            let group = name(group).unwrap_or_default();
            let detail = format!(
                "the group {group:?} that it is clustered in has a resource {taken:?}; choose another name for one of them"
            );
            findings.push(Finding::new(format!("{pointer}/name"), "duplicate_name", detail));
        }
        members.extend(Member::new(host, pointer.clone(), None));
    }
    dependencies(&members, own, findings);
}

/// Restarts and waiting, of a resource or a host.
pub(super) fn timing(object: &Value, at: &str, findings: &mut Vec<Finding>) {
    if let Some(restart) = object.get("restart").and_then(read::<RestartPolicy>) {
        limits::restart(&restart, at, findings);
    }
    if let Some(timeout) = object.get("pending_timeout").and_then(read::<HumanDuration>) {
        limits::pending_timeout(timeout, at, findings);
    }
}

/// What a resource runs, whatever is wrong with its other fields.
fn run_of(resource: &Value) -> Option<RunSpec> {
    let fields = resource.as_object()?.iter().filter(|(field, _)| !COMMON.contains(&field.as_str()));
    read(&Value::Object(fields.map(|(field, value)| (field.clone(), value.clone())).collect()))
}

/// A resource of a group as it runs.
struct Member<'a> {
    name: &'a str,
    at: String,
    depends_on: Option<Dependency>,
    is_network_name: bool,
}

impl<'a> Member<'a> {
    fn new(object: &'a Value, at: String, run: Option<&RunSpec>) -> Option<Self> {
        let class = object.get("class").and_then(read::<ResourceClass>).or_else(|| Some(run?.class()));
        Some(Self {
            name: name(object)?,
            at,
            depends_on: object.get("depends_on").and_then(read),
            is_network_name: class == Some(ResourceClass::NetworkName),
        })
    }
}

/// What they depend on is there, and nothing waits for itself. After `own` come the hosts, which need the group's network
/// name as well.
fn dependencies(members: &[Member<'_>], own: usize, findings: &mut Vec<Finding>) {
    let places: BTreeMap<&str, usize> = members.iter().enumerate().rev().map(|(i, member)| (member.name, i)).collect();
    let known: BTreeSet<&str> = places.keys().copied().collect();
    let network_names: Vec<usize> = (0..own).filter(|i| members[*i].is_network_name).collect();
    let mut needs: Vec<Vec<usize>> = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let pointer = || format!("{}/depends_on", member.at);
        let names = member.depends_on.as_ref().map(Dependency::names).unwrap_or_default();
        let mut needed: Vec<usize> = names.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
        for name in names.iter().filter(|name| !places.contains_key(name.as_str())) {
            let detail = dangling("resource", name.as_str(), &known, "this group");
            findings.push(Finding::new(pointer(), "dangling_reference", detail));
        }
        if names.iter().any(|name| name.as_str() == member.name) {
            let detail = format!("{:?} depends on itself; remove it here", member.name);
            findings.push(Finding::new(pointer(), "circular_dependency", detail));
        }
        if i >= own {
            needed.extend(&network_names);
        }
        needs.push(needed);
    }
    for circle in circles(&needs) {
        let [first, ..] = circle.as_slice() else { continue };
        let names: Vec<&str> = circle.iter().chain([first]).map(|i| members[*i].name).collect();
        let host =
            if circle.iter().any(|i| *i >= own) { " (a clustered host needs its group's network name)" } else { "" };
        let detail = format!(
            "none of these can start, because each waits for the next: {}{host}; take one of them out",
            names.join(", ")
        );
        findings.push(Finding::new(format!("{}/depends_on", members[*first].at), "circular_dependency", detail));
    }
}
