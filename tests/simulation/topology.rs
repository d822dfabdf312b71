//! Which topologies does a seed draw, and how do operators edit them? Documents, so that only what a user may write is used.

use locum::domain::TopologySpec;
use locum::domain::topology::parse;
use serde_json::{Map, Value, json};

use crate::chance::Chance;

pub const CLUSTER: &str = "sim";

/// Every machine that a cluster may get; those that no topology names wait for one that does.
pub const NODES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];
pub const GROUPS: [&str; 8] = ["ftp", "pop3", "sftp", "mail", "queue", "secret", "send", "track"];
const RESOURCES: [&str; 3] = ["ip", "disk", "run"];

/// Heartbeat, lease, stop budget and margin, in ms, and drift in parts per million.
const TIMERS: [[u64; 5]; 7] = [
    [500, 5_000, 2_000, 100, 10_000],
    [100, 1_000, 300, 50, 10_000],
    [200, 2_000, 1_000, 300, 100_000],
    [1_000, 12_000, 4_000, 500, 50_000],
    [50, 500, 200, 20, 1_000],
    [250, 1_500, 700, 20, 0],
    [500, 6_000, 2_000, 100, 100_000],
];

/// Machines that may take a node's place, and whose: another agent answers to its name there.
pub const SPARES: [(&str, &str); 2] = [("n1b", "n1"), ("n2b", "n2")];

/// The address at which a machine's agent is reached.
pub fn address(machine: &str) -> String {
    format!("http://{machine}.example:7441")
}

/// A new cluster.
pub fn draw(chance: &mut Chance) -> Value {
    let nodes = chance.between(2..=NODES.len() as u64);
    let nodes: Vec<&str> = NODES.iter().take(usize::try_from(nodes).unwrap()).copied().collect();
    let groups = chance.between(1..=6);
    let mut document = json!({
        "cluster": CLUSTER,
        "settings": settings(chance, None),
        "policy": policy(chance),
        "nodes": nodes.iter().map(|name| node(chance, name)).collect::<Vec<_>>(),
        "groups": [],
    });
    for name in GROUPS.iter().take(usize::try_from(groups).unwrap()) {
        let group = group(chance, name, &document, &nodes);
        list(&mut document, "groups").push(group);
    }
    checked(&document);
    document
}

/// The document as the API would take it.
pub fn checked(document: &Value) -> TopologySpec {
    parse(document).unwrap_or_else(|findings| panic!("not a topology: {findings:#?}\n{document:#}"))
}

fn node(chance: &mut Chance, name: &str) -> Value {
    let mut node = json!({ "name": name, "agent": address(name) });
    if chance.one_in(2) {
        node["fault_domain"] = json!(chance.pick(&["rack-a", "rack-b"]));
    }
    node
}

/// Short enough that all of it ends while a world settles.
fn policy(chance: &mut Chance) -> Value {
    let seconds = |seconds: u64| format!("{seconds}s");
    json!({
        "anti_affinity": if chance.one_in(4) { "enforced" } else { "soft" },
        "quarantine": {
            "losses": chance.between(0..=3),
            "period": seconds(chance.between(5..=60)),
            "duration": seconds(chance.between(0..=20)),
        },
        "brake": {
            "percent": chance.pick(&[20, 50, 100]),
            "nodes": chance.between(2..=4),
            "hold": seconds(chance.between(0..=10)),
        },
    })
}

/// `drift`: clocks that keep one bound must not be judged by a narrower one.
fn settings(chance: &mut Chance, drift: Option<f64>) -> Value {
    let [heartbeat, lease, stop_budget, margin, ppm] = *chance.pick(&TIMERS);
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let drift = drift.unwrap_or(ppm as f64 / 1e6);
    let ms = |millis: u64| format!("{millis}ms");
    json!({ "heartbeat": ms(heartbeat), "lease": ms(lease), "stop_budget": ms(stop_budget), "margin": ms(margin), "drift": drift })
}

