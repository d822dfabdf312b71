//! How do rules find their way in a topology? Its objects by name and in order, with what belongs to them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;

use super::Seen;
use crate::domain::{
    CommonDependency, Dependency, GroupName, GroupSpec, GroupWanted, HandlerSpec, HostKind, HostName, HostSpec,
    NodeName, NodeSpec, Priority, ResourceClass, ResourceName, ResourceSpec, ResourceType, Settings, TopologySpec,
    topology,
};

/// The nodes that may own a group.
pub(super) type Owners<'a> = Rc<BTreeSet<&'a NodeName>>;

/// A topology in the order of names, so that no finding depends on the order of a document.
pub(super) struct View<'a> {
    pub topology: &'a TopologySpec,
    pub now: Timestamp,
    pub ground: Ground<'a>,
    pub groups: BTreeMap<&'a GroupName, Group<'a>>,
}

/// What groups stand on: what a rule about one group may look at besides the group. `is_same` compares all that it is made of.
pub(super) struct Ground<'a> {
    pub seen: &'a Seen,
    pub settings: &'a Settings,
    pub common_dependencies: &'a [CommonDependency],
    pub nodes: BTreeMap<&'a NodeName, &'a NodeSpec>,
    pub hosts: BTreeMap<&'a HostName, Host<'a>>,
    /// The fault domains that nodes say.
    pub domains: BTreeSet<&'a str>,
    /// The nodes that have said what they can run, and not this.
    pub lacking: Vec<(ResourceType, Vec<&'a NodeName>)>,
}

/// A group and what belongs to it.
pub(super) struct Group<'a> {
    pub name: &'a GroupName,
    /// Its place in the document.
    pub place: usize,
    /// As it is written, without the hosts that are clustered in it.
    pub written: &'a Arc<GroupSpec>,
    /// As it runs: those hosts are resources.
    pub runs: Arc<GroupSpec>,
    /// Where all of that may run.
    pub owners: Owners<'a>,
    /// Where its written resources may run.
    pub allowed: Owners<'a>,
    /// The hosts that are clustered in it, by name.
    pub hosts: Vec<&'a HostSpec>,
}

/// A host and what belongs to it.
pub(super) struct Host<'a> {
    pub name: &'a HostName,
    pub spec: &'a HostSpec,
    /// Its handlers, by name.
    pub handlers: Vec<&'a HandlerSpec>,
    /// Nodes with an enabled instance.
    pub enabled: BTreeSet<&'a NodeName>,
}

impl<'a> View<'a> {
    pub(super) fn new(wanted: &'a TopologySpec, seen: &'a Seen, now: Timestamp) -> Self {
        let nodes: BTreeMap<_, _> = wanted.nodes.iter().map(|node| (&node.name, node)).collect();
        let everywhere: Owners<'a> = Rc::new(nodes.keys().copied().collect());
        let mut handlers: BTreeMap<&HostName, Vec<&HandlerSpec>> = BTreeMap::new();
        for handler in &wanted.handlers {
            handlers.entry(&handler.host).or_default().push(handler);
        }
        let mut clustered: BTreeMap<&GroupName, Vec<&HostSpec>> = BTreeMap::new();
        let mut hosts = BTreeMap::new();
        for spec in &wanted.hosts {
            let mut handlers = handlers.remove(&spec.name).unwrap_or_default();
            handlers.sort_by(|a, b| a.name.cmp(&b.name));
            hosts
                .insert(&spec.name, Host { name: &spec.name, spec, handlers, enabled: spec.enabled_nodes().collect() });
            if let Some(group) = &spec.clustered_in {
                clustered.entry(group).or_default().push(spec);
            }
        }
        let groups = wanted.groups.iter().enumerate().map(|(place, written)| {
            let mut hosts = clustered.remove(&written.name).unwrap_or_default();
            hosts.sort_by(|a, b| a.name.cmp(&b.name));
            let runs = topology::clustered(written, hosts.iter().copied());
            let owners = owners(&everywhere, &runs);
            let allowed = owners_of_written(&everywhere, &owners, written, &hosts);
            (&written.name, Group { name: &written.name, place, written, runs, owners, allowed, hosts })
        });
        let groups = groups.collect();
        Self { topology: wanted, now, ground: Ground::new(wanted, seen, nodes, hosts), groups }
    }

    /// The group that a host is clustered in.
    pub(super) fn group_of(&self, host: &HostSpec) -> Option<&Group<'a>> {
        self.groups.get(host.clustered_in.as_ref()?)
    }

    /// The hosts that are clustered in a group.
    pub(super) fn clustered(&self) -> impl Iterator<Item = (&Host<'a>, &Group<'a>)> {
        self.ground.hosts.values().filter_map(|host| Some((host, self.group_of(host.spec)?)))
    }

    /// The hosts that run an instance on each of their nodes.
    pub(super) fn unclustered(&self) -> impl Iterator<Item = &Host<'a>> {
        self.ground.hosts.values().filter(|host| host.spec.clustered_in.is_none())
    }
}

