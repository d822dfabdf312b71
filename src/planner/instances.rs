//! Where may a host still run as what it no longer is: as an instance, or in another group?
//!
//! A host that is clustered leaves instances behind that no lease bounds; one that leaves its group is still in it until
//! the owner has let go. What a node was told earlier is remembered in its stored assignment until the node says that it
//! is over, and until then the host begins nowhere as what it is now.

use std::collections::BTreeSet;
use std::rc::Rc;

use foldhash::{HashMap, HashMapExt};

use super::snapshot::{GroupView, NodeView, SeenResource, Snapshot};
use crate::domain::topology;
use crate::domain::{
    GroupName, HostName, Leaving, NodeName, NodeState, Ran, ResourceClass, ResourceList, ResourceName, ResourceSpec,
};

/// Everything that may still run and shall not.
pub(super) struct Leavers<'a> {
    snapshot: &'a Snapshot,
    owners: Owners<'a>,
    /// The unclustered hosts that are mapped to each node, in the order of their names, and what they run there.
    mapped: HashMap<&'a NodeName, Vec<(&'a HostName, Rc<ResourceSpec>)>>,
    list: Vec<Leaver<'a>>,
    /// Unclustered hosts that a node which answers has not ended yet where they are no longer mapped to.
    ending: BTreeSet<HostName>,
}

/// The node that each group is assigned to.
pub(super) type Owners<'a> = HashMap<&'a GroupName, (&'a NodeName, &'a GroupView)>;

struct Leaver<'a> {
    node: &'a NodeName,
    view: &'a NodeView,
    what: Leaving,
    /// The node says that it runs, rather than that it has not said that it stopped.
    seen: bool,
}

impl<'a> Leavers<'a> {
    /// By what is stored and seen.
    pub fn stored(snapshot: &'a Snapshot) -> Self {
        let held = |(group, view): (&'a GroupName, &'a GroupView)| Some((group, (view.placement.assigned_to()?, view)));
        Self::of(snapshot, snapshot.groups.iter().filter_map(held).collect())
    }

    /// By what is stored and seen, if the groups are assigned to these nodes.
    pub fn of(snapshot: &'a Snapshot, owners: Owners<'a>) -> Self {
        let (mapped, ending) = (mapped(snapshot), BTreeSet::new());
        let mut leavers = Self { snapshot, owners, mapped, list: Vec::new(), ending };
        leavers.ending = leavers.ending_instances();
        for (node, view) in &snapshot.nodes {
            leavers.clustered(node, view);
        }
        // After all clustered ones: those decide which instances are told to run.
        for (node, view) in &snapshot.nodes {
            leavers.instances(node, view);
        }
        leavers
    }

    /// Whether all that may run is what shall run, which is the rule.
    pub fn are_none(&self) -> bool {
        self.list.is_empty()
    }

