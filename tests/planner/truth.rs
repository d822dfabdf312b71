//! What really runs where, whatever is known of it? A host in a group never runs beside an instance of it.

use std::collections::{BTreeMap, BTreeSet};

use locum::domain::{Assignment, HostName, NodeName, ResourceName};

#[derive(Default)]
pub struct Truth(BTreeMap<NodeName, Runs>);

/// What is alive on one node.
#[derive(Default)]
struct Runs {
    resources: BTreeSet<ResourceName>,
    instances: BTreeSet<HostName>,
}

impl Truth {
    /// The node has obeyed.
    pub fn obeyed(&mut self, node: &NodeName, assignment: &Assignment) {
        let resources = assignment.groups.iter().flat_map(|group| &group.resources).map(|r| r.name.clone()).collect();
        let instances = assignment.instances.iter().map(|instance| instance.host.clone()).collect();
        self.0.insert(node.clone(), Runs { resources, instances });
        self.check();
    }

    /// Its lease is over.
    pub fn lapsed(&mut self, node: &NodeName) {
        self.0.entry(node.clone()).or_default().resources.clear();
    }

    /// It was switched off: it starts nothing by itself when it is back.
    pub fn switched_off(&mut self, node: &NodeName) {
        self.0.remove(node);
    }

    /// The instances that it says are alive.
    pub fn instances(&self, node: &NodeName) -> BTreeSet<HostName> {
        self.0.get(node).map(|runs| runs.instances.clone()).unwrap_or_default()
    }

    fn check(&self) {
        for (node, host) in self.0.iter().flat_map(|(node, runs)| runs.instances.iter().map(move |host| (node, host))) {
            let clustered = self.0.iter().find(|(_, runs)| runs.resources.iter().any(|r| r.as_str() == host.as_str()));
            if let Some((owner, _)) = clustered {
                panic!("{host} runs in a group on {owner} and as an instance on {node}");
            }
        }
        let mut seen = BTreeSet::new();
        for resource in self.0.values().flat_map(|runs| &runs.resources).filter(|r| r.as_str().starts_with("host")) {
            assert!(seen.insert(resource), "{resource} runs in two groups, or twice");
        }
    }
}
