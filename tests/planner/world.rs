//! What can happen in a scenario? Nodes, agents, operators and time.

mod given;
mod seen;

use jiff::Timestamp;
use locum::domain::*;
use locum::planner::snapshot::{GroupView, NodeView};
use locum::planner::{self, Snapshot};
use uuid::Uuid;

use crate::truth::Truth;
use crate::{check, same, say};

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
            ["node", name, rest @ ..] => self.node_changes(name, rest),
            ["report", node, group, what, rest @ ..] => self.report(node, group, what, rest),
            ["domain", domain, names @ ..] => {
                let domain = Some((*domain).to_owned());
                names.iter().for_each(|name| self.node(name).spec.fault_domain.clone_from(&domain));
            }
            ["maintenance", rest @ ..] => self.maintain(rest),
            ["dependency", name, rest @ ..] => self.depend(name, rest),
            ["policy", rest @ ..] => self.set_policy(rest),
            ["host", name, nodes] => self.put_host(name, nodes, None),
            ["host", name, nodes, group] => self.put_host(name, nodes, Some(group)),
            ["clock", time] => self.snapshot.now = time.parse().unwrap(),
            ["remove", "host", name] => drop(self.snapshot.hosts.remove(*name)),
            ["remove", "node", name] => self.node(name).retired = true,
            ["remove", "group", name] => {
                // It may have been forgotten since.
                self.snapshot.groups.get_mut(*name).into_iter().for_each(|group| group.retired = true);
            }
            ["operation", kind, target, rest @ ..] => self.operation(kind, target, rest),
            ["report-lacking", group] => self.lack(group),
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
            ["obstacles", group] => return say::obstacles(&self.snapshot, &group.parse().unwrap()),
            ["what-if", rest @ ..] => return self.what_if(rest),
            ["resilience"] => return crate::faults::resilience(&self.snapshot),
            ["faults", rest @ ..] => return crate::faults::say(&self.snapshot, rest),
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

    /// The groups that are wanted online, neither marked as failed nor online.
    pub fn astray(&self) -> Vec<&GroupName> {
        let asked =
            |group: &GroupView| group.spec.priority != Priority::NoAutoStart || group.placement.owner().is_some();
        let wanted = |group: &GroupView| {
            group.wanted == GroupWanted::Online && !group.retired && group.failed.is_none() && asked(group)
        };
        let groups = self.snapshot.groups.iter().filter(|(_, group)| wanted(group)).map(|(name, _)| name);
        groups.filter(|name| !self.is_online(name)).collect()
    }

    /// The operations that have not ended.
    pub fn running(&self) -> &[Operation] {
        &self.snapshot.operations
    }

    /// When the plan asks to look again, if time alone may change it.
    pub fn look_again_at(&self) -> Option<Timestamp> {
        planner::plan(&self.snapshot).look_again_at
    }

    /// Time goes on to a moment.
    pub fn wait_until(&mut self, at: Timestamp) {
        self.snapshot.now = self.snapshot.now.max(at);
    }

    fn is_online(&self, name: &GroupName) -> bool {
        use GroupState::{Online, PartialOnline};
        matches!(planner::group_state(&self.snapshot, name).0, Online | PartialOnline)
    }

    /// The records of changes of owner that have not ended.
    pub fn unfinished(&self) -> usize {
        self.failovers.iter().filter(|record| record.outcome == Outcome::InProgress).count()
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
        same::same_again(&self.snapshot, &plan);
        check::obstacles(&self.snapshot);
        let ids = &mut self.ids;
        let mut next_id = || {
            *ids += 1;
            Uuid::from_u128(*ids)
        };
        let effects = planner::effects(&self.snapshot, &plan, &mut next_id);
        check::placements(&self.snapshot, &plan, &effects);
        check::steps(&self.snapshot, &plan);
        check::operations(&self.snapshot, &plan, &effects);
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
        spec.policy = world.snapshot.policy;
        spec.common_dependencies = world.snapshot.common_dependencies.values().cloned().collect();
        spec.hosts = world.snapshot.hosts.values().cloned().collect();
        spec.nodes = nodes.map(|node| node.spec.clone()).collect();
        spec.groups = groups.map(|group| group.spec.clone()).collect();
        let edited = planner::with_topology(self.snapshot.clone(), &spec);
        say::plan(&edited, &planner::plan(&edited))
    }
}
