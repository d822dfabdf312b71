//! Are common dependencies and waivers about something, and does what people write say something?

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::{Seen, dangling};
use super::{Parts, list, not_blank, text};
use crate::domain::Finding;

/// The kinds of objects that findings name.
const OBJECTS: [&str; 5] = ["nodes", "groups", "hosts", "handlers", "common_dependencies"];

pub(super) fn check(document: &Value, parts: &Parts<'_>, findings: &mut Vec<Finding>) {
    maintenance(document, "", findings);
    for field in ["nodes", "groups"] {
        for (i, object) in list(document, field).iter().enumerate() {
            maintenance(object, &format!("/{field}/{i}"), findings);
        }
    }
    let mut names = Seen::new("common dependency", "this document");
    for (i, dependency) in list(document, "common_dependencies").iter().enumerate() {
        let at = format!("/common_dependencies/{i}");
        names.name(dependency, &at, findings);
        if let Some(resource) = dependency.get("resource") {
            place(resource, &format!("{at}/resource"), parts, findings);
        }
        if let Some(down) = dependency.get("down") {
            words(down, ["owner", "reason"], &format!("{at}/down"), findings);
        }
    }
    waivers(document, findings);
}

fn words(object: &Value, fields: [&str; 2], at: &str, findings: &mut Vec<Finding>) {
    for field in fields {
        not_blank(object, field, at, findings);
    }
}

fn maintenance(object: &Value, at: &str, findings: &mut Vec<Finding>) {
    if let Some(maintenance) = object.get("maintenance") {
        words(maintenance, ["owner", "reason"], &format!("{at}/maintenance"), findings);
    }
}

/// A resource of a group, or a host that is clustered in it.
fn place(resource: &Value, at: &str, parts: &Parts<'_>, findings: &mut Vec<Finding>) {
    let Some(group) = text(resource, "group") else { return };
    parts.groups.refer(group, format!("{at}/group"), findings);
    let Some((inside, wanted)) = parts.inside.get(group).zip(text(resource, "name")) else { return };
    let known = inside.names();
    if inside.is_whole && !known.contains(wanted) {
        let detail = dangling("resource", wanted, &known, &format!("the group {group:?}"));
        findings.push(Finding::new(format!("{at}/name"), "dangling_reference", detail));
    }
}

/// Each is of something, and no two are of the same.
fn waivers(document: &Value, findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for (i, waiver) in list(document, "waivers").iter().enumerate() {
        let at = format!("/waivers/{i}");
        words(waiver, ["actor", "reason"], &at, findings);
        let object = text(waiver, "object");
        if let Some(object) = object.filter(|object| !is_object(object)) {
            let detail = format!(
                "{object:?} is not an object of findings; write it as they do, like \"hosts/FtpReceive\", \
                 \"groups/ftp/resources/ip\" or \"cluster\""
            );
            findings.push(Finding::new(format!("{at}/object"), "bad_object", detail));
        }
        let Some(rule) = text(waiver, "rule") else { continue };
        if let Some(before) = first.get(&(rule, object)) {
            let detail = format!("/waivers/{before} waives {rule} for the same already; keep one of them");
            findings.push(Finding::new(at, "duplicate_waiver", detail));
        } else {
            first.insert((rule, object), i);
        }
    }
}

fn is_object(text: &str) -> bool {
    let steps: Vec<&str> = text.split('/').collect();
    let named = steps.iter().all(|step| !step.is_empty());
    match steps.as_slice() {
        ["cluster"] => true,
        [kind, _] => named && OBJECTS.contains(kind),
        ["groups", _, "resources", _] => named,
        _ => false,
    }
}
