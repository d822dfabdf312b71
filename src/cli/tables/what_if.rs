//! How do a what-if and a cluster's resilience look?

use comfy_table::Cell;

use super::{NOTHING, node_or_nothing, plan, state_cell, table, word};
use crate::domain::GroupState;
use crate::planner::{Explanation, WhatIf};

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
