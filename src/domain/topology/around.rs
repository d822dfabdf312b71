//! What must be looked at again when one group changes, and nothing else?
//!
//! In a document that keeps the rules, a change of one group can break only rules about what it names and what names it. So
//! these are written out around it, and the rest is left away: of a hundred groups, the rules then look at one. What it names for
//! the first time is not there; then the whole is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{TopologySpec, rules, shape, whole_numbers};
use crate::domain::{GroupName, GroupSpec};

/// A document in which one group is written whole, as the first of its groups. None if there is no such group.
pub fn around(spec: &TopologySpec, group: &GroupName) -> Option<Value> {
    let whole = spec.groups.iter().find(|one| one.name == *group)?;
    let needed = whole.depends_on.iter();
    let common = spec.common_dependencies.iter().filter_map(|one| Some(&one.resource.as_ref()?.group));
    let others: BTreeSet<&GroupName> = needed.chain(common).filter(|name| *name != group).collect();
    // Resources that are no list are not known, so nothing is said of them. Nor is what others wait for: a circle that was not
    // there goes through something that this group did not need before.
    let others = others.into_iter().map(|name| json!({ "name": name, "resources": null }));
    let groups: Vec<Value> = [serde_json::to_value(whole).ok()?].into_iter().chain(others).collect();
    let hosts = spec.hosts.iter().filter(|host| host.clustered_in.as_ref() == Some(group));
    Some(json!({
        "cluster": spec.cluster,
        "nodes": spec.nodes.iter().map(|node| json!({ "name": node.name })).collect::<Vec<_>>(),
        "groups": groups,
        "hosts": hosts.map(serde_json::to_value).collect::<Result<Vec<_>, _>>().ok()?,
        "common_dependencies": spec.common_dependencies,
    }))
}

/// The topology with the group as it is written now in a document that `around` made. None if anything is wrong with it, which
/// `parse` of the whole tells.
pub fn with_group(spec: &TopologySpec, group: &GroupName, document: &Value) -> Option<TopologySpec> {
    let index = spec.groups.iter().position(|one| one.name == *group)?;
    let written = whole_numbers(document.get("groups")?.get(0)?.clone());
    let mut findings = shape::check_group(&written);
    rules::check(document, &mut findings);
    if !findings.is_empty() {
        return None;
    }
    let mut changed = spec.clone();
    let mut written: GroupSpec = serde_json::from_value(written).ok()?;
    let place = &mut changed.groups[index];
    if written.resources == place.resources {
        // One list for all who hold it.
        written.resources.clone_from(&place.resources);
    }
    if written != **place {
        *place = Arc::new(written);
    }
    (place.name == *group).then_some(changed)
}
