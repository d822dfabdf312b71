//! Who needs an object, so that it can't be deleted?

use std::sync::Arc;

use serde_json::Value;

use super::kinds::{GROUP, HOST, NODE, One, RESOURCE};
use crate::api::problem::ApiError;
use crate::domain::{GroupSpec, HostSpec, ResourceSpec, TopologySpec};

/// Refuses to delete what others in `spec` refer to, and names them all. `object` is what is deleted.
pub fn refuse_if_needed(spec: &TopologySpec, one: One<'_>, object: &Value) -> Result<(), ApiError> {
    let kind = one.list.kind;
    let reasons = match (kind, one.list.of) {
        (kind, _) if *kind == NODE => of_node(spec, one.name),
        (kind, _) if *kind == GROUP => of_group(spec, one.name),
        (kind, Some((_, group))) if *kind == RESOURCE => of_resource(spec, group, one.name),
        (kind, _) if *kind == HOST => of_host(spec, one.name, object),
        _ => Vec::new(),
    };
    if reasons.is_empty() {
        return Ok(());
    }
    Err(ApiError::refused(format!("{} can't be deleted: {}. Change that first.", one.words(), reasons.join("; "))))
}

fn of_node(spec: &TopologySpec, name: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    for group in &spec.groups {
        if group.preferred_owners.iter().any(|owner| owner.as_str() == name) {
            reasons.push(format!("group {} prefers it as an owner", group.name));
        }
        let names =
            |resource: &&ResourceSpec| resource.possible_owners.iter().flatten().any(|owner| owner.as_str() == name);
        for resource in group.resources.iter().filter(names) {
            reasons.push(format!("resource {} of group {} names it as a possible owner", resource.name, group.name));
        }
    }
    let mapped = |host: &&HostSpec| host.instances.iter().any(|instance| instance.node.as_str() == name);
    reasons.extend(spec.hosts.iter().filter(mapped).map(|host| format!("host {} has an instance on it", host.name)));
    reasons
}

fn of_group(spec: &TopologySpec, name: &str) -> Vec<String> {
    let clustered = spec.hosts.iter().filter(|host| host.clustered_in.as_ref().is_some_and(|g| g.as_str() == name));
    let mut reasons: Vec<_> = clustered.map(|host| format!("host {} is clustered in it", host.name)).collect();
    let needs = |group: &&Arc<GroupSpec>| group.depends_on.iter().any(|other| other.as_str() == name);
    reasons.extend(spec.groups.iter().filter(needs).map(|group| format!("group {} depends on it", group.name)));
    reasons.extend(watched(spec, name, None));
    reasons
}

fn of_resource(spec: &TopologySpec, group: &str, name: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    let own = spec.groups.iter().filter(|spec| spec.name.as_str() == group).flat_map(|group| &group.resources);
    let needs = |needed: &Option<crate::domain::Dependency>| {
        needed.as_ref().is_some_and(|needed| needed.names().iter().any(|other| other.as_str() == name))
    };
    let dependent = own.filter(|resource| needs(&resource.depends_on));
    reasons.extend(dependent.map(|resource| format!("resource {} depends on it", resource.name)));
    let inside = spec.hosts.iter().filter(|host| host.clustered_in.as_ref().is_some_and(|g| g.as_str() == group));
    let dependent = inside.filter(|host| needs(&host.depends_on));
    reasons.extend(dependent.map(|host| format!("host {} depends on it", host.name)));
    reasons.extend(watched(spec, group, Some(name)));
    reasons
}

/// Common dependencies that are known by a resource of this group, or by this one.
fn watched(spec: &TopologySpec, group: &str, resource: Option<&str>) -> Vec<String> {
    let by = spec.common_dependencies.iter().filter(|dependency| {
        let watched = dependency.resource.as_ref();
        watched.is_some_and(|it| it.group.as_str() == group && resource.is_none_or(|name| it.name.as_str() == name))
    });
    by.map(|dependency| format!("common dependency {} is known by it", dependency.name)).collect()
}

fn of_host(spec: &TopologySpec, name: &str, object: &Value) -> Vec<String> {
    let bound = spec.handlers.iter().filter(|handler| handler.host.as_str() == name);
    let mut reasons: Vec<_> = bound.map(|handler| format!("handler {} runs in it", handler.name)).collect();
    // One that can't be read was never stored: nobody needs it.
    let Ok(host) = serde_json::from_value::<HostSpec>(object.clone()) else { return reasons };
    if let Some(group) = &host.clustered_in {
        reasons.push(format!("it is clustered in group {group}"));
    }
    if host.is_default {
        reasons.push("it is the default host".to_owned());
    }
    if host.tracking && !spec.hosts.iter().any(|other| other.tracking && other.name != host.name) {
        reasons.push("it is the only host that tracks".to_owned());
    }
    reasons
}