fn group(chance: &mut Chance, name: &str, document: &Value, nodes: &[&str]) -> Value {
    let many = usize::try_from(chance.between(1..=3)).unwrap();
    let mut resources: Vec<Value> =
        RESOURCES[3 - many..].iter().map(|resource| self::resource(chance, resource)).collect();
    let mut group = json!({ "name": name });
    let mut possible = nodes.to_vec();
    if chance.one_in(4) {
        possible = chance.some(nodes);
        resources[0]["possible_owners"] = json!(possible);
    }
    if chance.one_in(2) {
        group["preferred_owners"] = json!(chance.some(&possible));
    }
    if chance.one_in(2) {
        let period = format!("{}s", chance.between(5..=60));
        group["failover"] = json!({ "max_failovers": chance.between(0..=5), "period": period });
    }
    if chance.one_in(2) {
        group["priority"] = json!(chance.pick(&["low", "medium", "high"]));
    }
    if chance.one_in(3) {
        group["anti_affinity"] = json!(chance.some(&["x", "y", "z"]));
    }
    if chance.one_in(2) {
        group["failback"] = json!({ "policy": "immediate" });
    }
    // On groups that stand before it in the list of all, so that there is never a circle.
    let earlier: Vec<String> = names(document, "groups").into_iter().filter(|other| rank(other) < rank(name)).collect();
    if chance.one_in(3) && !earlier.is_empty() {
        group["depends_on"] = json!(chance.some(&earlier));
    }
    group["resources"] = json!(resources);
    group
}

fn rank(group: &str) -> Option<usize> {
    GROUPS.iter().position(|known| *known == group)
}

fn resource(chance: &mut Chance, name: &str) -> Value {
    let period = chance.between(1..=8);
    let mut resource = json!({
        "name": name,
        "type": "process",
        "command": [format!("/opt/{name}"), "1"],
        "pending_timeout": format!("{}ms", chance.between(2_500..=10_000)),
        "stop_timeout": format!("{}ms", chance.between(0..=3_000)),
        "restart": {
            "max_restarts": chance.between(0..=2),
            "period": format!("{period}s"),
            "delay": format!("{}ms", chance.between(0..=1_000)),
            "fail_over": !chance.one_in(5),
            "retry_after": format!("{}s", period + chance.between(0..=8)),
        },
    });
    for (probe, odds, interval) in
        [("readiness", 3, 200..=1_000), ("looks_alive", 3, 500..=3_000), ("is_alive", 4, 1_000..=5_000)]
    {
        if chance.one_in(odds) {
            let interval = format!("{}ms", chance.between(interval));
            let timeout = format!("{}ms", chance.between(100..=2_000));
            resource[probe] = json!({ "exec": ["/opt/probe", probe], "interval": interval, "timeout": timeout });
        }
    }
    resource
}

fn list<'a>(value: &'a mut Value, field: &str) -> &'a mut Vec<Value> {
    value[field].as_array_mut().unwrap_or_else(|| panic!("{field} is a list"))
}

fn names(value: &Value, field: &str) -> Vec<String> {
    value[field].as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).map(str::to_owned).collect()
}

/// Changes a document; says what it is in words. `None`: it does not make sense here.
type Edit = fn(&mut Chance, &mut Value) -> Option<String>;

/// An edit that an operator may make. `timers`: whether it may be one of the cluster's timers.
pub fn edit(chance: &mut Chance, document: &mut Value, timers: bool) -> Option<String> {
    let edits: [(u64, Edit); 11] = [
        (3, add_node),
        (3, remove_node),
        (2, add_group),
        (2, remove_group),
        (4, change_command),
        (4, change_owners),
        (if timers { 2 } else { 0 }, change_settings),
        (2, change_restarts),
        (3, change_rules),
        (1, reorder),
        (3, replace_machine),
    ];
    let said = chance.weighted(&edits)(chance, document)?;
    checked(document);
    Some(said)
}

fn add_node(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let present = names(document, "nodes");
    let absent: Vec<&str> = NODES.into_iter().filter(|name| !present.iter().any(|known| known == name)).collect();
    let name = *chance.any(&absent)?;
    let node = node(chance, name);
    list(document, "nodes").push(node);
    Some(format!("adds node {name}"))
}

fn remove_node(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let present = names(document, "nodes");
    if present.len() < 3 {
        return None;
    }
    let name = chance.pick(&present).clone();
    list(document, "nodes").retain(|node| node["name"] != name.as_str());
    for group in list(document, "groups") {
        without(group, "preferred_owners", &name);
        for resource in list(group, "resources") {
            without(resource, "possible_owners", &name);
        }
    }
    Some(format!("removes node {name}"))
}

/// An empty list of possible owners would mean every node, which is as good as any.
fn without(object: &mut Value, field: &str, name: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    let Some(Value::Array(owners)) = fields.get_mut(field) else { return };
    owners.retain(|owner| owner != name);
    if owners.is_empty() {
        fields.remove(field);
    }
}