impl<'a> Ground<'a> {
    fn new(
        wanted: &'a TopologySpec,
        seen: &'a Seen,
        nodes: BTreeMap<&'a NodeName, &'a NodeSpec>,
        hosts: BTreeMap<&'a HostName, Host<'a>>,
    ) -> Self {
        let lacking = |kind: ResourceType| {
            let says = seen.nodes.iter().filter(|(_, seen)| !seen.drivers.is_empty() && !seen.drivers.contains(&kind));
            (kind, says.map(|(name, _)| name).collect())
        };
        Self {
            seen,
            settings: &wanted.settings,
            common_dependencies: &wanted.common_dependencies,
            domains: nodes.values().filter_map(|node| node.fault_domain.as_deref()).collect(),
            nodes,
            hosts,
            lacking: [ResourceType::Process, ResourceType::Systemd, ResourceType::Ocf].map(lacking).into(),
        }
    }

    /// Whether groups stand on the same in both.
    pub(super) fn is_same(one: (&TopologySpec, &Seen), other: (&TopologySpec, &Seen)) -> bool {
        let ((one, seen_of_one), (other, seen_of_other)) = (one, other);
        seen_of_one == seen_of_other
            && (one.settings, &one.common_dependencies) == (other.settings, &other.common_dependencies)
            && (&one.nodes, &one.hosts, &one.handlers) == (&other.nodes, &other.hosts, &other.handlers)
    }
}

/// Where all resources of a group may run; groups that say nothing of it share one set.
fn owners<'a>(everywhere: &Owners<'a>, group: &GroupSpec) -> Owners<'a> {
    let mut lists = group.resources.iter().filter_map(|resource| resource.possible_owners.as_ref());
    let Some(first) = lists.next() else { return Rc::clone(everywhere) };
    let mut owners: BTreeSet<&NodeName> = first.iter().filter_map(|name| everywhere.get(name).copied()).collect();
    for list in lists {
        owners.retain(|name| list.contains(name));
    }
    Rc::new(owners)
}

fn owners_of_written<'a>(
    everywhere: &Owners<'a>,
    owners_as_it_runs: &Owners<'a>,
    written: &GroupSpec,
    hosts: &[&HostSpec],
) -> Owners<'a> {
    if hosts.is_empty() { Rc::clone(owners_as_it_runs) } else { owners(everywhere, written) }
}

impl Host<'_> {
    /// Whether it is a container of adapter handlers, not a service that is described as a host.
    pub(super) fn is_plain(&self) -> bool {
        self.spec.class == ResourceClass::Host
    }

    pub(super) fn is_isolated(&self) -> bool {
        self.spec.kind == HostKind::Isolated
    }

    /// How a fix that calls for clustering begins. Isolated hosts can't be clustered.
    pub(super) fn clustering(&self) -> String {
        match self.spec.kind {
            HostKind::InProcess => format!("Cluster {}", self.name),
            HostKind::Isolated => "Bind the handlers to an in-process host, and cluster that".to_owned(),
        }
    }
}

impl Group<'_> {
    /// As it runs: its resources of a class.
    pub(super) fn of_class(&self, class: ResourceClass) -> impl Iterator<Item = &ResourceSpec> {
        self.runs.resources.iter().filter(move |resource| resource.class() == class)
    }

    pub(super) fn has(&self, class: ResourceClass) -> bool {
        self.of_class(class).next().is_some()
    }

    /// Whether a container of adapter handlers is clustered in it.
    pub(super) fn has_plain_host(&self) -> bool {
        self.hosts.iter().any(|host| host.class == ResourceClass::Host)
    }

    /// Whether the resource says that it needs one of that class online, by itself or by what it needs.
    pub(super) fn needs(&self, resource: &ResourceName, class: ResourceClass) -> bool {
        self.needs_within(resource, class, self.runs.resources.len())
    }

    /// `steps` ends a circle of dependencies.
    fn needs_within(&self, resource: &ResourceName, class: ResourceClass, steps: usize) -> bool {
        let spec = self.runs.resources.iter().find(|other| other.name == *resource);
        let Some(dependency) = spec.and_then(|spec| spec.depends_on.as_ref()) else { return false };
        steps > 0 && self.implies(dependency, class, steps - 1)
    }

    fn implies(&self, dependency: &Dependency, class: ResourceClass, steps: usize) -> bool {
        match dependency {
            Dependency::Resource(name) => {
                let is = self.runs.resources.iter().any(|other| other.name == *name && other.class() == class);
                is || self.needs_within(name, class, steps)
            }
            Dependency::All(parts) => parts.iter().any(|part| self.implies(part, class, steps)),
            Dependency::Any(parts) => !parts.is_empty() && parts.iter().all(|part| self.implies(part, class, steps)),
        }
    }

    /// Whether Locum starts it by itself.
    pub(super) fn starts_by_itself(&self) -> bool {
        self.written.priority != Priority::NoAutoStart && self.is_wanted()
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.written.wanted != Some(GroupWanted::Offline)
    }
}
