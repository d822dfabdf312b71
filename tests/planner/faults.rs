//! How does a what-if read in a scenario, and is it the same as what the scenario's own world would do?

use std::fmt::Write as _;

use locum::planner::what_if::counted_ids;
use locum::planner::{Faults, Snapshot, WhatIf, what_if};

use crate::say::word;

/// `lose a b pause c down db`, in any order; nothing at all is a world without faults.
pub fn parse(words: &[&str]) -> Faults {
    let (mut faults, mut kind) = (Faults::default(), "");
    for word in words {
        match (*word, kind) {
            ("lose" | "pause" | "down", _) => kind = word,
            (node, "lose") => drop(faults.lose.insert(node.parse().unwrap())),
            (node, "pause") => drop(faults.pause.insert(node.parse().unwrap())),
            (dependency, "down") => drop(faults.dependencies_down.insert(dependency.parse().unwrap())),
            _ => panic!("no such fault: {word}"),
        }
    }
    faults
}

pub fn say(snapshot: &Snapshot, words: &[&str]) -> String {
    let faults = parse(words);
    let unknown: Vec<String> =
        faults.unknown(snapshot).into_iter().map(|(field, why)| format!("{field}: {why}\n")).collect();
    if !unknown.is_empty() {
        return unknown.concat();
    }
    told(&what_if(snapshot, &faults, &mut counted_ids()))
}

fn told(found: &WhatIf) -> String {
    let mut out = String::new();
    for line in &found.plan.lines {
        let bound = line.downtime_at_most.map_or_else(String::new, |bound| format!(", down at most {bound}"));
        writeln!(out, "{} {}{bound}: {}", word(line.action), line.group, line.reason).unwrap();
    }
    for moved in &found.moves {
        let from = moved.from.as_ref().map_or("-".to_owned(), ToString::to_string);
        writeln!(out, "after {}: {} {from} -> {}: {}", moved.after, moved.group, moved.to, moved.reason).unwrap();
    }
    for downtime in &found.downtime {
        let bound = downtime.at_most.map_or("for good".to_owned(), |bound| format!("at most {bound}"));
        writeln!(out, "{} down {bound}: {}", downtime.group, downtime.made_of).unwrap();
    }
    for end in &found.end {
        let node = |node: &Option<_>| node.as_ref().map_or("-".to_owned(), ToString::to_string);
        let message = end.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
        writeln!(
            out,
            "end {} {} on {}, was on {}{message}",
            end.name,
            word(end.state),
            node(&end.owner),
            node(&end.was_on)
        )
        .unwrap();
    }
    if !found.settled {
        writeln!(out, "not settled within {}", found.looked_ahead).unwrap();
    }
    out
}
