//! How long does one plan take, and how does that grow with the cluster?
//!
//! `cargo bench --bench plan` prints, for clusters with ten groups of four resources on each node, the time of one plan
//! from cold and after the loss of one node: medians of the runs, the growth from one size to the next against n log n
//! (1.00 or less: no worse), and beside it what a commit works out from that plan. `-- 10 100` takes other numbers of nodes.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use locum::domain::{Epoch, Generation, GroupState, NodeState, Term};
use locum::planner::snapshot::SeenGroup;
use locum::planner::{self, Snapshot};
use nix::time::{ClockId, clock_gettime};
use serde_json::json;
use uuid::Uuid;

const GROUPS_PER_NODE: usize = 10;
const RESOURCES_PER_GROUP: usize = 4;
const RUNS: usize = 21;
/// So that the slow ones do not take all day.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// What the groups of a world are like.
#[derive(Clone, Copy)]
enum World {
    /// Nothing speaks for or against a node but its load.
    Plain,
    /// Priorities, anti-affinity classes, preferred owners and racks.
    Ruled,
}

fn main() {
    let asked: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![10, 100, 1000] } else { asked };
    println!("milliseconds of one core: medians of {RUNS} (smallest .. largest); growth against n log n\n");
    for (title, world) in [("plain groups", World::Plain), ("with placement rules", World::Ruled)] {
        let cold = |nodes| cluster(nodes, world);
        rows(&format!("{title}, from cold"), &sizes, cold);
        rows(&format!("{title}, one node lost"), &sizes, |nodes| lose_one(settled(cluster(nodes, world))));
    }
}

fn rows(title: &str, sizes: &[usize], make: impl Fn(usize) -> Snapshot) {
    println!("{title:<36}{:>10}{:>24}{:>9}{:>12}{:>12}", "plan", "", "growth", "effects", "summary");
    let mut before: Option<(usize, f64)> = None;
    for nodes in sizes.iter().copied() {
        let snapshot = make(nodes);
        let plan = planner::plan(&snapshot);
        expect_whole(&snapshot, &plan);
        let spent = measure(|| planner::plan(&snapshot));
        let effects = measure(|| planner::effects(&snapshot, &plan, &mut Uuid::nil));
        let summary = measure(|| planner::summarize(&snapshot, &plan));
        let growth = before.map_or_else(String::new, |(less, time)| {
            format!("{:.2}", (spent.median / time) / (work(nodes) / work(less)))
        });
        let what = format!("  {nodes} nodes, {} groups", nodes * GROUPS_PER_NODE);
        let range = format!("({:.2} .. {:.2})", spent.smallest, spent.largest);
        println!(
            "{what:<36}{:>10.2}{range:>24}{growth:>9}{:>12.2}{:>12.2}",
            spent.median, effects.median, summary.median
        );
        before = Some((nodes, spent.median));
    }
    println!();
}

/// n log n, n being the number of groups.
#[allow(clippy::cast_precision_loss)] // a few thousand
fn work(nodes: usize) -> f64 {
    let groups = (nodes * GROUPS_PER_NODE) as f64;
    groups * groups.ln()
}

/// What this process has had of the processor: planning is one thread that waits for nothing, so that on an idle core it
/// is the time that passes, and on a busy one other processes' turns do not count.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock").into()
}

struct Spent {
    smallest: f64,
    median: f64,
    largest: f64,
}

fn measure<T>(work: impl Fn() -> T) -> Spent {
    let begun = Instant::now();
    let mut samples = Vec::new();
    while samples.len() < RUNS && (samples.is_empty() || begun.elapsed() < LONG_ENOUGH) {
        let start = processor_time();
        let made = black_box(work());
        samples.push((processor_time() - start).as_secs_f64() * 1e3);
        drop(made);
    }
    samples.sort_by(f64::total_cmp);
    Spent { smallest: samples[0], median: samples[samples.len() / 2], largest: samples[samples.len() - 1] }
}

