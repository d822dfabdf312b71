//! Does the document keep the rules that its shape can't say? Names, references, owners, timers.
//!
//! Each part is read by itself, so that a mistake in one hides none in another.

mod circles;
mod groups;
mod hosts;
mod inside;
mod names;
mod nodes;
mod notes;
mod owners;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limits;
use crate::domain::{Brake, Finding, HumanDuration, Quarantine, Settings};
use names::Names;

/// Every finding that rules make; parts whose shape is wrong are left to the shape's findings.
pub(super) fn check(document: &Value, findings: &mut Vec<Finding>) {
    if let Some(settings) = document.get("settings").and_then(read::<Settings>) {
        limits::settings(&settings, findings);
    }
    if let Some(policy) = document.get("policy") {
        let quarantine = policy.get("quarantine").and_then(read::<Quarantine>);
        let brake = policy.get("brake").and_then(read::<Brake>);
        let retention = policy.get("retention").and_then(read::<HumanDuration>);
        limits::policy(quarantine, brake, retention, findings);
    }
    let parts = Parts::of(document);
    nodes::check(document, findings);
    groups::check(document, &parts, findings);
    hosts::check(document, &parts, findings);
    notes::check(document, &parts, findings);
}

/// What the parts of a document need to know of each other.
struct Parts<'a> {
    nodes: Names<'a>,
    groups: Names<'a>,
    hosts: Names<'a>,
    common_dependencies: Names<'a>,
    /// Each group as it runs, by its name; of two with one name the first.
    inside: BTreeMap<&'a str, inside::Inside<'a>>,
}

impl<'a> Parts<'a> {
    fn of(document: &'a Value) -> Self {
        Self {
            nodes: Names::of(document, "nodes", "node"),
            groups: Names::of(document, "groups", "group"),
            hosts: Names::of(document, "hosts", "host"),
            common_dependencies: Names::of(document, "common_dependencies", "common dependency"),
            inside: inside::all(document),
        }
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn name(value: &Value) -> Option<&str> {
    text(value, "name")
}

/// A text that a person must write: blanks are none. The empty text is the shape's to find, where it has a least length.
fn not_blank(value: &Value, field: &str, at: &str, findings: &mut Vec<Finding>) {
    if text(value, field).is_some_and(|text| text.trim().is_empty()) {
        findings.push(Finding::new(format!("{at}/{field}"), "out_of_range", "this text must not be empty"));
    }
}
