//! How do a what-if and a cluster's resilience look?

use comfy_table::Cell;

use super::{NOTHING, node_or_nothing, plan, state_cell, table, word};
use crate::domain::GroupState;
use crate::planner::resilience::{Loss, PairsComputed};
use crate::planner::{Explanation, Resilience, WhatIf};

/// The plan, the way to the end, and the end.
pub fn what_if(found: &WhatIf) -> String {
    let mut parts = vec![plan(&found.plan)];
    if !found.downtime.is_empty() {
        let mut rows = table(&["GROUP", "DOWN AT MOST", "MADE OF"]);
        for downtime in &found.downtime {
            let bound = downtime.at_most.map_or_else(|| "stays down".to_owned(), |bound| bound.to_string());
            rows.add_row([Cell::new(&downtime.group), Cell::new(bound), Cell::new(&downtime.made_of)]);
        }
        parts.push(rows.trim_fmt());
    }
    let mut rows = table(&["GROUP", "ENDS", "ON", "WAS ON", "WHY"]);
    for end in &found.end {
        rows.add_row([
            Cell::new(&end.name),
            state_cell(&word(&end.state), matches!(end.state, GroupState::Online | GroupState::Offline)),
            Cell::new(node_or_nothing(end.owner.as_ref())),
            Cell::new(node_or_nothing(end.was_on.as_ref())),
            Cell::new(end.message.as_deref().unwrap_or_default()),
        ]);
    }
    parts.push(if found.end.is_empty() { NOTHING.to_owned() } else { rows.trim_fmt() });
    if !found.settled {
        parts.push(format!("It goes on: nothing is settled within {}.", found.looked_ahead));
    }
    parts.join("\n\n")
}

/// Why a group is where it is, with a line for each node.
pub fn explanation(found: &Explanation) -> String {
    let owner = found.owner.as_ref().map_or_else(String::new, |owner| format!(" on {owner}"));
    let mut parts = vec![format!("{} is {}{owner}: {}", found.group, word(&found.state), found.summary)];
    if !found.obstacles.is_empty() {
        let mut rows = table(&["WHAT HOLDS IT", "WHAT WOULD CHANGE IT"]);
        for obstacle in &found.obstacles {
            rows.add_row([Cell::new(&obstacle.reason), Cell::new(&obstacle.change)]);
        }
        parts.push(rows.trim_fmt());
    }
    let mut rows = table(&["NODE", "CAN", "VERDICT", "WHAT WOULD CHANGE IT"]);
    for case in &found.nodes {
        let changes: Vec<&str> = case.obstacles.iter().map(|obstacle| obstacle.change.as_str()).collect();
        let changes = case.change.clone().unwrap_or_else(|| changes.join("\n"));
        rows.add_row([
            Cell::new(&case.node),
            state_cell(if case.eligible { "yes" } else { "no" }, case.eligible),
            Cell::new(&case.verdict),
            Cell::new(if changes.is_empty() { NOTHING } else { &changes }),
        ]);
    }
    parts.push(rows.trim_fmt());
    parts.join("\n\n")
}

/// What the loss of each node would do, and of the pairs that are worse than their nodes.
pub fn resilience(found: &Resilience) -> String {
    let mut parts = vec![losses("LOST", &found.nodes)];
    if !found.pairs.is_empty() {
        parts.push(losses("LOST TOGETHER", &found.pairs));
    }
    let which = match found.pairs_computed {
        PairsComputed::All => "all of them",
        PairsComputed::WhereTheyCanMatter => "those that can matter in a cluster of this size",
    };
    parts.push(format!(
        "{} pairs were computed, {which}; {} are worse than each of their nodes alone.",
        found.pairs_count,
        found.pairs.len()
    ));
    if !found.not_covered.is_empty() {
        let names: Vec<&str> = found.not_covered.iter().map(|group| group.as_str()).collect();
        parts.push(format!("Not covered against the loss of one node: {}", names.join(", ")));
    }
    if !found.down_already.is_empty() {
        let down =
            found.down_already.iter().map(|down| format!("{} ({}: {})", down.group, word(&down.state), down.message));
        parts.push(format!("Down already, whatever is lost: {}", down.collect::<Vec<_>>().join(", ")));
    }
    parts.join("\n\n")
}

fn losses(head: &str, losses: &[Loss]) -> String {
    let mut rows = table(&[head, "STAYS DOWN", "FAILS OVER", "DOWN AT MOST", "WHY"]);
    for loss in losses {
        let nodes: Vec<&str> = loss.nodes.iter().map(|node| node.as_str()).collect();
        let down: Vec<&str> = loss.stay_down.iter().map(|down| down.group.as_str()).collect();
        let why: Vec<String> = loss.stay_down.iter().map(|down| format!("{}: {}", down.group, down.message)).collect();
        rows.add_row([
            Cell::new(nodes.join(" ")),
            Cell::new(if down.is_empty() { NOTHING.to_owned() } else { down.join(" ") }),
            Cell::new(loss.fail_over.len()),
            Cell::new(loss.down_at_most.map_or_else(|| NOTHING.to_owned(), |bound| bound.to_string())),
            Cell::new(why.join("\n")),
        ]);
    }
    rows.trim_fmt()
}