fn add_group(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let present = names(document, "groups");
    let absent: Vec<&str> = GROUPS.into_iter().filter(|name| !present.iter().any(|known| known == name)).collect();
    let name = *chance.any(&absent)?;
    let nodes = names(document, "nodes");
    let group = group(chance, name, document, &nodes.iter().map(String::as_str).collect::<Vec<_>>());
    list(document, "groups").push(group);
    Some(format!("adds group {name}"))
}

fn remove_group(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let present = names(document, "groups");
    let name = chance.any(&present)?.clone();
    list(document, "groups").retain(|group| group["name"] != name.as_str());
    list(document, "groups").iter_mut().for_each(|group| without(group, "depends_on", &name));
    Some(format!("removes group {name}"))
}

fn any_group<'a>(chance: &mut Chance, document: &'a mut Value) -> Option<(String, &'a mut Value)> {
    let name = chance.any(&names(document, "groups"))?.clone();
    let group = list(document, "groups").iter_mut().find(|group| group["name"] == name.as_str())?;
    Some((name, group))
}

fn change_command(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let (name, group) = any_group(chance, document)?;
    let version = chance.between(2..=9);
    let resources = list(group, "resources");
    let index = usize::try_from(chance.between(0..=resources.len() as u64 - 1)).unwrap();
    resources[index]["command"][1] = json!(version.to_string());
    Some(format!("gives {name} another command"))
}

fn change_owners(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let nodes = names(document, "nodes");
    let (name, group) = any_group(chance, document)?;
    let mut possible = nodes.clone();
    for resource in list(group, "resources") {
        resource.as_object_mut().map(|fields| fields.remove("possible_owners"));
    }
    if chance.one_in(2) {
        possible = chance.some(&nodes);
        list(group, "resources")[0]["possible_owners"] = json!(possible);
    }
    group["preferred_owners"] = json!(chance.some(&possible));
    Some(format!("gives {name} other owners: {}", possible.join(", ")))
}

fn change_settings(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let drift = document["settings"]["drift"].as_f64();
    document["settings"] = settings(chance, drift);
    Some(format!("sets the timers to {}", document["settings"]))
}

fn change_restarts(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let (name, group) = any_group(chance, document)?;
    for resource in list(group, "resources") {
        let fresh = self::resource(chance, "any");
        resource["restart"] = fresh["restart"].clone();
    }
    Some(format!("gives {name} another restart policy"))
}

/// Where it may be beside which groups, after which, and whether it goes back.
fn change_rules(chance: &mut Chance, document: &mut Value) -> Option<String> {
    document["policy"] = policy(chance);
    let nodes = names(document, "nodes");
    let name = chance.any(&names(document, "groups"))?.clone();
    let fresh = group(chance, &name, document, &nodes.iter().map(String::as_str).collect::<Vec<_>>());
    let known = list(document, "groups").iter_mut().find(|group| group["name"] == name.as_str())?.as_object_mut()?;
    for field in ["priority", "anti_affinity", "failback", "depends_on"] {
        known.remove(field);
        known.extend(fresh.get(field).map(|value| (field.to_owned(), value.clone())));
    }
    Some(format!("gives {name} other rules, and the cluster another policy"))
}

/// To its spare or back. What it left running there ends with its lease.
fn replace_machine(chance: &mut Chance, document: &mut Value) -> Option<String> {
    let (spare, name) = *chance.pick(&SPARES);
    let node = list(document, "nodes").iter_mut().find(|node| node["name"] == name)?;
    let to = if node["agent"] == address(name).as_str() { spare } else { name };
    node["agent"] = json!(address(to));
    Some(format!("gives node {name} the machine {to}"))
}

/// The order of nodes and groups means nothing.
fn reorder(_: &mut Chance, document: &mut Value) -> Option<String> {
    list(document, "nodes").reverse();
    list(document, "groups").reverse();
    Some("writes the same in another order".to_owned())
}

/// Documents that must be refused: an operator makes mistakes.
pub fn mistake(chance: &mut Chance, document: &Value) -> Value {
    let mut wrong = document.clone();
    match chance.between(0..=2) {
        0 => wrong["settings"] = json!({ "heartbeat": "4s", "lease": "5s" }),
        1 => {
            let first = wrong["nodes"][0].clone();
            list(&mut wrong, "nodes").push(first);
        }
        _ => drop(wrong.as_object_mut().map(|fields: &mut Map<_, _>| fields.insert("nodse".to_owned(), json!([])))),
    }
    wrong
}
