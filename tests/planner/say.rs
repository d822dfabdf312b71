//! How does a plan read in a scenario?

use std::fmt::Write as _;

use jiff::Timestamp;
use locum::domain::{GroupName, OperationPhase};
use locum::planner::plan::{Intent, Reasoning};
use locum::planner::{Plan, Snapshot, budget, explanation, group_state, summarize};

pub fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.f").to_string()
}

fn intent(failover: Option<&Intent>) -> String {
    let to = |intent: &Intent| intent.to.as_ref().map_or("no node yet".to_owned(), ToString::to_string);
    let say = |intent: &Intent| format!(" [failover {} by {} to {}]", word(intent.cause), intent.actor, to(intent));
    failover.map_or_else(String::new, say)
}

pub fn plan(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    let summary = summarize(snapshot, plan);
    for line in &summary.lines {
        let route = [("from", &line.from), ("to", &line.to)];
        let route = route.into_iter().filter_map(|(word, node)| Some(format!(" {word} {}", node.as_ref()?)));
        let route: String = route.collect();
        writeln!(out, "{} {}{route}: {}", word(line.action).to_uppercase(), line.group, line.reason).unwrap();
    }
    for line in &summary.instances {
        writeln!(out, "{} {} on {}", word(line.action).to_uppercase(), line.host, line.node).unwrap();
    }
    if summary.disturbs {
        out.push_str("disturbs what runs\n");
    }
    steps(plan, &mut out);
    for (group, reasoning) in &plan.reasons {
        writeln!(out, "why {group}: {}", self::reasoning(reasoning)).unwrap();
    }
    if plan.is_empty() {
        out.push_str("nothing to do\n");
    }
    if let Some(at) = plan.look_again_at {
        writeln!(out, "look again at {}", time(at)).unwrap();
    }
    out
}

fn steps(plan: &Plan, out: &mut String) {
    for adoption in &plan.adoptions {
        writeln!(out, "adopt {} on {} at epoch {}", adoption.group, adoption.node, adoption.epoch).unwrap();
    }
    for closing in &plan.closings {
        writeln!(out, "close {} {}: {}", closing.group, word(closing.outcome), closing.reason).unwrap();
    }
    for held in &plan.held {
        writeln!(out, "hold back {} ({})", held.group, word(held.cause)).unwrap();
    }
    for release in &plan.releases {
        writeln!(out, "release {} from {}{}", release.group, release.from, intent(release.failover.as_ref())).unwrap();
    }
    for proof in &plan.proofs {
        let failover = intent(proof.failover.as_ref());
        writeln!(out, "proof {} {}: {}{failover}", proof.group, word(proof.proof), proof.evidence).unwrap();
    }
    for place in &plan.placements {
        let failover = intent(place.failover.as_ref());
        writeln!(out, "place {} on {} at epoch {}{failover}", place.group, place.to, place.epoch).unwrap();
    }
    for (group, mark) in &plan.marks {
        let said = mark.as_ref().map(|mark| format!("failed until {}: {}", time(mark.retry_at), mark.reason));
        writeln!(out, "mark {group} {}", said.unwrap_or_else(|| "cleared".to_owned())).unwrap();
    }
    for step in &plan.operations {
        let phase = (step.phase != OperationPhase::Ended).then(|| word(step.phase));
        let counted = step.progress.map(|progress| format!("{} of {}", progress.done, progress.total));
        let far: Vec<String> = phase.into_iter().chain(counted).collect();
        let far = if far.is_empty() { String::new() } else { format!(" ({})", far.join(", ")) };
        writeln!(out, "operation {} {}{far}: {}", step.id.as_u128(), word(step.state), step.message).unwrap();
        if let Some(next) = &step.next_step {
            writeln!(out, "    next: {next}").unwrap();
        }
    }
    for (node, losses) in &plan.losses {
        let what = if losses.lost { "lost" } else { "not lost" };
        writeln!(out, "{node} is {what}, {} counted", losses.moments.len()).unwrap();
    }
    for node in &plan.withdrawn_confirmations {
        writeln!(out, "withdraw the confirmation of {node}").unwrap();
    }
    for node in &plan.reassignments {
        writeln!(out, "reassign {node}").unwrap();
    }
    for node in &plan.forget_nodes {
        writeln!(out, "forget node {node}").unwrap();
    }
    for group in &plan.forget_groups {
        writeln!(out, "forget group {group}").unwrap();
    }
}

pub fn reasoning(reasoning: &Reasoning) -> String {
    let verdicts = reasoning.verdicts.iter().map(|(node, verdict)| format!("\n    {node}: {verdict}"));
    format!("{}{}", reasoning.summary, verdicts.collect::<String>())
}

pub fn status(snapshot: &Snapshot) -> String {
    let line = |name: &GroupName| {
        let (state, message) = group_state(snapshot, name);
        let placement = &snapshot.groups[name].placement;
        let owner = placement.owner().map_or("-".to_owned(), ToString::to_string);
        let (spent, max) = budget(snapshot, name);
        let message = message.map_or_else(String::new, |message| format!(": {message}"));
        format!("{name} {} on {owner}, epoch {}, budget {spent} of {max}{message}\n", word(state), placement.epoch)
    };
    let quarantined = locum::planner::quarantined(snapshot);
    let nodes = quarantined.iter().map(|(node, why)| format!("{node}: {why}\n"));
    snapshot.groups.keys().map(line).chain(nodes).collect()
}

/// What stands in the way of a group, and what would change that.
pub fn obstacles(snapshot: &Snapshot, group: &GroupName) -> String {
    let found = explanation(snapshot, group).unwrap();
    let owner = found.owner.as_ref().map_or("-".to_owned(), ToString::to_string);
    let mut out = format!("{} {} on {owner}: {}\n", found.group, word(found.state), found.summary);
    for obstacle in &found.obstacles {
        writeln!(out, "  {}: {} => {}", word(obstacle.kind), obstacle.reason, obstacle.change).unwrap();
    }
    for case in &found.nodes {
        let change = case.change.as_ref().map_or_else(String::new, |change| format!(" => {change}"));
        writeln!(out, "{}: {}{change}", case.node, case.verdict).unwrap();
        for obstacle in &case.obstacles {
            writeln!(out, "    {}: {} => {}", word(obstacle.kind), obstacle.reason, obstacle.change).unwrap();
        }
    }
    out
}
