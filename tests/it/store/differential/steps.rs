//! What can a store be told? Each number stands for a name or an id, whatever is there when its step comes.

use locum::domain::{GroupWanted, NodeWanted, OperationKind, TopologySpec, topology};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::made::{Made, made};
use super::seen::{Look, look};

/// Two of each are in no topology.
pub const NODES: [&str; 5] = ["bts1", "bts2", "bts3", "bts8", "bts9"];
pub const GROUPS: [&str; 5] = ["ftp", "pop3", "msmq", "smtp", "nobody"];
pub const KNOWN: usize = 3;
const HOSTS: [&str; 2] = ["recv", "send"];

#[derive(Debug, Clone)]
pub struct Step {
    /// The second cluster instead of the first.
    pub other: bool,
    /// Seconds since the step before; wall clocks may be set back.
    pub tick: i64,
    /// Whether a cluster that is not there is created first, and ruled.
    pub create: bool,
    pub verb: Verb,
}

#[derive(Debug, Clone)]
pub enum Verb {
    Put { topology: Draft, expect: Hope },
    Replace { topology: Draft, older: bool },
    Delete { expect: Hope },
    Begin { kind: OperationKind, target: usize, to: Option<usize>, again: bool },
    Cancel { operation: usize },
    Reign { term: u64, decision: u64, longest_ns: u64 },
    Agent { node: usize },
    Note { events: usize },
    Commit { ground: Ground, made: Made },
    Plan { ground: Ground, looks: Vec<Look> },
    Page { before: usize, group: Option<usize>, limit: u32 },
    Prune { age: i64, gone: bool, limit: u32 },
}

/// What a writer hopes to find.
#[derive(Debug, Clone, Copy)]
pub enum Hope {
    Anything,
    Absent,
    Present,
    Older,
}

/// What a commit rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    Present,
    OlderGeneration,
    OlderDecision,
    OtherReign,
}

/// A topology that passes every rule.
#[derive(Debug, Clone)]
pub struct Draft {
    nodes: Vec<(usize, u16, Option<NodeWanted>, bool)>,
    groups: Vec<DraftGroup>,
    /// Of the known ones, and of what is theirs.
    whole: Whole,
    lease: &'static str,
    drift: f64,
}

/// What a topology has beside nodes and groups.
#[derive(Debug, Clone)]
struct Whole {
    /// Whether it is clustered in the first group, whether its first instance is disabled, how many handlers it runs.
    hosts: Vec<(bool, bool, usize)>,
    maintenance: bool,
    /// Whether it is said to be down.
    dependencies: Vec<bool>,
    waivers: usize,
}

#[derive(Debug, Clone)]
struct DraftGroup {
    name: usize,
    wanted: Option<GroupWanted>,
    prefers: Vec<usize>,
    period: &'static str,
    resources: usize,
    maintained: bool,
}

impl Draft {
    pub fn spec(&self, cluster: &str) -> TopologySpec {
        let nodes = self.nodes.iter().map(|(name, port, wanted, maintained)| {
            let agent = format!("http://127.0.0.1:{}", 7000 + 100 * name + usize::from(*port));
            let node = with(json!({ "name": NODES[*name], "agent": agent }), "wanted", json!(wanted));
            with(node, "maintenance", maintenance(*maintained))
        });
        let document = json!({
            "cluster": cluster,
            "settings": { "lease": self.lease, "drift": self.drift },
            "nodes": nodes.collect::<Vec<_>>(),
            "groups": self.groups.iter().map(|group| self.group(group)).collect::<Vec<_>>(),
            "hosts": self.whole.hosts.iter().enumerate().map(|(i, host)| self.host(i, *host)).collect::<Vec<_>>(),
            "handlers": self.handlers(),
            "common_dependencies": self.whole.dependencies.iter().enumerate().map(dependency).collect::<Vec<_>>(),
            "waivers": (0..self.whole.waivers).map(waiver).collect::<Vec<_>>(),
        });
        let document = with(document, "maintenance", maintenance(self.whole.maintenance));
        topology::parse(&document).unwrap()
    }

