//! What must be looked at again when one group changes, and nothing else?
//!
//! In a document that keeps the rules, a change of one group can break only rules about what it names and what names it. So
//! these are written out around it, and the rest is left away: of a hundred groups, the rules then look at one.

use serde_json::{Map, Value, json};

use super::{TopologySpec, rules, shape, whole_numbers};
use crate::domain::{GroupName, GroupSpec};

/// A document in which one group is written whole, at its place among the others. None if there is no such group.
pub fn around(spec: &TopologySpec, group: &GroupName) -> Option<Value> {
    let whole = spec.groups.iter().find(|one| one.name == *group)?;
    let whole = serde_json::to_value(whole).ok()?;
    let others = |one: &GroupSpec| {
        if one.name == *group { whole.clone() } else { named(one) }
    };
    let hosts = spec.hosts.iter().filter(|host| host.clustered_in.as_ref() == Some(group));
    Some(json!({
        "cluster": spec.cluster,
        "nodes": spec.nodes.iter().map(|node| json!({ "name": node.name })).collect::<Vec<_>>(),
        "groups": spec.groups.iter().map(others).collect::<Vec<_>>(),
        "hosts": hosts.map(serde_json::to_value).collect::<Result<Vec<_>, _>>().ok()?,
        "common_dependencies": spec.common_dependencies,
    }))
}

/// Another group: its name, and what it waits for, since that may go round in a circle. Resources that are no list are not
/// known, so nothing is said of them.
fn named(group: &GroupSpec) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), Value::from(group.name.as_str()));
    if !group.depends_on.is_empty() {
        let names = group.depends_on.iter().map(|name| Value::from(name.as_str()));
        fields.insert("depends_on".to_owned(), names.collect());
    }
    fields.insert("resources".to_owned(), Value::Null);
    Value::Object(fields)
}

/// The topology with the group as it is written now in a document that `around` made. None if anything is wrong with it, which
/// `parse` of the whole tells.
pub fn with_group(spec: &TopologySpec, group: &GroupName, document: &Value) -> Option<TopologySpec> {
    let index = spec.groups.iter().position(|one| one.name == *group)?;
    let written = whole_numbers(document.get("groups")?.get(index)?.clone());
    let mut findings = shape::check_group(&written);
    rules::check(document, &mut findings);
    if !findings.is_empty() {
        return None;
    }
    let mut changed = spec.clone();
    changed.groups[index] = serde_json::from_value(written).ok()?;
    (changed.groups[index].name == *group).then_some(changed)
}
