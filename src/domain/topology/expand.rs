//! What does a host become: a resource of its group, or an instance on each of its nodes?

use std::sync::Arc;

use crate::domain::{Dependency, GroupSpec, HostSpec, ResourceClass, ResourceName, ResourceSpec, RunSpec};

/// The group as it runs: the hosts that are clustered in it come after its own resources.
pub fn clustered<'a>(group: &Arc<GroupSpec>, hosts: impl IntoIterator<Item = &'a HostSpec>) -> Arc<GroupSpec> {
    let mut inside = hosts.into_iter().filter(|host| host.clustered_in.as_ref() == Some(&group.name)).peekable();
    if inside.peek().is_none() {
        return Arc::clone(group);
    }
    let names = group.resources.iter().filter(|resource| resource.class() == ResourceClass::NetworkName);
    let network_names: Vec<&ResourceName> = names.map(|resource| &resource.name).collect();
    let inside = inside.filter_map(|host| {
        let mut resource = resource(host)?;
        resource.possible_owners = Some(host.enabled_nodes().cloned().collect());
        resource.depends_on = depends_on(host, &network_names);
        Some(resource)
    });
    let resources = group.resources.iter().cloned().chain(inside).collect();
    Arc::new(GroupSpec { resources, ..GroupSpec::clone(group) })
}

/// What every node with an enabled instance of an unclustered host runs of it; none if nothing says what that is.
pub fn unclustered(host: &HostSpec) -> Option<ResourceSpec> {
    let described = host.clustered_in.is_none() && host.run.is_some();
    described.then_some(()).and_then(|()| resource(host))
}

fn resource(host: &HostSpec) -> Option<ResourceSpec> {
    Some(ResourceSpec {
        // One alphabet for every name.
        name: host.name.as_str().parse().ok()?,
        possible_owners: None,
        class: Some(host.class),
        critical: true,
        depends_on: None,
        restart: host.restart,
        pending_timeout: host.pending_timeout,
        run: host.run.clone().unwrap_or(RunSpec::Unspecified),
    })
}

/// What it says, and the network name of its group.
fn depends_on(host: &HostSpec, network_names: &[&ResourceName]) -> Option<Dependency> {
    let any = match network_names {
        [] => return host.depends_on.clone(),
        [name] => Dependency::Resource((*name).clone()),
        names => Dependency::Any(names.iter().map(|name| Dependency::Resource((*name).clone())).collect()),
    };
    let said = host.depends_on.clone();
    let named = said.as_ref().is_some_and(|said| network_names.iter().any(|name| said.names().contains(name)));
    match said {
        Some(said) if named => Some(said),
        Some(said) => Some(said.and(any)),
        None => Some(any),
    }
}