    /// A clustered one has an enabled instance on every node, so that it takes no preferred owner from its group.
    fn host(&self, number: usize, (clustered, disabled, _): (bool, bool, usize)) -> Value {
        let group = self.groups.first().filter(|_| clustered).map(|group| GROUPS[group.name]);
        let instances =
            self.nodes.iter().enumerate().map(
                |(i, (name, ..))| json!({ "node": NODES[*name], "disabled": group.is_none() && disabled && i == 0 }),
            );
        let run = json!({ "type": "process", "command": ["/bin/true"] });
        let host = json!({ "name": HOSTS[number], "instances": instances.collect::<Vec<_>>(), "run": run });
        with(host, "clustered_in", json!(group))
    }

    fn handlers(&self) -> Vec<Value> {
        let hosts = self.whole.hosts.iter().enumerate();
        let of_host = |(host, (.., handlers)): (usize, &(bool, bool, usize))| {
            (0..*handlers).map(move |number| {
                let name = format!("{}-{number}", HOSTS[host]);
                json!({ "name": name, "adapter": "ftp", "direction": "receive", "host": HOSTS[host] })
            })
        };
        hosts.flat_map(of_host).collect()
    }

    fn group(&self, group: &DraftGroup) -> Value {
        let there = |node: &&usize| self.nodes.iter().any(|(name, ..)| name == *node);
        let resource = |number| json!({ "name": format!("r{number}"), "type": "process", "command": ["/bin/true"] });
        let value = json!({
            "name": GROUPS[group.name],
            "preferred_owners": group.prefers.iter().filter(there).map(|node| NODES[*node]).collect::<Vec<_>>(),
            "failover": { "max_failovers": 1, "period": group.period },
            "resources": (0..group.resources).map(resource).collect::<Vec<_>>(),
        });
        let value = with(value, "wanted", json!(group.wanted));
        with(value, "maintenance", maintenance(group.maintained))
    }
}

fn maintenance(there: bool) -> Value {
    let maintenance = json!({ "owner": "alice", "reason": "disks", "until": "2027-01-15T08:03:20Z" });
    if there { maintenance } else { Value::Null }
}

fn dependency((number, down): (usize, &bool)) -> Value {
    with(json!({ "name": format!("db{number}"), "kind": "database" }), "down", maintenance(*down))
}

fn waiver(number: usize) -> Value {
    let expires = "2027-06-01T00:00:00Z";
    json!({ "rule": format!("R{number}0"), "object": "hosts/recv", "reason": "known", "actor": "alice", "expires": expires })
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    if !value.is_null() {
        object[key] = value;
    }
    object
}

pub fn step() -> impl Strategy<Value = Step> {
    let tick = prop_oneof![4 => 0_i64..20, 1 => 60_i64..400, 1 => -30_i64..0];
    (prop::bool::weighted(0.25), tick, prop::bool::weighted(0.9), verb()).prop_map(|(other, tick, create, verb)| Step {
        other,
        tick,
        create,
        verb,
    })
}

fn verb() -> impl Strategy<Value = Verb> {
    let looks = prop::collection::vec(look(), KNOWN);
    let page = (0_usize..40, prop::option::of(index()), 0_u32..6);
    prop_oneof![
        4 => (topology(), hope()).prop_map(|(topology, expect)| Verb::Put { topology, expect }),
        3 => (topology(), prop::bool::weighted(0.2)).prop_map(|(topology, older)| Verb::Replace { topology, older }),
        1 => hope().prop_map(|expect| Verb::Delete { expect }),
        5 => (kind(), index(), prop::option::weighted(0.4, index()), prop::bool::weighted(0.05))
            .prop_map(|(kind, target, to, again)| Verb::Begin { kind, target, to, again }),
        3 => (0_usize..6).prop_map(|operation| Verb::Cancel { operation }),
        2 => reign(),
        1 => index().prop_map(|node| Verb::Agent { node }),
        1 => (0_usize..4).prop_map(|events| Verb::Note { events }),
        6 => (ground(), made()).prop_map(|(ground, made)| Verb::Commit { ground, made }),
        6 => (ground(), looks).prop_map(|(ground, looks)| Verb::Plan { ground, looks }),
        2 => page.prop_map(|(before, group, limit)| Verb::Page { before, group, limit }),
        2 => (0_i64..200, prop::bool::weighted(0.3), 0_u32..20)
            .prop_map(|(age, gone, limit)| Verb::Prune { age, gone, limit }),
    ]
}