/// A plan that does less than asked would be quick, and no measure.
fn expect_whole(snapshot: &Snapshot, plan: &planner::Plan) {
    let free = snapshot.groups.values().filter(|group| {
        let owner = group.placement.owner().and_then(|owner| snapshot.nodes.get(owner));
        owner.is_none_or(|owner| owner.seen.state == NodeState::Down)
    });
    assert_eq!(plan.placements.len(), free.count(), "every group without an owner is placed");
    assert!(!plan.placements.is_empty());
    assert!(plan.reassignments.is_empty(), "no other assignment changes");
}

/// Every node up, nothing placed.
fn cluster(nodes: usize, world: World) -> Snapshot {
    let now = "2026-01-01T12:00:00Z".parse().expect("a time");
    let empty = Snapshot::empty("large".parse().expect("a name"), Generation(1), now);
    let groups = nodes * GROUPS_PER_NODE;
    let document = json!({
        "cluster": "large",
        "nodes": (0..nodes).map(|index| node(index, world)).collect::<Vec<_>>(),
        "groups": (0..groups).map(|index| group(index, nodes, world)).collect::<Vec<_>>(),
    });
    let spec = serde_json::from_value(document).expect("a topology");
    Snapshot { term: Term(1), ..planner::with_topology(empty, &spec) }
}

fn node(index: usize, world: World) -> serde_json::Value {
    let mut node = json!({ "name": format!("node{index:04}"), "agent": format!("http://node{index:04}.example:7441") });
    if matches!(world, World::Ruled) {
        node["fault_domain"] = json!(format!("rack-{}", index % 8));
    }
    node
}

fn group(index: usize, nodes: usize, world: World) -> serde_json::Value {
    let resource = |part: usize| {
        json!({
            "name": format!("part{part}"),
            "type": "process",
            "command": ["/usr/bin/serve", "--group", format!("group{index:05}"), "--part", part.to_string()],
        })
    };
    let mut group = json!({
        "name": format!("group{index:05}"),
        "resources": (0..RESOURCES_PER_GROUP).map(resource).collect::<Vec<_>>(),
    });
    if matches!(world, World::Ruled) {
        group["priority"] = json!(["low", "medium", "high"][index % 3]);
        if index.is_multiple_of(2) {
            // As many of a class as a third of the nodes: each finds a node without another of it.
            group["anti_affinity"] = json!([format!("class-{}", index % 60)]);
        }
        if index.is_multiple_of(5) {
            let preferred = [index % nodes, (index + 1) % nodes].map(|node| format!("node{node:04}"));
            group["preferred_owners"] = json!(preferred);
        }
    }
    group
}

/// Everything is online where the planner puts it.
fn settled(mut snapshot: Snapshot) -> Snapshot {
    let plan = planner::plan(&snapshot);
    planner::effects(&snapshot, &plan, &mut Uuid::nil).apply_to(&mut snapshot);
    let now = snapshot.now;
    for node in snapshot.nodes.values_mut() {
        node.seen.applied = Some(node.assigned_at);
        for assigned in &node.assignment.groups {
            node.seen.groups.insert(assigned.group.clone(), online(assigned.epoch, now));
        }
    }
    assert!(planner::plan(&snapshot).is_empty(), "nothing is left to do");
    snapshot
}

fn online(epoch: Epoch, at: jiff::Timestamp) -> SeenGroup {
    SeenGroup {
        epoch,
        state: GroupState::Online,
        running: true,
        begun_at: Some(at),
        online_at: Some(at),
        failure: None,
        resources: Vec::new(),
    }
}

/// The node in the middle is proven down, as the reconciler would have it.
fn lose_one(mut snapshot: Snapshot) -> Snapshot {
    let middle = snapshot.nodes.len() / 2;
    if let Some(node) = snapshot.nodes.values_mut().nth(middle) {
        node.seen.state = NodeState::Down;
        node.seen.groups.clear();
    }
    snapshot
}
