//! What can happen to nodes and groups in a scenario?

use locum::domain::*;
use locum::planner::snapshot::{NodeSeen, NodeView, SeenFailure, SeenGroup, SeenResource};

use super::World;

impl World {
    pub(super) fn node_changes(&mut self, name: &str, change: &[&str]) {
        let now = self.snapshot.now;
        let node_name = NodeName::try_from(name.to_owned()).unwrap();
        if change == ["down"] {
            self.truth.lapsed(&node_name);
        }
        let alive = self.truth.instances(&node_name);
        let node = self.node(name);
        match change {
            ["up"] => {
                if node.seen.state != NodeState::Up {
                    node.seen.instances = alive.into_iter().map(|host| (host.clone(), online(host.as_str()))).collect();
                }
                (node.seen.state, node.seen.since, node.seen.answered) = (NodeState::Up, now, true);
                (node.seen.down_at, node.seen.vouched_for) = (None, false);
                if node.seen.drivers.is_empty() {
                    node.seen.drivers.insert(ResourceType::Process);
                }
            }
            ["unreachable"] => {
                (node.seen.state, node.seen.since) = (NodeState::Unreachable, now);
                node.seen.down_at = Some(now.checked_add(std::time::Duration::from_secs(5)).unwrap());
            }
            ["down"] => {
                (node.seen.state, node.seen.since, node.seen.down_at) = (NodeState::Down, now, None);
                node.seen.applied = None;
                node.seen.groups.clear();
                node.seen.instances.clear();
            }
            ["driverless"] => node.seen.drivers.clear(),
            ["problem", words @ ..] => node.seen.problem = Some(words.join(" ")),
            ["never-heard"] => {
                node.seen = NodeSeen::unheard(now);
                node.seen.down_at = Some(now.checked_add(std::time::Duration::from_secs(5)).unwrap());
            }
            _ => panic!("no such change of a node: {change:?}"),
        }
    }

    pub(super) fn report(&mut self, node: &str, group: &str, what: &str, rest: &[&str]) {
        let now = self.snapshot.now;
        let stored = self.group(group).placement.epoch;
        let without = rest.first().copied().filter(|_| what == "without");
        let epoch = rest.first().filter(|_| without.is_none()).map_or(stored, |epoch| Epoch(epoch.parse().unwrap()));
        let resources = resources(&self.group(group).spec.resources, without);
        let decision = self.snapshot.decision;
        let seen = &mut self.node(node).seen;
        if what == "stopped" {
            seen.groups.remove(group);
            seen.applied = Some(decision);
            return;
        }
        let (state, kind) = match what {
            "online" => (GroupState::Online, None),
            "starting" => (GroupState::Pending, None),
            "without" => (GroupState::PartialOnline, None),
            "stuck" => (GroupState::Failed, None),
            "failed" => (GroupState::Failed, Some(FailureKind::ResourceFailed)),
            "start-failed" => (GroupState::Failed, Some(FailureKind::StartFailed)),
            _ => panic!("no such report: {what}"),
        };
        let resource = ResourceName::try_from("run".to_owned()).unwrap();
        let reason = "exited with code 3 twice within 15m".to_owned();
        let failure = kind.map(|kind| SeenFailure { kind, resource, reason, at: now });
        let seen_group = SeenGroup {
            epoch,
            state,
            running: kind.is_none(),
            begun_at: Some(now),
            online_at: (state == GroupState::Online).then_some(now),
            failure,
            resources: if kind.is_none() { resources } else { Vec::new() },
        };
        seen.groups.insert(GroupName::try_from(group.to_owned()).unwrap(), seen_group);
    }

    /// A resource fails on the owner, if one runs it.
    pub(super) fn fail(&mut self, group: &str) {
        let owner = self.group(group).placement.assigned_to().cloned();
        let runs = |node: &NodeName| self.snapshot.nodes[node].seen.groups.contains_key(group);
        if let Some(owner) = owner.filter(runs) {
            self.report(owner.as_str(), group, "failed", &[]);
        }
    }

    /// What is not critical in a group fails on its owner, if one runs it.
    pub(super) fn lack(&mut self, group: &str) {
        let Some(view) = self.snapshot.groups.get(group) else { return };
        let owner = view.placement.assigned_to().cloned();
        let runs = |node: &NodeName| self.snapshot.nodes[node].seen.groups.contains_key(group);
        if let Some(owner) = owner.filter(runs) {
            self.report(owner.as_str(), group, "without", &["log"]);
        }
    }

    /// The control plane begins anew: nothing is known of any node until it answers.
    pub(super) fn new_reign(&mut self) {
        self.snapshot.term = self.snapshot.term.next();
        let names: Vec<NodeName> = self.snapshot.nodes.keys().cloned().collect();
        for name in names {
            let groups = std::mem::take(&mut self.node(name.as_str()).seen.groups);
            self.node_changes(name.as_str(), &["never-heard"]);
            self.node(name.as_str()).seen.groups = groups;
        }
    }

    /// Every node of these that is up runs exactly what it is assigned, and it is online.
    pub(super) fn observe(&mut self, these: impl Fn(&NodeName) -> bool) {
        let now = self.snapshot.now;
        let up = |node: &NodeView| node.seen.state == NodeState::Up;
        for (name, node) in self.snapshot.nodes.iter_mut().filter(|(name, node)| up(node) && these(name)) {
            self.truth.obeyed(name, &node.assignment);
            node.seen.applied = Some(node.assigned_at);
            let before = std::mem::take(&mut node.seen.groups);
            for assigned in &node.assignment.groups {
                let online = SeenGroup {
                    epoch: assigned.epoch,
                    state: GroupState::Online,
                    running: true,
                    begun_at: Some(now),
                    online_at: Some(now),
                    failure: None,
                    resources: resources(&assigned.resources, None),
                };
                let kept = before.get(&assigned.group).filter(|seen| seen.epoch == assigned.epoch).cloned();
                let kept = kept.map(|seen| SeenGroup { resources: known(&online.resources, &seen.resources), ..seen });
                node.seen.groups.insert(assigned.group.clone(), kept.unwrap_or(online));
            }
            let instances = node.assignment.instances.iter();
            node.seen.instances = instances.map(|told| (told.host.clone(), online(told.host.as_str()))).collect();
        }
        for group in self.snapshot.groups.keys() {
            let runs = self.snapshot.nodes.values().filter(|n| n.seen.groups.get(group).is_some_and(|g| g.running));
            assert!(runs.count() <= 1, "{group} runs twice");
        }
    }
}

/// Every resource of a group online, but for one that exited.
fn resources(specs: &[ResourceSpec], without: Option<&str>) -> Vec<SeenResource> {
    let say = |resource: &ResourceSpec| {
        let name = resource.name.as_str();
        let message = Some("exited with code 3".to_owned());
        let exited = SeenResource { state: ResourceState::Failed, message, ..online(name) };
        if without == Some(name) { exited } else { online(name) }
    };
    specs.iter().map(say).collect()
}

/// What is assigned, each as it was seen before if it was.
fn known(assigned: &[SeenResource], before: &[SeenResource]) -> Vec<SeenResource> {
    let seen =
        |resource: &SeenResource| before.iter().find(|seen| seen.name == resource.name).unwrap_or(resource).clone();
    if before.is_empty() { Vec::new() } else { assigned.iter().map(seen).collect() }
}

fn online(name: &str) -> SeenResource {
    let name = name.parse().unwrap();
    SeenResource { name, state: ResourceState::Online, pid: None, bounded: None, restarts: 0, message: None }
}
