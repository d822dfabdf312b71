//! How do statistics and timelines look as tables?

use comfy_table::Cell;

use super::{NOTHING, clock_time, millis, node_or_nothing, state_cell, table};
use crate::domain::HumanDuration;
use crate::domain::statistics::{GroupStatistics, SpanState, Statistics, Timeline};

/// A line for each group.
pub fn groups(found: &Statistics) -> String {
    let head = format!("{}, {} to {}", found.cluster, clock_time(found.since), clock_time(found.until));
    let mut table = table(&[
        "GROUP",
        "UPTIME",
        "DOWN",
        "OFFLINE",
        "UNKNOWN",
        "FAILOVERS",
        "MEAN TO RECOVER",
        "LONGEST",
        "MEAN BETWEEN",
        "LAST",
    ]);
    for group in &found.groups {
        table.add_row(row(group));
    }
    format!("{head}\n\n{}", table.trim_fmt())
}

fn row(group: &GroupStatistics) -> Vec<Cell> {
    let percent = group.uptime_percent.map_or_else(|| NOTHING.to_owned(), |percent| format!("{percent:.4} %"));
    let outcomes = group.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_str()));
    let outcomes = outcomes.collect::<Vec<_>>().join(", ");
    let longest = group.longest.as_ref().and_then(|longest| longest.downtime_ms);
    let last = group.last.as_ref().map(|last| format!("{} {}", clock_time(last.detected_at), last.cause.as_str()));
    vec![
        Cell::new(&group.group),
        state_cell(&percent, group.downtime_ms == 0),
        Cell::new(length(Some(group.downtime_ms))),
        Cell::new(length(Some(group.offline_ms))),
        Cell::new(length(Some(group.unknown_ms))),
        Cell::new(if outcomes.is_empty() { "none".to_owned() } else { outcomes }),
        Cell::new(length(group.mean_recovery_ms)),
        Cell::new(length(longest)),
        Cell::new(length(group.mean_between_ms)),
        Cell::new(last.unwrap_or_else(|| NOTHING.to_owned())),
    ]
}

/// A line for each span.
pub fn timeline(found: &Timeline) -> String {
    let mut table = table(&["SINCE", "UNTIL", "FOR", "STATE", "OWNER", "CAUSE", "FAILOVER"]);
    for span in &found.spans {
        let lasted = span.until.duration_since(span.since);
        table.add_row([
            Cell::new(clock_time(span.since)),
            Cell::new(clock_time(span.until)),
            Cell::new(length(u64::try_from(lasted.as_millis()).ok())),
            state_cell(span.state.as_str(), span.state == SpanState::Online),
            Cell::new(node_or_nothing(span.owner.as_ref())),
            Cell::new(span.cause.map_or(NOTHING, |cause| cause.as_str())),
            Cell::new(span.failover.map_or_else(|| NOTHING.to_owned(), |id| id.to_string())),
        ]);
    }
    table.trim_fmt()
}

/// A short one as other tables have it, a long one to the second.
fn length(ms: Option<u64>) -> String {
    const MINUTE: u64 = 60_000;
    match ms {
        None => NOTHING.to_owned(),
        Some(ms) if ms < MINUTE => millis(ms),
        Some(ms) => HumanDuration::from_secs(ms / 1000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short() {
        let told = [None, Some(0), Some(5_649), Some(3_661_000)].map(length);
        assert_eq!(told, ["-", "0 ms", "5.64 s", "1h1m1s"]);
    }
}