    /// What is to run of `group` on `node`.
    fn own(&self, node: &NodeName, group: &GroupName) -> Option<&'a ResourceList> {
        let (owner, view) = self.owners.get(group)?;
        (*owner == node && !view.retired).then_some(&view.spec.resources)
    }

    fn is_host(&self, resource: &ResourceName) -> Option<HostName> {
        self.snapshot.hosts.get_key_value(resource.as_str()).map(|(name, _)| name.clone())
    }

    /// With the node's lease they are over.
    fn clustered(&mut self, node: &'a NodeName, view: &'a NodeView) {
        if view.seen.state == NodeState::Down {
            return;
        }
        let mut found = Found::default();
        for (group, seen) in view.seen.groups.iter().filter(|_| !self.snapshot.hosts.is_empty()) {
            let own = self.own(node, group);
            let alive = seen.resources.iter().filter(|resource| resource.may_be_alive());
            let hosts = alive.filter_map(|resource| self.is_host(&resource.name));
            found.seen.extend(hosts.filter(|host| !has(own, host)));
        }
        for assigned in &view.assignment.groups {
            let own = self.own(node, &assigned.group);
            if own.is_some_and(|own| own.is_same(&assigned.resources)) {
                continue; // the rule, and quickly found out
            }
            let hosts = assigned.resources.iter().filter_map(|resource| match self.is_host(&resource.name) {
                Some(host) => Some(host),
                // A host that was removed is known by its class only.
                None => (resource.class() == ResourceClass::Host).then(|| resource.name.as_str().parse().ok())?,
            });
            found.told.extend(hosts.filter(|host| !has(own, host)));
        }
        self.add((node, view), Ran::Clustered, found);
    }

    fn instances(&mut self, node: &'a NodeName, view: &'a NodeView) {
        let stay: BTreeSet<HostName> = self.instances_of(node).map(|(host, _)| host.clone()).collect();
        let mut found = Found::default();
        let alive = view.seen.instances.iter().filter(|(_, resource)| resource.may_be_alive()).map(|(host, _)| host);
        found.seen.extend(alive.filter(|host| !stay.contains(*host)).cloned());
        let told = view.assignment.instances.iter().map(|instance| &instance.host);
        found.told.extend(told.filter(|host| !stay.contains(*host)).cloned());
        found.stay = stay;
        self.add((node, view), Ran::Instance, found);
    }

    /// An instance that moves to another node begins there once it has ended here: most can bear two at once, and some fetch a
    /// file twice. A node that does not answer is not waited for, since nobody knows when it ends them.
    fn ending_instances(&self) -> BTreeSet<HostName> {
        let mut ending = BTreeSet::new();
        for (node, view) in self.snapshot.nodes.iter().filter(|(_, view)| view.seen.state == NodeState::Up) {
            let alive =
                view.seen.instances.iter().filter(|(_, resource)| resource.may_be_alive()).map(|(host, _)| host);
            let told = view.assignment.instances.iter().map(|instance| &instance.host);
            let remembered = view.assignment.leaving.iter().filter(|leaving| leaving.ran == Ran::Instance);
            let remembered = remembered.filter(|_| !has_obeyed(view)).map(|leaving| &leaving.host);
            let mapped = |host: &HostName| !view.retired && self.mapped_to(node).any(|(mapped, _)| mapped == host);
            ending.extend(alive.chain(told).chain(remembered).filter(|host| !mapped(host)).cloned());
        }
        ending
    }

    /// What was found, and what is remembered unless the node has said since that it is over.
    fn add(&mut self, (node, view): (&'a NodeName, &'a NodeView), ran: Ran, found: Found) {
        let Found { seen, mut told, stay } = found;
        if !has_obeyed(view) {
            let remembered = view.assignment.leaving.iter().filter(|leaving| leaving.ran == ran);
            told.extend(remembered.map(|leaving| leaving.host.clone()).filter(|host| !stay.contains(host)));
        }
        for host in &seen | &told {
            let seen = seen.contains(&host);
            self.list.push(Leaver { node, view, what: Leaving { host, ran }, seen });
        }
    }

    /// What `node`'s assignment has to remember.
    pub fn on(&self, node: &NodeName) -> Vec<Leaving> {
        let mut all: Vec<Leaving> =
            self.list.iter().filter(|leaver| leaver.node == node).map(|leaver| leaver.what.clone()).collect();
        all.sort();
        all
    }

    /// Whether `node` may still run what it shall not. That it does not, only the node itself or an operator can say.
    pub fn holds(&self, node: &NodeName) -> bool {
        self.list.iter().any(|leaver| leaver.node == node && !leaver.is_vouched_for())
    }

    /// The unclustered hosts of which `node` is told to run an instance, and what that is: not before their groups, and nodes
    /// that they are no longer mapped to, have let go of them.
    pub fn instances_of(&self, node: &NodeName) -> impl Iterator<Item = (&'a HostName, &ResourceSpec)> {
        let view = self.snapshot.nodes.get(node).filter(|view| !view.retired);
        let may_run = move |view: &NodeView, host: &HostName| {
            let runs = view.seen.instances.get(host).is_some_and(SeenResource::may_be_alive);
            let told = view.assignment.instances.iter().any(|instance| instance.host == *host);
            let mut others = self.list.iter().filter(|l| l.what.ran == Ran::Clustered && l.what.host == *host);
            let moves = !told && self.ending.contains(host);
            runs || !moves && !others.any(|leaver| leaver.seen || !told)
        };
        self.mapped_to(node).filter(move |(host, _)| view.is_some_and(|view| may_run(view, host)))
    }

    /// The unclustered hosts that run an instance on `node` once what they were before has let go of them.
    pub fn mapped_to(&self, node: &NodeName) -> impl Iterator<Item = (&'a HostName, &ResourceSpec)> {
        self.mapped.get(node).into_iter().flatten().map(|(host, resource)| (*host, &**resource))
    }

    /// The resources of a group that its owner is told to run: without the hosts that may still run as something else.
    pub fn resources_of(&self, node: &NodeName, group: &GroupName, spec: &ResourceList) -> ResourceList {
        let may_run = |resource: &&ResourceSpec| self.keeps_back(node, group, &resource.name).is_none();
        if self.are_none() || spec.iter().all(|resource| may_run(&resource)) {
            return spec.clone(); // the rule: a list that is shared costs nothing to compare
        }
        spec.iter().filter(may_run).cloned().collect()
    }

    /// Why the owner of a group is not told to run one of its resources.
    fn keeps_back(&self, node: &NodeName, group: &GroupName, resource: &ResourceName) -> Option<String> {
        let view = self.snapshot.nodes.get(node);
        let runs = || {
            let seen = view.and_then(|view| view.seen.groups.get(group));
            seen.is_some_and(|seen| seen.resources.iter().any(|r| r.name == *resource && r.may_be_alive()))
        };
        let told = || {
            let told = view.and_then(|view| view.assignment.groups.iter().find(|told| told.group == *group));
            told.is_some_and(|told| told.resources.iter().any(|r| r.name == *resource))
        };
        let mut others = self.list.iter().filter(|leaver| leaver.stands_for(resource));
        let first = others.find(|leaver| leaver.seen || !told())?;
        (!runs()).then(|| first.sentence())
    }

    /// Why a group that nobody owns must not be started yet: hosts of it that may still run as something else.
    pub fn blockers(&self, group: &GroupName) -> Vec<String> {
        self.in_the_way(group, |_| true)
    }

    /// Those of them that no node will end by itself soon: where it runs does not answer.
    pub fn silent(&self, group: &GroupName) -> Vec<String> {
        self.in_the_way(group, |leaver| leaver.view.seen.state != NodeState::Up)
    }

    fn in_the_way(&self, group: &GroupName, counts: impl Fn(&Leaver<'_>) -> bool) -> Vec<String> {
        let view = self.snapshot.groups.get(group).filter(|_| !self.are_none());
        let Some(view) = view else { return Vec::new() };
        let names: BTreeSet<&ResourceName> = view.spec.resources.iter().map(|resource| &resource.name).collect();
        // Of a node that runs the group itself that is said already.
        let others = self.list.iter().filter(|leaver| leaver.what.ran == Ran::Instance || !leaver.view.may_run(group));
        let others = others.filter(|leaver| counts(leaver));
        others.filter(|l| names.iter().any(|name| l.stands_for(name))).map(Leaver::sentence).collect()
    }
}

