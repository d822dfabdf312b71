//! Is there, at the end, what was acknowledged, and nothing of what was refused?

use locum::domain::{Actor, Operation, OperationPhase, OperationState};

use super::Found;
use super::stored::Stored;
use crate::history::{Rows, Wish};

/// I5.
pub fn judge(rows: &Rows, stored: &Stored, found: &mut Found) {
    for (who, wish, generation) in &stored.line.acknowledged {
        let change = generation.is_none_or(|generation| {
            rows.changes.iter().any(|change| change.generation == generation && change.actor == *who)
        });
        let operation = match wish {
            Wish::Topology => true,
            Wish::Operation(id) => rows.operations.iter().any(|operation| operation.id == *id),
            Wish::Cancel(id) => {
                let cancelled = |operation: &&Operation| operation.state == OperationState::Cancelled;
                rows.operations.iter().filter(cancelled).any(|operation| operation.id == *id)
            }
        };
        if !(change && operation) {
            found.broken("I5", &[], format!("what {who} was told to be written is not there: {wish:?}"));
        }
    }
    for (who, why) in &stored.refused {
        if let Some(trace) = trace_of(who, rows) {
            found.broken("I5", &[], format!("{who} was refused ({why}), and left a trace: {trace}"));
        }
    }
    placements(rows, stored, found);
    records(rows, stored, found);
    operations(rows, found);
    for (event, expected) in rows.events.iter().zip(1..) {
        if event.sequence != expected {
            found.broken("I5", &[], format!("event {} has the number {}", expected, event.sequence));
            break;
        }
    }
}

/// Every wish is somebody's of his own.
fn trace_of(who: &Actor, rows: &Rows) -> Option<String> {
    let change = rows.changes.iter().find(|change| change.actor == *who).map(|change| format!("{:?}", change.action));
    let operation = || rows.operations.iter().find(|op| op.actor == *who).map(|op| op.kind.as_str().to_owned());
    let word = |text: &str| text.split_whitespace().any(|word| word == who.0);
    let event = || rows.events.iter().find(|event| word(&event.message)).map(|event| event.message.clone());
    change.or_else(operation).or_else(event)
}

fn placements(rows: &Rows, stored: &Stored, found: &mut Found) {
    for (name, group) in &rows.stored.groups {
        let committed = stored.line.placements.get(name).cloned().unwrap_or_default();
        let there = &group.placement;
        if committed != *there {
            found.broken("I5", &[name], format!("{name} was committed as {committed:?} and is stored as {there:?}"));
        }
    }
}

/// What has ended says so in every way, once, and stays ended.
fn operations(rows: &Rows, found: &mut Found) {
    for operation in &rows.operations {
        let last = operation.phases.last().map(|begun| begun.phase);
        let whole = last == Some(operation.phase)
            && operation.is_running() == (operation.phase != OperationPhase::Ended)
            && operation.is_running() == operation.ended_at.is_none()
            && operation.phases.windows(2).all(|pair| pair[0].phase != pair[1].phase && pair[0].at <= pair[1].at)
            && (operation.state == OperationState::Failed) == operation.next_step.is_some();
        if !whole {
            found.broken("I5", &[&operation.target], format!("an operation stands in two ways: {operation:?}"));
        }
    }
}

fn records(rows: &Rows, stored: &Stored, found: &mut Found) {
    for record in &rows.failovers {
        if stored.line.records.get(&record.id) != Some(record) {
            let what = format!("the failover {} of {} is stored as it was never committed", record.id, record.group);
            found.broken("I5", &[&record.group], what);
        }
    }
    if rows.failovers.len() != stored.line.records.len() {
        let (there, committed) = (rows.failovers.len(), stored.line.records.len());
        found.broken("I5", &[], format!("{committed} failovers were committed, and {there} are stored"));
    }
}
