//! What can happen in a scenario? Nodes, agents, operators and time.

use std::collections::BTreeSet;

use jiff::Timestamp;
use locum::domain::*;
use locum::planner::snapshot::{GroupView, NodeSeen, NodeView, SeenFailure, SeenGroup, SeenResource};
use locum::planner::{self, Snapshot};
use serde_json::json;
use uuid::Uuid;

use crate::truth::Truth;
use crate::{check, say};

pub struct World {
    snapshot: Snapshot,
    ids: u128,
    operations: u128,
    failovers: Vec<FailoverRecord>,
    truth: Truth,
}

impl Default for World {
    fn default() -> Self {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let snapshot = Snapshot { term: Term(1), ..Snapshot::empty("lab".parse().unwrap(), Generation(1), now) };
        Self { snapshot, ids: 1000, operations: 0, failovers: Vec::new(), truth: Truth::default() }
    }
}

impl World {
    /// Does what a line says; gives back what there is to show.
    pub fn command(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["nodes", names @ ..] => names.iter().for_each(|name| self.add_node(name)),
            ["group", name, options @ ..] => self.put_group(name, options),
            ["host", name, options @ ..] => self.put_host(name, options),
            ["node", name, rest @ ..] => self.node_changes(name, rest),
            ["report", node, group, what, rest @ ..] => self.report(node, group, what, rest),
            ["remove", "node", name] => self.node(name).retired = true,
            ["remove", "group", name] => self.group(name).retired = true,
            ["operation", kind, target, rest @ ..] => self.operation(kind, target, rest),
            ["fail", group] => self.fail(group),
            ["advance", time] => {
                let time: HumanDuration = time.parse().unwrap();
                self.snapshot.now = self.snapshot.now.checked_add(time.get()).unwrap();
            }
            ["new-reign"] => self.new_reign(),
            ["observe"] => self.observe(|_| true),
            ["observe", names @ ..] => self.observe(|name| names.contains(&name.as_str())),
            ["settle"] => self.settle(),
            ["plan"] => return self.turn(),
            ["peek"] => return say::plan(&self.snapshot, &planner::plan(&self.snapshot)),
            ["status"] => return say::status(&self.snapshot),
            ["history"] => return self.history(),
            ["explain", group] => {
                let name = GroupName::try_from((*group).to_owned()).unwrap();
                return say::reasoning(&planner::explain(&self.snapshot, &name).unwrap());
            }
            ["what-if", rest @ ..] => return self.what_if(rest),
            _ => panic!("no such command: {line}"),
        }
        String::new()
    }

    fn node(&mut self, name: &str) -> &mut NodeView {
        self.snapshot.nodes.get_mut(name).unwrap_or_else(|| panic!("no node {name}"))
    }

    fn group(&mut self, name: &str) -> &mut GroupView {
        self.snapshot.groups.get_mut(name).unwrap_or_else(|| panic!("no group {name}"))
    }

    fn add_node(&mut self, name: &str) {
        let name = NodeName::try_from(name.to_owned()).unwrap();
        let spec = serde_json::from_value::<NodeSpec>(
            serde_json::json!({ "name": name.clone(), "agent": format!("http://{name}:7441") }),
        )
        .unwrap();
        let drivers = BTreeSet::from([ResourceType::Process]);
        let seen = NodeSeen { state: NodeState::Up, answered: true, drivers, ..NodeSeen::unheard(self.snapshot.now) };
        let assignment = Assignment::default();
        let (assigned_at, wanted) = (Decision(0), NodeWanted::Active);
        let node = NodeView {
            spec,
            wanted,
            retired: false,
            confirmed_down: None,
            assignment,
            assigned_at,
            losses: Losses::default(),
            seen,
        };
        self.snapshot.nodes.insert(name, node);
    }

    fn put_group(&mut self, name: &str, options: &[&str]) {
        let mut group = json!({"name": name, "resources": [{"name": "run", "type": "process", "command": ["run"]}]});
        for option in options {
            let (key, value) = option.split_once('=').unwrap();
            let list = || json!(value.split(',').collect::<Vec<_>>());
            match key {
                "preferred" => group["preferred_owners"] = list(),
                "only" => group["resources"][0]["possible_owners"] = list(),
                "command" => group["resources"][0]["command"] = list(),
                "retry_after" => group["resources"][0]["restart"] = json!({"retry_after": value}),
                "max" => group["failover"]["max_failovers"] = json!(value.parse::<u32>().unwrap()),
                "period" => group["failover"]["period"] = json!(value),
                "wanted" => group["wanted"] = json!(value),
                _ => panic!("no such option: {option}"),
            }
        }
        let spec: GroupSpec = serde_json::from_value(group).unwrap();
        let wanted = spec.wanted.unwrap_or_default();
        let fresh = || GroupView {
            spec: spec.clone(),
            wanted,
            retired: false,
            placement: Placement::default(),
            failed: None,
            open: None,
            recent: Vec::new(),
        };
        self.snapshot.groups.entry(spec.name.clone()).or_insert_with(fresh).spec = spec.clone();
        self.expand();
    }

    /// A host with instances on the nodes `on`; with `clustered`, in that group.
    fn put_host(&mut self, name: &str, options: &[&str]) {
        let run = json!({"type": "process", "command": ["host"]});
        let mut host = json!({"name": name, "run": run, "instances": []});
        for option in options {
            let (key, value) = option.split_once('=').unwrap();
            let instances = || value.split(',').map(|node| json!({"node": node})).collect::<Vec<_>>();
            match key {
                "on" => host["instances"] = json!(instances()),
                "clustered" => host["clustered_in"] = json!(value),
                _ => panic!("no such option: {option}"),
            }
        }
        let host: HostSpec = serde_json::from_value(host).unwrap();
        self.snapshot.hosts.insert(host.name.clone(), host);
        self.expand();
    }

    /// Every group with the hosts that are clustered in it, and without others.
    fn expand(&mut self) {
        let hosts = &self.snapshot.hosts;
        for group in self.snapshot.groups.values_mut() {
            group.spec.resources.retain(|resource| !hosts.contains_key(resource.name.as_str()));
            group.spec = topology::clustered(&group.spec, hosts.values());
        }
    }

    fn node_changes(&mut self, name: &str, change: &[&str]) {
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
                node.seen.down_at = None;
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

    fn report(&mut self, node: &str, group: &str, what: &str, rest: &[&str]) {
        let now = self.snapshot.now;
        let stored = self.group(group).placement.epoch;
        let epoch = rest.first().map_or(stored, |epoch| Epoch(epoch.parse().unwrap()));
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
            resources: Vec::new(),
        };
        seen.groups.insert(GroupName::try_from(group.to_owned()).unwrap(), seen_group);
    }

    /// A resource fails on the owner, if one runs it.
    fn fail(&mut self, group: &str) {
        let owner = self.group(group).placement.assigned_to().cloned();
        let runs = |node: &NodeName| self.snapshot.nodes[node].seen.groups.contains_key(group);
        if let Some(owner) = owner.filter(runs) {
            self.report(owner.as_str(), group, "failed", &[]);
        }
    }

    /// The groups that are wanted online, neither marked as failed nor online.
    pub fn astray(&self) -> Vec<&GroupName> {
        let wanted =
            |group: &GroupView| group.wanted == GroupWanted::Online && !group.retired && group.failed.is_none();
        let groups = self.snapshot.groups.iter().filter(|(_, group)| wanted(group)).map(|(name, _)| name);
        groups.filter(|name| planner::group_state(&self.snapshot, name).0 != GroupState::Online).collect()
    }

    /// The records of changes of owner that have not ended.
    pub fn unfinished(&self) -> usize {
        self.failovers.iter().filter(|record| record.outcome == Outcome::InProgress).count()
    }

    fn operation(&mut self, kind: &str, target: &str, rest: &[&str]) {
        self.operations += 1;
        self.snapshot.decision = self.snapshot.decision.next();
        let to = match rest {
            ["to", node] => Some(NodeName::try_from((*node).to_owned()).unwrap()),
            _ => None,
        };
        let (actor, now) = (Actor("ann".to_owned()), self.snapshot.now);
        match kind {
            "pause" => self.node(target).wanted = NodeWanted::Paused,
            "drain" => self.node(target).wanted = NodeWanted::Drained,
            "resume" => self.node(target).wanted = NodeWanted::Active,
            "online" => self.group(target).wanted = GroupWanted::Online,
            "offline" => self.group(target).wanted = GroupWanted::Offline,
            "confirm_down" => {
                let reason = Some("the rack is dark".to_owned());
                self.node(target).confirmed_down = Some(Confirmation { actor: actor.clone(), reason, at: now });
                if self.node(target).seen.state != NodeState::Up {
                    self.truth.switched_off(&NodeName::try_from(target.to_owned()).unwrap());
                    self.node_changes(target, &["down"]);
                }
            }
            _ => {}
        }
        self.snapshot.operations.push(Operation {
            id: Uuid::from_u128(self.operations),
            cluster: self.snapshot.cluster.clone(),
            kind: serde_json::from_value(json!(kind)).unwrap(),
            target: target.to_owned(),
            to,
            reason: None,
            actor,
            state: OperationState::Running,
            message: String::new(),
            decision: self.snapshot.decision,
            created_at: now,
            ended_at: None,
        });
    }

    /// The control plane begins anew: nothing is known of any node until it answers.
    fn new_reign(&mut self) {
        self.snapshot.term = self.snapshot.term.next();
        let names: Vec<NodeName> = self.snapshot.nodes.keys().cloned().collect();
        for name in names {
            let groups = std::mem::take(&mut self.node(name.as_str()).seen.groups);
            self.node_changes(name.as_str(), &["never-heard"]);
            self.node(name.as_str()).seen.groups = groups;
        }
    }

    /// Every node of these that is up runs exactly what it is assigned, and it is online.
    fn observe(&mut self, these: impl Fn(&NodeName) -> bool) {
        let now = self.snapshot.now;
        let up = |node: &NodeView| node.seen.state == NodeState::Up;
        for (name, node) in self.snapshot.nodes.iter_mut().filter(|(name, node)| up(node) && these(name)) {
            self.truth.obeyed(name, &node.assignment);
            let instances = node.assignment.instances.iter().map(|instance| &instance.host);
            node.seen.instances = instances.map(|host| (host.clone(), online(host.as_str()))).collect();
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
                    resources: assigned.resources.iter().map(|resource| online(resource.name.as_str())).collect(),
                };
                let kept = before.get(&assigned.group).filter(|seen| seen.epoch == assigned.epoch).cloned();
                let kept = kept.map(|seen| SeenGroup { resources: online.resources.clone(), ..seen });
                node.seen.groups.insert(assigned.group.clone(), kept.unwrap_or(online));
            }
        }
        for group in self.snapshot.groups.keys() {
            let runs = self.snapshot.nodes.values().filter(|n| n.seen.groups.get(group).is_some_and(|g| g.running));
            assert!(runs.count() <= 1, "{group} runs twice");
        }
    }

    /// Plans and observes until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.turn();
            self.observe(|_| true);
            if planner::plan(&self.snapshot).is_empty() {
                return;
            }
        }
        panic!("it never settles");
    }

    /// Plans, checks what must always hold, and commits.
    fn turn(&mut self) -> String {
        let plan = planner::plan(&self.snapshot);
        let said = say::plan(&self.snapshot, &plan);
        check::same_again(&self.snapshot, &plan);
        let ids = &mut self.ids;
        let mut next_id = || {
            *ids += 1;
            Uuid::from_u128(*ids)
        };
        let effects = planner::effects(&self.snapshot, &plan, &mut next_id);
        check::placements(&self.snapshot, &plan, &effects);
        if plan.is_empty() {
            return said;
        }
        effects.apply_to(&mut self.snapshot);
        check::committed(&plan, &self.snapshot);
        for record in effects.failovers {
            self.failovers.retain(|known| known.id != record.id);
            self.failovers.push(record);
        }
        self.failovers.sort_by_key(|record| record.id);
        said
    }

    fn history(&self) -> String {
        let node = |node: &Option<NodeName>| node.as_ref().map_or("-".to_owned(), ToString::to_string);
        let line = |record: &FailoverRecord| {
            let steps = record.steps.iter().map(|step| format!("    {}\n", step.what));
            let proof = record.release_proof.map_or("no proof", ReleaseProof::as_str);
            let (cause, outcome) = (record.cause.as_str(), record.outcome.as_str());
            let route = format!("{} -> {}", node(&record.from), node(&record.to));
            format!(
                "{} {route} {cause} {proof} {outcome} {:?}\n{}",
                record.group,
                record.phases_ms,
                steps.collect::<String>()
            )
        };
        self.failovers.iter().map(line).collect()
    }

    /// The plan for another topology: without a node or a group, or with another option of a group.
    fn what_if(&self, edit: &[&str]) -> String {
        let mut world = Self { snapshot: self.snapshot.clone(), ..Self::default() };
        world.command(&edit.join(" "));
        let nodes = world.snapshot.nodes.values().filter(|node| !node.retired);
        let groups = world.snapshot.groups.values().filter(|group| !group.retired);
        let mut spec: TopologySpec =
            serde_json::from_value(serde_json::json!({ "cluster": world.snapshot.cluster })).unwrap();
        spec.settings = world.snapshot.settings;
        spec.nodes = nodes.map(|node| node.spec.clone()).collect();
        spec.groups = groups.map(|group| group.spec.clone()).collect();
        let edited = planner::with_topology(&self.snapshot, &spec);
        say::plan(&edited, &planner::plan(&edited))
    }
}

fn online(name: &str) -> SeenResource {
    SeenResource {
        name: name.parse().unwrap(),
        state: ResourceState::Online,
        pid: Some(1),
        bounded: None,
        restarts: 0,
        message: None,
    }
}
