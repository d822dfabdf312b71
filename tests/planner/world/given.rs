//! What can be set up and changed by operators in a scenario?

use std::collections::BTreeSet;
use std::sync::Arc;

use locum::domain::operation::DEFAULT_TIMEOUT;
use locum::domain::*;
use locum::planner::snapshot::{GroupView, NodeSeen, NodeView};
use locum::store::NewOperation;
use serde_json::json;
use uuid::Uuid;

use super::World;

impl World {
    pub(super) fn add_node(&mut self, name: &str) {
        let name = NodeName::try_from(name.to_owned()).unwrap();
        let spec = serde_json::from_value::<NodeSpec>(
            serde_json::json!({ "name": name, "agent": format!("http://{name}:7441") }),
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

    pub(super) fn put_group(&mut self, name: &str, options: &[&str]) {
        let mut group = json!({"name": name, "resources": [{"name": "run", "type": "process", "command": ["run"]}]});
        for option in options {
            let (key, value) = option.split_once('=').unwrap();
            set_option(&mut group, key, value);
        }
        let spec: GroupSpec = serde_json::from_value(group).unwrap();
        let wanted = spec.wanted.unwrap_or_default();
        let fresh = || GroupView {
            spec: Arc::new(spec.clone()),
            wanted,
            retired: false,
            placement: Placement::default(),
            failed: None,
            open: None,
            recent: Vec::new(),
        };
        let view = self.snapshot.groups.entry(spec.name.clone()).or_insert_with(fresh);
        let maintenance = view.spec.maintenance.clone();
        view.spec = Arc::new(GroupSpec { maintenance, ..spec.clone() });
        view.retired = false;
        self.expand();
    }

    /// `maintenance node bts1 for 2h`, `maintenance cluster over`.
    pub(super) fn maintain(&mut self, what: &[&str]) {
        let (of, time) = what.split_at(what.iter().position(|word| ["for", "over"].contains(word)).unwrap());
        let now = self.snapshot.now;
        let maintenance = match time {
            ["for", time] => {
                let until = now.checked_add(time.parse::<HumanDuration>().unwrap().get()).unwrap();
                Some(Maintenance { owner: "ann".to_owned(), reason: "new disks".to_owned(), until })
            }
            _ => None,
        };
        match of {
            ["cluster"] => self.snapshot.maintenance = maintenance,
            ["node", node] => self.node(node).spec.maintenance = maintenance,
            ["group", group] => Arc::make_mut(&mut self.group(group).spec).maintenance = maintenance,
            _ => panic!("no such maintenance: {what:?}"),
        }
    }

    /// `dependency sql`, `dependency sso at secret`, `dependency sql down for 1h`, `dependency sql up`.
    pub(super) fn depend(&mut self, name: &str, what: &[&str]) {
        let now = self.snapshot.now;
        let fresh = serde_json::from_value(json!({ "name": name })).unwrap();
        let dependency = self.snapshot.common_dependencies.entry(name.parse().unwrap()).or_insert(fresh);
        match what {
            [] => {}
            ["at", group] => {
                let at = ResourceRef { group: group.parse().unwrap(), name: "run".parse().unwrap() };
                dependency.resource = Some(at);
            }
            ["down", "for", time] => {
                let until = now.checked_add(time.parse::<HumanDuration>().unwrap().get()).unwrap();
                let (owner, reason) = ("ann".to_owned(), "no answer".to_owned());
                dependency.down = Some(DownMark { owner, reason, until });
            }
            ["up"] => dependency.down = None,
            _ => panic!("no such change of a dependency: {what:?}"),
        }
    }

    /// `policy enforced`, `policy quarantine 3 in 1h for 2h`, `policy brake 50 4 5m`.
    pub(super) fn set_policy(&mut self, what: &[&str]) {
        let policy = &mut self.snapshot.policy;
        match what {
            ["enforced"] => policy.anti_affinity = AntiAffinity::Enforced,
            ["soft"] => policy.anti_affinity = AntiAffinity::Soft,
            ["quarantine", losses, "in", period, "for", duration] => {
                let (period, duration) = (period.parse().unwrap(), duration.parse().unwrap());
                policy.quarantine = Quarantine { losses: losses.parse().unwrap(), period, duration };
            }
            ["brake", percent, nodes, hold] => {
                let (percent, nodes) = (percent.parse().unwrap(), nodes.parse().unwrap());
                policy.brake = Brake { percent, nodes, hold: hold.parse().unwrap() };
            }
            _ => panic!("no such policy: {what:?}"),
        }
    }

    /// `host track bts1,bts2`: unclustered, with an instance on each of these nodes. `host track bts1,bts2 ftp`: clustered
    /// in that group.
    pub(super) fn put_host(&mut self, name: &str, nodes: &str, group: Option<&str>) {
        let instances: Vec<_> = nodes.split(',').map(|node| json!({ "node": node })).collect();
        let run = json!({ "type": "process", "command": ["track"] });
        let mut host: HostSpec =
            serde_json::from_value(json!({ "name": name, "instances": instances, "run": run })).unwrap();
        host.clustered_in = group.map(|group| group.parse().unwrap());
        self.snapshot.hosts.insert(host.name.clone(), host);
        self.expand();
    }

    /// Every group with the hosts that are clustered in it, and without others.
    fn expand(&mut self) {
        let hosts = &self.snapshot.hosts;
        for group in self.snapshot.groups.values_mut() {
            let own = group.spec.resources.iter().filter(|resource| !hosts.contains_key(resource.name.as_str()));
            Arc::make_mut(&mut group.spec).resources = own.cloned().collect();
            group.spec = topology::clustered(&group.spec, hosts.values());
        }
    }

    pub(super) fn operation(&mut self, kind: &str, target: &str, rest: &[&str]) {
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
                    self.node(target).seen.vouched_for = true;
                }
            }
            _ => {}
        }
        let new = NewOperation {
            id: Uuid::from_u128(self.operations),
            kind: serde_json::from_value(json!(kind)).unwrap(),
            target: target.to_owned(),
            to,
            reason: None,
            actor,
            at: now,
            timeout: DEFAULT_TIMEOUT,
            answer: None,
        };
        let (cluster, decision) = (self.snapshot.cluster.clone(), self.snapshot.decision);
        self.snapshot.operations.push(new.accepted(cluster, decision, None));
    }
}

