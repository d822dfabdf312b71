//! What do operators ask a store for, and which of it do they look for?

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::KeptAnswer;
use crate::domain::{
    Actor, ClusterName, Decision, HumanDuration, NodeName, Operation, OperationKind, OperationPhase, OperationState,
    Wanted,
};

/// An operator's action, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperation {
    pub id: Uuid,
    pub kind: OperationKind,
    /// The name of the group or node, as `kind` says.
    pub target: String,
    pub to: Option<NodeName>,
    pub reason: Option<String>,
    pub actor: Actor,
    pub at: Timestamp,
    /// How long it may take.
    pub timeout: HumanDuration,
    /// What is answered, to be kept with it.
    pub answer: Option<KeptAnswer>,
}

impl NewOperation {
    /// Why it can't end where it is to, if that is none of the cluster's nodes.
    pub fn unknown_destination<'a>(
        &self,
        cluster: &ClusterName,
        nodes: impl Iterator<Item = &'a NodeName>,
    ) -> Option<String> {
        let to = self.to.as_ref()?;
        let nodes: BTreeSet<&str> = nodes.map(NodeName::as_str).collect();
        (!nodes.contains(to.as_str())).then(|| {
            let nodes: Vec<&str> = nodes.into_iter().collect();
            format!("cluster {cluster} has no node {:?} to move to; its nodes are {}", to.as_str(), nodes.join(", "))
        })
    }

    /// The operation as it begins.
    pub fn accepted(&self, cluster: ClusterName, decision: Decision, wanted_before: Option<Wanted>) -> Operation {
        let mut operation = Operation {
            id: self.id,
            cluster,
            kind: self.kind,
            target: self.target.clone(),
            to: self.to.clone(),
            reason: self.reason.clone(),
            actor: self.actor.clone(),
            state: OperationState::Running,
            phase: OperationPhase::Accepted,
            phases: Vec::new(),
            progress: None,
            message: "accepted".to_owned(),
            next_step: None,
            decision,
            created_at: self.at,
            times_out_at: self.at.checked_add(self.timeout.get()).unwrap_or(Timestamp::MAX),
            ended_at: None,
            wanted_before,
        };
        operation.enter(OperationPhase::Accepted, self.at);
        operation
    }
}

/// That an operation is taken back, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    pub id: Uuid,
    pub reason: Option<String>,
    pub actor: Actor,
    pub at: Timestamp,
    /// What is answered, to be kept with it.
    pub answer: Option<KeptAnswer>,
}

/// Which operations, and how many of them.
#[derive(Debug, Clone, Default)]
pub struct OperationFilter {
    pub cluster: Option<ClusterName>,
    pub state: Option<OperationState>,
    pub kind: Option<OperationKind>,
    /// The name of a group or a node.
    pub target: Option<String>,
    /// Asked for at this moment or later.
    pub since: Option<Timestamp>,
    /// Asked for before this moment.
    pub until: Option<Timestamp>,
    pub limit: u32,
    /// Only those that are older than this one.
    pub before: Option<Uuid>,
}

impl OperationFilter {
    /// Whether it takes an operation of its cluster, wherever that stands in the list.
    pub fn takes(&self, operation: &Operation) -> bool {
        self.state.is_none_or(|state| operation.state == state)
            && self.kind.is_none_or(|kind| operation.kind == kind)
            && self.target.as_ref().is_none_or(|target| operation.target == *target)
            && self.since.is_none_or(|since| operation.created_at >= since)
            && self.until.is_none_or(|until| operation.created_at < until)
    }
}
