//! Why is a group here and not there, and what would change it: for an operator who wants to do something about it?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::candidates;
use super::draft::Draft;
use super::obstacles::{self, Obstacle};
use super::place::choice;
use super::snapshot::Snapshot;
use super::{explain, group_state};
use crate::domain::{GroupName, GroupState, NodeName};

/// Why a group is where it is, for every node the reason for or against it, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    pub group: GroupName,
    pub state: GroupState,
    pub owner: Option<NodeName>,
    /// The node that it stays on or goes to; null: none.
    pub chosen: Option<NodeName>,
    /// A sentence on the whole.
    pub summary: String,
    /// What keeps it from being started, whichever the node.
    pub obstacles: Vec<Obstacle>,
    /// In the order of their names.
    pub nodes: Vec<NodeCase>,
}

/// One node for one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeCase {
    pub node: NodeName,
    /// Whether it could take the group.
    pub eligible: bool,
    /// What the planner says of it, as failover records have it.
    pub verdict: String,
    /// All that rules it out.
    pub obstacles: Vec<Obstacle>,
    /// For a node that could take it and does not: what would bring it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub change: Option<String>,
}

/// The explanation of a group; none if it is not there.
pub(super) fn explanation(snapshot: &Snapshot, group: &GroupName) -> Option<Explanation> {
    let (group, view) = snapshot.groups.get_key_value(group)?;
    let reasoning = explain(snapshot, group)?;
    let draft = Draft::new(snapshot);
    let judgement = match view.placement.owner() {
        Some(_) => candidates::judge(&draft, group, None),
        None => choice(&draft, group),
    };
    // What is free goes to the best node by itself, and what is failed or offline is not moved.
    let moves = view.is_wanted() && view.placement.assigned_to().is_some();
    let nodes = snapshot.nodes.keys().map(|node| {
        let eligible = judgement.is_eligible(node);
        let elsewhere = eligible && moves && view.placement.owner() != Some(node);
        NodeCase {
            node: node.clone(),
            eligible,
            verdict: reasoning.verdicts.get(node).cloned().unwrap_or_else(|| judgement.verdict(node).to_owned()),
            obstacles: obstacles::of_node(&draft, group, node),
            change: elsewhere.then(|| format!("move {group} to {node}")),
        }
    });
    let nodes = nodes.collect();
    Some(Explanation {
        group: group.clone(),
        state: group_state(snapshot, group).0,
        owner: view.placement.owner().cloned(),
        chosen: reasoning.chosen,
        summary: reasoning.summary,
        obstacles: obstacles::of_group(&draft, group),
        nodes,
    })
}
