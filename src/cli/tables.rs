//! How do plans, status, operations and history look as tables?

pub mod findings;
pub mod statistics;
pub mod what_if;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Serialize;

use crate::board::{GroupStatus, NodeStatus, StatusDocument};
use crate::domain::{Event, FailoverRecord, NodeName, NodeState, Operation, OperationState};
use crate::planner::{PlanLine, PlanSummary};

/// Stands for "nothing" in a cell.
const NOTHING: &str = "-";

/// A plan, a line per group, and one per instance of an unclustered host.
pub fn plan(summary: &PlanSummary) -> String {
    let groups = match summary.lines.as_slice() {
        [] => "No group starts, stops or moves.".to_owned(),
        lines => plan_lines(lines),
    };
    if summary.instances.is_empty() {
        return groups;
    }
    let mut instances = table(&["ACTION", "HOST", "NODE"]);
    for line in &summary.instances {
        instances.add_row([Cell::new(word(&line.action)), Cell::new(&line.host), Cell::new(&line.node)]);
    }
    format!("{groups}\n\n{}", instances.trim_fmt())
}

fn plan_lines(lines: &[PlanLine]) -> String {
    let mut table = table(&["ACTION", "GROUP", "FROM", "TO", "DOWNTIME", "REASON"]);
    for line in lines {
        let downtime = line.downtime_at_most.map_or_else(|| NOTHING.to_owned(), |bound| format!("<={bound}"));
        table.add_row([
            Cell::new(word(&line.action)),
            Cell::new(&line.group),
            Cell::new(node_or_nothing(line.from.as_ref())),
            Cell::new(node_or_nothing(line.to.as_ref())),
            Cell::new(downtime),
            Cell::new(&line.reason),
        ]);
    }
    table.trim_fmt()
}

/// An event as a line.
pub fn event(event: &Event) -> String {
    let Event { sequence, at, kind, subject, message, .. } = event;
    format!("{sequence:>6}  {}  {:<20}  {subject}: {message}", at.strftime("%F %T"), word(kind))
}

/// Wanted and seen of every node and group.
pub fn status(document: &StatusDocument) -> String {
    let head = format!(
        "cluster {}, generation {}: a lost node's groups start elsewhere within {} plus their start",
        document.cluster, document.generation, document.worst_case_takeover
    );
    let mut nodes = table(&["NODE", "STATE", "WANTED", "GROUPS", "AGENT", "NOTE"]);
    document.nodes.iter().for_each(|node| {
        nodes.add_row(node_row(node));
    });
    let mut groups = table(&["GROUP", "STATE", "OWNER", "WANTED", "EPOCH", "FAILOVERS", "RESOURCES", "NOTE"]);
    document.groups.iter().for_each(|group| {
        groups.add_row(group_row(group));
    });
    format!("{head}\n\n{}\n\n{}", nodes.trim_fmt(), groups.trim_fmt())
}

fn node_row(node: &NodeStatus) -> Vec<Cell> {
    let note = match (&node.problem, node.down_at) {
        (Some(problem), Some(at)) => format!("{problem} (proven down at {})", clock_time(at)),
        (Some(problem), None) => problem.clone(),
        (None, Some(at)) => format!("proven down at {}", clock_time(at)),
        (None, None) => String::new(),
    };
    let groups: Vec<&str> = node.groups.iter().map(|group| group.as_str()).collect();
    vec![
        Cell::new(&node.name),
        state_cell(&word(&node.state), node.state == NodeState::Up),
        Cell::new(word(&node.wanted)),
        Cell::new(if groups.is_empty() { NOTHING.to_owned() } else { groups.join(" ") }),
        Cell::new(&node.agent),
        Cell::new(note),
    ]
}

fn group_row(group: &GroupStatus) -> Vec<Cell> {
    let owner = match (&group.owner, &group.last_owner) {
        (Some(owner), _) => owner.to_string(),
        (None, Some(last)) => format!("- (was {last})"),
        (None, None) => NOTHING.to_owned(),
    };
    let resource = |r: &crate::board::ResourceStatus| {
        let pid = r.pid.map_or_else(String::new, |pid| format!(" pid {pid}"));
        let message = r.message.as_ref().map_or_else(String::new, |text| format!(": {text}"));
        format!("{} {}{pid}{message}", r.name, word(&r.state))
    };
    let note = match (&group.message, group.retry_at) {
        (Some(text), Some(at)) => format!("{text} (begins again at {})", clock_time(at)),
        (Some(text), None) => text.clone(),
        (None, _) => String::new(),
    };
    let state = word(&group.state);
    let as_wanted = state == word(&group.wanted);
    vec![
        Cell::new(&group.name),
        state_cell(&state, as_wanted),
        Cell::new(owner),
        Cell::new(word(&group.wanted)),
        Cell::new(group.epoch),
        Cell::new(format!("{} of {}", group.failovers_spent, group.max_failovers)),
        Cell::new(group.resources.iter().map(resource).collect::<Vec<_>>().join("\n")),
        Cell::new(note),
    ]
}

