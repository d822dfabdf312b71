//! How does a what-if read in a scenario, and is it the same as what the scenario's own world would do?

use std::fmt::Write as _;

use locum::planner::resilience::Loss;
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

/// The loss of each node and of pairs, each also played on the whole snapshot: that must come to the same.
pub fn resilience(snapshot: &Snapshot) -> String {
    let found = locum::planner::resilience(snapshot, &mut counted_ids());
    let mut out = String::new();
    for loss in found.nodes.iter().chain(&found.pairs) {
        same_as_whole(snapshot, loss);
        let nodes: Vec<&str> = loss.nodes.iter().map(|node| node.as_str()).collect();
        let names: Vec<&str> = loss.fail_over.iter().map(|group| group.as_str()).collect();
        let bound = loss.down_at_most.map_or_else(String::new, |bound| format!(", down at most {bound}"));
        writeln!(out, "{}: {} fail over{bound}", nodes.join("+"), names.len()).unwrap();
        for down in &loss.stay_down {
            writeln!(out, "    {} {}: {}", down.group, word(down.state), down.message).unwrap();
        }
    }
    let names: Vec<&str> = found.not_covered.iter().map(|group| group.as_str()).collect();
    writeln!(out, "{} pairs ({}); not covered: {}", found.pairs_count, word(found.pairs_computed), names.join(" "))
        .unwrap();
    for down in &found.down_already {
        writeln!(out, "down already: {} {}: {}", down.group, word(down.state), down.message).unwrap();
    }
    out
}

fn same_as_whole(snapshot: &Snapshot, loss: &Loss) {
    let whole = what_if(snapshot, &Faults::losing(loss.nodes.iter().cloned()), &mut counted_ids());
    let before: Vec<_> = what_if(snapshot, &Faults::default(), &mut counted_ids()).downtime;
    assert!(before.is_empty(), "the scenario is not at rest: {before:?}");
    let down = whole.downtime.iter().filter(|downtime| downtime.at_most.is_none()).map(|downtime| &downtime.group);
    assert!(down.eq(loss.stay_down.iter().map(|down| &down.group)), "{loss:#?}: {whole:#?}");
    let back = whole.downtime.iter().filter(|downtime| downtime.at_most.is_some()).map(|downtime| &downtime.group);
    assert!(back.eq(&loss.fail_over), "{loss:#?}: {whole:#?}");
    assert_eq!(whole.downtime.iter().filter_map(|downtime| downtime.at_most).max(), loss.down_at_most);
}
