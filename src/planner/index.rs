//! What does a snapshot say of one group? Found once for all groups, so that no question about one goes through every node.

use std::ops::Range;

use foldhash::{HashMap, HashMapExt, HashSet};

use super::snapshot::{NodeView, SeenGroup, Snapshot};
use crate::domain::{Epoch, GroupName, NodeName, NodeState, Operation, OperationKind};

/// A snapshot by what is asked of it. Maps are only looked up, never gone through: their order is left to chance.
pub(super) struct Index<'a> {
    nodes: HashMap<&'a NodeName, &'a NodeView>,
    /// How many nodes the topology has.
    pub members: usize,
    /// Of all groups in one list, those of each group together and in the order of the nodes' names.
    reports: Vec<Report<'a>>,
    reported: HashMap<&'a GroupName, Range<usize>>,
    /// Nodes that have not said yet what they run and may run anything, in the order of their names.
    pub unheard: Vec<(&'a NodeName, &'a NodeView)>,
    moves: HashMap<&'a str, &'a Operation>,
    starts: HashMap<&'a str, &'a Operation>,
    drains: HashMap<&'a str, &'a Operation>,
    resets: HashSet<&'a str>,
}

/// What a node last said of a group.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    pub node: &'a NodeName,
    pub view: &'a NodeView,
    pub seen: &'a SeenGroup,
}

impl Report<'_> {
    /// Whether something of the group may be alive there.
    pub fn may_run(&self) -> bool {
        self.view.seen.state != NodeState::Down && self.seen.running
    }
}

impl<'a> Index<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let (reports, reported) = reports(snapshot);
        let unheard = |(_, node): &(&NodeName, &NodeView)| !node.seen.answered && node.seen.state != NodeState::Down;
        // For what is over time nothing is done any more, whenever it is ended.
        let in_time = || snapshot.operations.iter().filter(|op| !op.is_timed_out(snapshot.now));
        let newest = |kinds: &[OperationKind]| {
            let asked = in_time().filter(|op| kinds.contains(&op.kind));
            asked.map(|op| (op.target.as_str(), op)).collect::<HashMap<_, _>>()
        };
        let resets = in_time().filter(|op| op.kind == OperationKind::Reset);
        Self {
            nodes: snapshot.nodes.iter().collect(),
            members: snapshot.nodes.values().filter(|node| !node.retired).count(),
            reports,
            reported,
            unheard: snapshot.nodes.iter().filter(unheard).collect(),
            moves: newest(&[OperationKind::Move]),
            starts: newest(&[OperationKind::Move, OperationKind::Online]),
            drains: newest(&[OperationKind::Drain]),
            resets: resets.map(|op| op.target.as_str()).collect(),
        }
    }

    /// The node of that name, if the snapshot has it.
    pub fn node(&self, name: &NodeName) -> Option<(&'a NodeName, &'a NodeView)> {
        self.nodes.get_key_value(name).map(|(name, view)| (*name, *view))
    }

    /// What nodes last said of `group`, in the order of their names.
    pub fn reports(&self, group: &GroupName) -> &[Report<'a>] {
        self.reported.get(group).map_or(&[], |range| &self.reports[range.clone()])
    }

    /// What `node` last said of it.
    pub fn report(&self, group: &GroupName, node: &NodeName) -> Option<&Report<'a>> {
        self.reports(group).iter().find(|report| report.node == node)
    }

    /// The highest epoch of it that was heard of.
    pub fn highest_epoch(&self, group: &GroupName) -> Epoch {
        self.reports(group).iter().map(|report| report.seen.epoch).max().unwrap_or_default()
    }

    /// Whether any node may run it.
    pub fn may_run_anywhere(&self, group: &GroupName) -> bool {
        self.reports(group).iter().any(Report::may_run)
    }

    /// The move of `group` that was asked for last.
    pub fn newest_move(&self, group: &GroupName) -> Option<&'a Operation> {
        self.moves.get(group.as_str()).copied()
    }

    /// The move of `group`, or the wish to have it online, that was asked for last.
    pub fn newest_start(&self, group: &GroupName) -> Option<&'a Operation> {
        self.starts.get(group.as_str()).copied()
    }

    /// The drain of `node` that was asked for last.
    pub fn newest_drain(&self, node: &NodeName) -> Option<&'a Operation> {
        self.drains.get(node.as_str()).copied()
    }

    /// Whether an operator has just reset `group`.
    pub fn has_reset(&self, group: &GroupName) -> bool {
        self.resets.contains(group.as_str())
    }
}

fn reports(snapshot: &Snapshot) -> (Vec<Report<'_>>, HashMap<&GroupName, Range<usize>>) {
    let mut all = Vec::with_capacity(snapshot.groups.len());
    for (node, view) in &snapshot.nodes {
        all.extend(view.seen.groups.iter().map(|(group, seen)| (group, Report { node, view, seen })));
    }
    all.sort_by_key(|(group, _)| *group); // keeps the order of the nodes
    let mut reported: HashMap<_, Range<usize>> = HashMap::with_capacity(all.len());
    for (at, (group, _)) in all.iter().enumerate() {
        reported.entry(*group).or_insert(at..at).end = at + 1;
    }
    (all.into_iter().map(|(_, report)| report).collect(), reported)
}