/// Failovers in the order given.
pub fn history(records: &[FailoverRecord]) -> String {
    if records.is_empty() {
        return "No failovers yet.".to_owned();
    }
    let mut table =
        table(&["DETECTED", "GROUP", "FROM", "TO", "CAUSE", "OUTCOME", "PROOF", "TOOK", "OVERLAP", "BY", "REASON"]);
    for record in records {
        let took: u64 = record.phases_ms.values().sum();
        table.add_row([
            Cell::new(clock_time(record.detected_at)),
            Cell::new(&record.group),
            Cell::new(node_or_nothing(record.from.as_ref())),
            Cell::new(node_or_nothing(record.to.as_ref())),
            Cell::new(record.cause.as_str()),
            state_cell(record.outcome.as_str(), record.outcome.as_str() == "succeeded"),
            Cell::new(record.release_proof.map_or(NOTHING, |proof| proof.as_str())),
            Cell::new(if record.online_at.is_some() { millis(took) } else { NOTHING.to_owned() }),
            Cell::new(format!("<= {}", millis(record.max_overlap_ms))),
            Cell::new(&record.actor),
            Cell::new(&record.reason),
        ]);
    }
    table.trim_fmt()
}

/// Operations in the order given, with their age at `now`.
pub fn operations(all: &[Operation], now: Timestamp) -> String {
    if all.is_empty() {
        return "No operations.".to_owned();
    }
    let mut table = table(&["ID", "KIND", "TARGET", "STATE", "PHASE", "DONE", "AGE", "BY", "MESSAGE"]);
    for operation in all {
        let done = operation.progress.map_or_else(|| NOTHING.to_owned(), |p| format!("{} of {}", p.done, p.total));
        let next = operation.next_step.as_ref().map_or_else(String::new, |next| format!("; {next}"));
        table.add_row([
            Cell::new(operation.id),
            Cell::new(operation.kind.as_str()),
            Cell::new(&operation.target),
            state_cell(operation.state.as_str(), operation.state == OperationState::Succeeded),
            Cell::new(operation.phase.as_str()),
            Cell::new(done),
            Cell::new(age(operation.created_at, now)),
            Cell::new(&operation.actor),
            Cell::new(format!("{}{next}", operation.message)),
        ]);
    }
    table.trim_fmt()
}

/// In the largest unit that fits; clocks of two machines may differ.
fn age(since: Timestamp, now: Timestamp) -> String {
    match now.duration_since(since).as_secs().max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// Columns without lines, so that `grep` and `awk` get on with them; wrapped only on a terminal.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header.iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold)));
    let arrangement = if table.is_tty() { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
    table.set_content_arrangement(arrangement);
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
}

/// Coloured where standard output is a terminal.
fn state_cell(text: &str, good: bool) -> Cell {
    Cell::new(text).fg(if good { Color::Green } else { Color::Yellow })
}

fn node_or_nothing(node: Option<&NodeName>) -> &str {
    node.map_or(NOTHING, NodeName::as_str)
}

/// A word of the API, as the API spells it.
pub fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Local date and time to the second.
fn clock_time(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%m-%d %H:%M:%S").to_string()
}

fn millis(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::HumanDuration;
    use crate::planner::{InstanceLine, PlanAction};

    #[test]
    fn a_plan_is_a_table_without_lines() {
        let line = PlanLine {
            action: PlanAction::Move,
            group: "ftp-receive".parse().unwrap(),
            from: Some("bts1".parse().unwrap()),
            to: None,
            downtime_at_most: Some(HumanDuration::from_secs(190)),
            reason: "bts1 leaves".to_owned(),
        };
        let (host, node) = ("Ftp".parse().unwrap(), "bts2".parse().unwrap());
        let instance = InstanceLine { action: PlanAction::Start, host, node };
        let text = plan(&PlanSummary { lines: vec![line], instances: vec![instance], disturbs: true });
        let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["ACTION", "GROUP", "FROM", "TO", "DOWNTIME", "REASON"]);
        assert_eq!(rows[1], ["move", "ftp-receive", "bts1", "-", "<=3m10s", "bts1", "leaves"]);
        assert_eq!(rows[4], ["start", "Ftp", "bts2"]);
        assert!(plan(&PlanSummary::default()).contains("No group"));
    }

    #[test]
    fn times_are_short() {
        assert_eq!(millis(0), "0 ms");
        assert_eq!(millis(5_649), "5.64 s");
        let ages = [-5, 119, 121, 7_200, 200_000]
            .map(|seconds| age(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap()));
        assert_eq!(ages, ["0s", "119s", "2m", "2h", "2d"]);
    }
}