pub fn topology() -> impl Strategy<Value = Draft> {
    let wanted = prop::option::weighted(0.3, select(vec![NodeWanted::Active, NodeWanted::Paused, NodeWanted::Drained]));
    let nodes = (some_of_the_known(1), prop::collection::vec((0_u16..2, wanted, prop::bool::weighted(0.2)), KNOWN));
    let groups = (some_of_the_known(1), prop::collection::vec(group(), KNOWN));
    let settings = (select(vec!["4s", "5s", "30s"]), select(vec![0.01, 0.007, 0.1]));
    (nodes, groups, settings, whole()).prop_map(|((nodes, looks), (groups, drafts), (lease, drift), whole)| Draft {
        whole,
        nodes: nodes.into_iter().zip(looks).map(|(name, (port, wanted, kept))| (name, port, wanted, kept)).collect(),
        groups: groups.into_iter().zip(drafts).map(|(name, draft)| DraftGroup { name, ..draft }).collect(),
        lease,
        drift,
    })
}

fn whole() -> impl Strategy<Value = Whole> {
    let hosts = prop::collection::vec((any::<bool>(), any::<bool>(), 0_usize..3), 0..=HOSTS.len());
    let dependencies = prop::collection::vec(any::<bool>(), 0..3);
    (hosts, prop::bool::weighted(0.2), dependencies, 0_usize..3)
        .prop_map(|(hosts, maintenance, dependencies, waivers)| Whole { hosts, maintenance, dependencies, waivers })
}

fn group() -> impl Strategy<Value = DraftGroup> {
    let wanted = prop::option::weighted(0.2, select(vec![GroupWanted::Online, GroupWanted::Offline]));
    let period = select(vec!["6h", "5m", "30s", "1s"]);
    let maintained = prop::bool::weighted(0.2);
    (wanted, some_of_the_known(0), period, 1_usize..3, maintained).prop_map(
        |(wanted, prefers, period, resources, maintained)| DraftGroup {
            name: 0,
            wanted,
            prefers,
            period,
            resources,
            maintained,
        },
    )
}

fn some_of_the_known(least: usize) -> impl Strategy<Value = Vec<usize>> {
    let some = |least| subsequence((0..KNOWN).collect::<Vec<_>>(), least..=KNOWN).prop_shuffle();
    prop_oneof![2 => some(KNOWN), 1 => some(least)]
}

/// Of a name, mostly of one that may be there.
pub fn index() -> impl Strategy<Value = usize> {
    prop_oneof![30 => 0..KNOWN, 1 => KNOWN..NODES.len()]
}

fn hope() -> impl Strategy<Value = Hope> {
    prop_oneof![4 => Just(Hope::Anything), 1 => Just(Hope::Absent), 2 => Just(Hope::Present), 1 => Just(Hope::Older)]
}

fn ground() -> impl Strategy<Value = Ground> {
    let stale = select(vec![Ground::OlderGeneration, Ground::OlderDecision, Ground::OtherReign]);
    prop_oneof![9 => Just(Ground::Present), 1 => stale]
}

fn kind() -> impl Strategy<Value = OperationKind> {
    use OperationKind::{ConfirmDown, Drain, Move, Offline, Online, Pause, Reset, Resume};
    select(vec![ConfirmDown, Drain, Move, Offline, Online, Pause, Reset, Resume])
}

fn reign() -> impl Strategy<Value = Verb> {
    let number = || prop_oneof![6 => 0_u64..40, 1 => select(vec![(1 << 62) - 1, 1 << 62, u64::MAX])];
    let longest = prop_oneof![Just(0_u64), Just(60_000_000_001), 0..90_000_000_000_u64];
    (number(), number(), longest).prop_map(|(term, decision, longest_ns)| Verb::Reign { term, decision, longest_ns })
}
