//! What does a topology document look like, and is this one right?

mod around;
mod expand;
mod limits;
mod rules;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    ClusterName, CommonDependency, Finding, GroupSpec, HandlerSpec, HostSpec, Maintenance, NodeSpec, Policy, Settings,
    Waiver,
};

pub use around::{around, with_group};
pub use expand::{clustered, unclustered};

/// A cluster's desired state as one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopologySpec {
    pub cluster: ClusterName,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    pub nodes: Vec<NodeSpec>,
    // Each is one value for all who hold it: most changes leave most groups alone.
    #[serde(default)]
    #[schema(value_type = Vec<GroupSpec>)]
    pub groups: Vec<Arc<GroupSpec>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handlers: Vec<HandlerSpec>,
    #[serde(default)]
    pub policy: Policy,
    /// What several groups need that no failover can bring back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub common_dependencies: Vec<CommonDependency>,
    /// Findings that somebody takes upon himself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// Of the whole cluster. Absent keeps the present value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maintenance: Option<Maintenance>,
}

impl TopologySpec {
    /// The same with the operator's state where it is absent: as stored, else that of a new one.
    #[must_use]
    pub fn with_operator_state(self, stored: Option<&Self>) -> Self {
        let mut merged = self;
        merged.maintenance = merged.maintenance.or_else(|| stored?.maintenance.clone());
        let nodes: BTreeMap<_, _> = stored.into_iter().flat_map(|s| &s.nodes).map(|node| (&node.name, node)).collect();
        for node in &mut merged.nodes {
            let kept = nodes.get(&node.name);
            node.wanted = Some(node.wanted.or_else(|| kept?.wanted).unwrap_or_default());
            node.maintenance = node.maintenance.take().or_else(|| kept?.maintenance.clone());
        }
        let groups: BTreeMap<_, _> =
            stored.into_iter().flat_map(|s| &s.groups).map(|group| (&group.name, group)).collect();
        for group in &mut merged.groups {
            let kept = groups.get(&group.name);
            let wanted = group.wanted.or_else(|| kept?.wanted).unwrap_or_default();
            let maintenance = kept.and_then(|kept| kept.maintenance.as_ref()).filter(|_| group.maintenance.is_none());
            if group.wanted != Some(wanted) || maintenance.is_some() {
                let group = Arc::make_mut(group);
                group.wanted = Some(wanted);
                group.maintenance = group.maintenance.take().or_else(|| maintenance.cloned());
            }
        }
        for dependency in &mut merged.common_dependencies {
            let kept = stored.into_iter().flat_map(|s| &s.common_dependencies).find(|d| d.name == dependency.name);
            dependency.down = dependency.down.take().or_else(|| kept?.down.clone());
        }
        merged
    }

    /// Whether it says of every node and group what is wanted.
    pub fn says_what_is_wanted(&self) -> bool {
        self.nodes.iter().all(|node| node.wanted.is_some()) && self.groups.iter().all(|group| group.wanted.is_some())
    }

    /// The groups as they run: with the hosts that are clustered in them as resources.
    pub fn effective_groups(&self) -> impl Iterator<Item = Arc<GroupSpec>> {
        self.groups.iter().map(|group| clustered(group, &self.hosts))
    }
}

/// Reads a topology document, or says everything that is wrong with it: shape and rules in one answer, in the order of
/// the pointers, one finding for each place and kind of mistake.
pub fn parse(document: &Value) -> Result<TopologySpec, Vec<Finding>> {
    let document = whole_numbers(document.clone());
    let mut findings = shape::check(&document);
    rules::check(&document, &mut findings);
    findings.sort();
    findings.dedup_by(|a, b| a.pointer == b.pointer && a.code == b.code);
    if !findings.is_empty() {
        return Err(findings);
    }
    serde_json::from_value(document)
        .map_err(|error| vec![Finding::new("", "wrong_type", format!("the document can't be read: {error}"))])
}

/// JSON does not tell 1 from 1.0, serde does: writes whole floats as integers.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[allow(clippy::cast_possible_truncation)] // within 2^53, where every whole float is an exact integer
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, whole_numbers(value))).collect(),
        other => other,
    }
}

/// One step of a JSON pointer, escaped as RFC 6901 has it.
fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
