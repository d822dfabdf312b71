//! What is a plan? Buckets of steps, the reason for each, and when to look again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{
    Actor, Cause, Epoch, FailedMark, GroupName, Losses, NodeName, OperationPhase, OperationState, Outcome, Progress,
    ReleaseProof,
};

/// What is to be done now. Empty buckets and no `look_again_at` mean that all is as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[must_use = "a plan that nobody commits decides nothing"]
pub struct Plan {
    /// Groups that their owner is told to let go, in the order in which groups start; those that go back come last.
    pub releases: Vec<Release>,
    /// Groups whose owner is proven to have stopped: the proof is stored, the group is free.
    pub proofs: Vec<Proof>,
    /// Groups that get an owner. A group may be in `proofs` and here in the same plan.
    pub placements: Vec<Place>,
    /// Failovers that end.
    pub closings: Vec<Closing>,
    /// Failovers that are wanted and held back.
    pub held: Vec<Held>,
    /// Groups found running on a node that the store does not know as their owner (a restored database).
    pub adoptions: Vec<Adoption>,
    /// Failed marks to set or, with `None`, to clear.
    pub marks: BTreeMap<GroupName, Option<FailedMark>>,
    /// Nodes whose assignment changes by an edit of the topology, though none of their groups moves.
    pub reassignments: Vec<NodeName>,
    /// Nodes that answer again: an operator's word that they run nothing no longer counts.
    pub withdrawn_confirmations: Vec<NodeName>,
    /// Nodes of which a loss begins or ends.
    #[serde(default)]
    pub losses: BTreeMap<NodeName, Losses>,
    /// Operations that end, come further, or wait for something else.
    pub operations: Vec<OperationStep>,
    /// Retired nodes and groups that nothing holds any more.
    pub forget_nodes: Vec<NodeName>,
    pub forget_groups: Vec<GroupName>,
    /// For every group that is moved or can't be placed: why.
    pub reasons: BTreeMap<GroupName, Reasoning>,
    /// When time alone may change the plan.
    pub look_again_at: Option<Timestamp>,
}

/// A group that its owner is told to let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub group: GroupName,
    pub from: NodeName,
    /// Set when it is on its way to another owner: a failover record opens.
    pub failover: Option<Intent>,
    /// A sentence.
    pub reason: String,
}

/// A failover as intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub cause: Cause,
    pub actor: Actor,
    pub to: Option<NodeName>,
    pub detected_at: Timestamp,
}

/// A release proof to store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub group: GroupName,
    pub from: NodeName,
    pub proof: ReleaseProof,
    /// A sentence: what it rests on.
    pub evidence: String,
    /// Set when the owner was lost without having been told to let go: a failover record opens.
    pub failover: Option<Intent>,
    pub reason: String,
}

/// A group that gets an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub group: GroupName,
    pub to: NodeName,
    pub epoch: Epoch,
    /// Set when the new owner is another one than the last and no failover record is open or opened by this plan.
    pub failover: Option<Intent>,
    /// Whether an operator's move chose that node.
    #[serde(default)]
    pub by_operator: bool,
    pub reason: String,
}

/// A failover that ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    pub group: GroupName,
    pub outcome: Outcome,
    pub reason: String,
}

/// A failover that was wanted and is held back; recorded once, when it is first held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub group: GroupName,
    pub from: Option<NodeName>,
    pub cause: Cause,
    pub reason: String,
    pub detected_at: Timestamp,
}

/// A group found running where the store does not expect it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    pub group: GroupName,
    pub node: NodeName,
    /// The epoch under which it runs there.
    pub epoch: Epoch,
    pub reason: String,
}

/// Where an operation stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationStep {
    pub id: Uuid,
    pub state: OperationState,
    #[serde(default)]
    pub phase: OperationPhase,
    #[serde(default)]
    pub progress: Option<Progress>,
    pub message: String,
    /// What to do now that it has failed.
    #[serde(default)]
    pub next_step: Option<String>,
}

/// Why a group goes where it goes, or nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reasoning {
    /// The node that was chosen.
    pub chosen: Option<NodeName>,
    /// A sentence on the whole.
    pub summary: String,
    /// For every node: why this one, or why not that one.
    pub verdicts: BTreeMap<NodeName, String>,
}

impl Plan {
    /// Whether committing it would change nothing.
    pub fn is_empty(&self) -> bool {
        let Self { releases, proofs, placements, closings, held, adoptions, marks, .. } = self;
        let Self { reassignments, withdrawn_confirmations, losses, operations, forget_nodes, forget_groups, .. } = self;
        releases.is_empty()
            && proofs.is_empty()
            && placements.is_empty()
            && closings.is_empty()
            && held.is_empty()
            && adoptions.is_empty()
            && marks.is_empty()
            && reassignments.is_empty()
            && withdrawn_confirmations.is_empty()
            && losses.is_empty()
            && operations.is_empty()
            && forget_nodes.is_empty()
            && forget_groups.is_empty()
    }
}
