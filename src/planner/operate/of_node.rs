//! Where does an operation on a node stand?

use super::Verdict;
use crate::domain::{GroupName, NodeName, NodeState, NodeWanted, Operation, OperationKind, PlacementPhase, Progress};
use crate::planner::draft::{Draft, Owned};
use crate::planner::snapshot::NodeView;
use crate::planner::words::counted;

pub(super) fn verdict(
    draft: &Draft<'_>,
    owned: &Owned<'_>,
    kind: OperationKind,
    (name, node): (&NodeName, &NodeView),
) -> Verdict {
    let wanted = match kind {
        OperationKind::Pause => NodeWanted::Paused,
        OperationKind::Drain => NodeWanted::Drained,
        OperationKind::Resume => NodeWanted::Active,
        _ => return confirmed(name, node),
    };
    if node.wanted != wanted {
        return Verdict::Superseded(format!("something newer is wanted of {name}"));
    }
    match kind {
        OperationKind::Pause => Verdict::Succeeded(format!("{name} keeps what it runs and gets nothing new")),
        OperationKind::Resume => Verdict::Succeeded(format!("{name} may run groups again")),
        _ => drained(draft, name, left(owned, name)),
    }
}

/// The groups that have left a node that is drained, of those that were there when that began and have come since.
pub(super) fn progress(draft: &Draft<'_>, owned: &Owned<'_>, operation: &Operation) -> Option<Progress> {
    let Some((name, _)) = draft.snapshot.nodes.get_key_value(operation.target.as_str()) else {
        return operation.progress;
    };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let there = || draft.groups().filter(|(_, group, _)| group.placement.owner() == Some(name)).count();
    let before = operation.progress.unwrap_or_else(|| Progress { done: 0, total: number(there()) });
    let left = number(left(owned, name).len());
    let total = before.total.max(before.done.saturating_add(left));
    Some(Progress { done: total - left, total })
}

/// What is still on it.
fn left<'o>(owned: &'o Owned<'_>, name: &NodeName) -> &'o [&'o GroupName] {
    owned.get(name).map_or(&[], Vec::as_slice)
}

fn confirmed(name: &NodeName, node: &NodeView) -> Verdict {
    match node.seen.state {
        NodeState::Up => Verdict::failed(
            format!("{name} answers; nothing was confirmed"),
            format!("drain {name} if nothing should run there"),
        ),
        NodeState::Down if node.confirmed_down.is_some() => Verdict::Succeeded(format!("{name} counts as down")),
        _ => Verdict::waiting(format!("waits until {name} counts as down")),
    }
}

fn drained(draft: &Draft<'_>, name: &NodeName, left: &[&GroupName]) -> Verdict {
    if left.is_empty() {
        return Verdict::Succeeded(drained_but_for(draft, name));
    }
    let is_releasing = |group: &GroupName| !matches!(draft.standing(group).placement.phase, PlacementPhase::Held);
    let why = |group: &&GroupName| {
        let summary = draft.plan.reasons.get(*group).map(|reasoning| reasoning.summary.clone());
        match summary {
            _ if is_releasing(group) => format!("{group} is on its way"),
            Some(summary) => format!("{group}: {summary}"),
            None => format!("{group} has not begun to move"),
        }
    };
    let list: Vec<String> = left.iter().map(why).collect();
    let message = format!("{} left: {}", counted(left.len(), "group"), list.join("; "));
    if left.iter().any(|group| is_releasing(group)) {
        return Verdict::releasing(message);
    }
    Verdict::waiting(message)
}

/// Instances of unclustered hosts go nowhere else: who is about to switch the node off has to know of them.
fn drained_but_for(draft: &Draft<'_>, name: &NodeName) -> String {
    let instances = draft.snapshot.nodes.get(name).into_iter().flat_map(|node| &node.seen.instances);
    let alive: Vec<&str> = instances.filter(|(_, seen)| seen.may_be_alive()).map(|(host, _)| host.as_str()).collect();
    if alive.is_empty() {
        return format!("{name} runs nothing");
    }
    let hosts = alive.join(", ");
    format!(
        "{name} runs no group any more; instances of unclustered hosts go on there: {hosts}. Disable them to stop them"
    )
}