fn set_option(group: &mut serde_json::Value, key: &str, value: &str) {
    let list = || json!(value.split(',').collect::<Vec<_>>());
    match key {
        "preferred" => group["preferred_owners"] = list(),
        "only" => group["resources"][0]["possible_owners"] = list(),
        "command" => group["resources"][0]["command"] = list(),
        "retry_after" => group["resources"][0]["restart"] = json!({"retry_after": value}),
        "max" => group["failover"]["max_failovers"] = json!(value.parse::<u32>().unwrap()),
        "period" => group["failover"]["period"] = json!(value),
        "wanted" | "priority" => group[key] = json!(value),
        "anti" => group["anti_affinity"] = list(),
        "after" => group["depends_on"] = list(),
        "needs" => group["common_dependencies"] = list(),
        "failback" => group["failback"] = failback(value),
        "with" => {
            let log = json!({ "name": value, "type": "process", "command": ["log"], "critical": false });
            group["resources"].as_array_mut().unwrap().push(log);
        }
        _ => panic!("no such option: {key}={value}"),
    }
}

/// `immediate`, or `window:22-6@Europe/Berlin`.
fn failback(value: &str) -> serde_json::Value {
    let Some(window) = value.strip_prefix("window:") else { return json!({ "policy": value }) };
    let (hours, zone) = window.split_once('@').unwrap_or((window, "UTC"));
    let (start, end) = hours.split_once('-').unwrap();
    let hour = |hour: &str| hour.parse::<u8>().unwrap();
    json!({ "policy": "window", "start": hour(start), "end": hour(end), "time_zone": zone })
}