/// Why the owner of a group is not told yet to run all of it.
pub(super) fn kept_back(snapshot: &Snapshot, node: &NodeName, group: &GroupName) -> Option<String> {
    let wanted = &snapshot.groups.get(group)?.spec.resources;
    let assigned = snapshot.nodes.get(node)?.assignment.groups.iter().find(|told| told.group == *group)?;
    let told = |resource: &ResourceSpec| assigned.resources.iter().any(|told| told.name == resource.name);
    let mut missing = wanted.iter().filter(|resource| !told(resource)).peekable();
    missing.peek()?; // which is the rule, and quickly found out
    let leavers = Leavers::stored(snapshot);
    missing.find_map(|resource| leavers.keeps_back(node, group, &resource.name))
}

/// Whether what the owner of a group is told differs from what is wanted only by hosts that have to wait, and that
/// were told to stop before where they are: where that begins, it is a change.
pub(super) fn waits_only(snapshot: &Snapshot, node: &NodeName, group: &GroupName) -> bool {
    let wanted = snapshot.groups.get(group).map(|view| &view.spec.resources);
    let told =
        snapshot.nodes.get(node).and_then(|view| view.assignment.groups.iter().find(|told| told.group == *group));
    let Some((wanted, told)) = wanted.zip(told) else { return false };
    // Hosts only: whatever else is missing is a change, which is quickly found out.
    let is_host = |resource: &ResourceSpec| snapshot.hosts.contains_key(resource.name.as_str());
    let rest = wanted.iter().filter(|resource| told.resources.contains(resource) || !is_host(resource));
    let mut missing = wanted.iter().filter(|resource| !told.resources.contains(resource));
    let is_told = |resource: &ResourceSpec| {
        let mut told = snapshot.nodes.values().map(|view| &view.assignment);
        told.any(|told| {
            let others = told.groups.iter().filter(|other| other.group != *group);
            told.instances.iter().any(|instance| instance.host.as_str() == resource.name.as_str())
                || others.flat_map(|other| &other.resources).any(|other| other.name == resource.name)
        })
    };
    let begins = missing.any(is_told);
    !begins && rest.eq(told.resources.iter()) && kept_back(snapshot, node, group).is_some()
}

