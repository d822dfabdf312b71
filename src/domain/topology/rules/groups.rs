//! Does each group run something, somewhere, and wait for nothing in a circle?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::circles::circles;
use super::names::{Seen, twice};
use super::{Parts, inside, limits, list, name, owners, read, text};
use crate::domain::name::check_name;
use crate::domain::{FailoverBudget, Finding};

pub(super) fn check(document: &Value, parts: &Parts<'_>, findings: &mut Vec<Finding>) {
    let groups = list(document, "groups");
    let mut names = Seen::new("group", "this document");
    for (i, group) in groups.iter().enumerate() {
        let at = format!("/groups/{i}");
        names.name(group, &at, findings);
        if let Some(failover) = group.get("failover").and_then(read::<FailoverBudget>) {
            limits::failover_period(failover.period, format!("{at}/failover/period"), findings);
        }
        if let Some(failback) = group.get("failback") {
            check_failback(failback, &format!("{at}/failback"), findings);
        }
        check_classes(group, &at, findings);
        parts.groups.refer_all(group, "depends_on", &at, findings);
        parts.common_dependencies.refer_all(group, "common_dependencies", &at, findings);
        // Of two groups with one name, hosts belong to the first.
        let inside = name(group).and_then(|name| parts.inside.get(name)).filter(|one| std::ptr::eq(one.group, group));
        let hosts = inside.map_or(&[][..], |inside| &inside.hosts);
        inside::check(group, &at, hosts, findings);
        owners::check(group, &at, hosts, &parts.nodes, findings);
        let empty =
            inside.is_some_and(|one| one.is_whole && one.names().is_empty() && list(group, "resources").is_empty());
        if empty {
            let detail = "a group needs at least one resource or one host that is clustered in it; remove the group if it \
                          runs nothing";
            findings.push(Finding::new(format!("{at}/resources"), "empty_list", detail));
        }
    }
    check_circles(groups, findings);
    check_own_dependencies(document, findings);
}

/// Windows have two hours, others none.
fn check_failback(failback: &Value, at: &str, findings: &mut Vec<Finding>) {
    let hour = |field| failback.get(field).and_then(Value::as_u64);
    let mut add = |field: &str, code: &str, detail: String| {
        findings.push(Finding::new(format!("{at}/{field}"), code, detail));
    };
    if let Some(zone) = text(failback, "time_zone").filter(|zone| !limits::is_time_zone(zone)) {
        add(
            "time_zone",
            "unknown_time_zone",
            format!("{zone:?} is not a time zone; write its IANA name, like \"Europe/Berlin\" or \"UTC\""),
        );
    }
    match failback.get("policy").map_or(Some("never"), Value::as_str) {
        Some("window") => {
            let absent = ["start", "end"].into_iter().filter(|field| failback.get(field).is_none());
            for field in absent {
                let word = if field == "start" { "begins" } else { "ends" };
                let detail = format!("a window needs `{field}`, the hour of the day in which it {word}: 0 to 23");
                add(field, "missing_field", detail);
            }
            if let Some(hour) = hour("start").filter(|start| hour("end") == Some(*start)) {
                let detail = format!(
                    "a window from {hour} to {hour} is no time at all; choose another hour, or `policy: immediate` for the \
                     whole day"
                );
                add("end", "out_of_range", detail);
            }
        }
        Some(policy @ ("never" | "immediate")) => {
            for field in ["start", "end", "time_zone"].into_iter().filter(|field| failback.get(field).is_some()) {
                let detail =
                    format!("`{field}` has no effect with `policy: {policy}`; write `policy: window`, or remove it");
                add(field, "no_effect", detail);
            }
        }
        _ => {}
    }
}

/// Anti-affinity classes are names, and each is there once.
fn check_classes(group: &Value, at: &str, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    let classes = list(group, "anti_affinity").iter().enumerate();
    for (i, class) in classes.filter_map(|(i, class)| Some((i, class.as_str()?))) {
        let pointer = format!("{at}/anti_affinity/{i}");
        if let Err(reason) = check_name(class) {
            findings.push(Finding::new(pointer, "bad_name", format!("{class:?} is not a name: {reason}")));
        } else if !seen.insert(class) {
            findings.push(Finding::new(pointer, "duplicate_name", twice(class)));
        }
    }
}

/// Groups that wait for each other.
fn check_circles(groups: &[Value], findings: &mut Vec<Finding>) {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, group) in groups.iter().enumerate() {
        if let Some(name) = name(group) {
            places.entry(name).or_insert(i);
        }
    }
    let needs = |group: &Value| -> Vec<Option<usize>> {
        list(group, "depends_on").iter().map(|name| places.get(name.as_str()?).copied()).collect()
    };
    let all: Vec<Vec<usize>> = groups.iter().map(|group| needs(group).into_iter().flatten().collect()).collect();
    let mut add = |from: usize, to: usize, detail: String| {
        if let Some(at) = needs(&groups[from]).iter().position(|needed| *needed == Some(to)) {
            let pointer = format!("/groups/{from}/depends_on/{at}");
            findings.push(Finding::new(pointer, "circular_dependency", detail));
        }
    };
    let called = |i: usize| name(&groups[i]).unwrap_or_default();
    for (i, _) in all.iter().enumerate().filter(|(i, needed)| needed.contains(i)) {
        add(i, i, format!("the group {:?} depends on itself; remove it here", called(i)));
    }
    for circle in circles(&all) {
        let [first, second, ..] = circle.as_slice() else { continue };
        let names: Vec<&str> = circle.iter().chain([first]).map(|i| called(*i)).collect();
        let detail = format!(
            "none of these groups can start, because each waits for the next: {}; take one of them out",
            names.join(", ")
        );
        add(*first, *second, detail);
    }
}

/// A group whose own resource is a common dependency would never fail over when that fails.
fn check_own_dependencies(document: &Value, findings: &mut Vec<Finding>) {
    let homes: BTreeMap<&str, &str> = list(document, "common_dependencies")
        .iter()
        .filter_map(|dependency| Some((name(dependency)?, text(dependency.get("resource")?, "group")?)))
        .collect();
    for (i, group) in list(document, "groups").iter().enumerate() {
        for (j, dependency) in list(group, "common_dependencies").iter().enumerate() {
            let Some(dependency) = dependency.as_str() else { continue };
            if name(group).is_some_and(|name| homes.get(dependency) == Some(&name)) {
                let detail = format!(
                    "{dependency:?} is a resource of this very group: while it is down, the failover that would bring it back \
                     would be held; remove it here"
                );
                let pointer = format!("/groups/{i}/common_dependencies/{j}");
                findings.push(Finding::new(pointer, "circular_dependency", detail));
            }
        }
    }
}