fn mapped(snapshot: &Snapshot) -> HashMap<&NodeName, Vec<(&HostName, Rc<ResourceSpec>)>> {
    let mut mapped: HashMap<_, Vec<(&HostName, Rc<ResourceSpec>)>> = HashMap::new();
    for (name, host) in &snapshot.hosts {
        let Some(resource) = topology::unclustered(host).map(Rc::new) else { continue };
        for node in host.enabled_nodes() {
            let hosts = mapped.entry(node).or_default();
            if hosts.last().is_none_or(|(last, _)| *last != name) {
                hosts.push((name, resource.clone()));
            }
        }
    }
    mapped
}

/// Whether a host is among those resources.
fn has(resources: Option<&ResourceList>, host: &HostName) -> bool {
    resources.is_some_and(|all| all.iter().any(|resource| resource.name.as_str() == host.as_str()))
}

/// What was found on one node.
#[derive(Default)]
struct Found {
    seen: BTreeSet<HostName>,
    told: BTreeSet<HostName>,
    /// Those that go on as they are.
    stay: BTreeSet<HostName>,
}

impl Leaver<'_> {
    /// Whether an operator says that the node runs nothing: then it starts nothing either before it is heard again.
    fn is_vouched_for(&self) -> bool {
        self.view.seen.state == NodeState::Down && self.view.seen.vouched_for
    }

    /// Whether nothing of that name may be started.
    fn stands_for(&self, resource: &ResourceName) -> bool {
        self.what.host.as_str() == resource.as_str() && !self.is_vouched_for()
    }

    fn sentence(&self) -> String {
        let (node, host) = (self.node, &self.what.host);
        let silent = self.view.seen.state != NodeState::Up;
        match self.what.ran {
            Ran::Instance if silent => format!(
                "{node} may still run an instance of {host}, which no lease ends: bring {node} back, or confirm that it is down"
            ),
            Ran::Instance => format!("{node} has not said yet that its instance of {host} has stopped"),
            Ran::Clustered => format!("{node} may still run {host} in its earlier group"),
        }
    }
}

/// Whether the node has said, under this reign, that it has applied what is stored for it.
fn has_obeyed(view: &NodeView) -> bool {
    view.seen.answered && view.seen.applied.is_some_and(|applied| applied >= view.assigned_at)
}
