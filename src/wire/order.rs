//! What does the control plane ask of an agent?

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Stamp;
use crate::domain::{Assignment, ClusterName, Decision, NodeName, Revision, Term};

/// Who speaks and whom to. Every request names it, reads too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// The cluster's id: an agent obeys one cluster only.
    pub cluster_id: Uuid,
    pub cluster: ClusterName,
    /// The node that the sender believes to be talking to.
    pub node: NodeName,
    /// The control plane's reign over the cluster.
    pub reign: Uuid,
    pub term: Term,
}

/// Permission to run what `decision` assigned, for a time counted from a moment that the agent itself stamped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The newest stamp that the control plane got from this agent; null before the first.
    pub echo: Option<Stamp>,
    /// The decision of the node's assignment. Null grants nothing: the call only asks for a stamp.
    pub decision: Option<Decision>,
    /// How long from the stamp, in ms.
    pub ttl_ms: u64,
}

/// Body of `PUT /v1/assignment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssignmentRequest {
    #[serde(flatten)]
    pub order: Order,
    pub grant: Grant,
    /// The decision at which `assignment` last changed.
    pub decision: Decision,
    pub assignment: WireAssignment,
}

/// The node's whole wanted state. A domain value on this version of the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Object)]
pub struct WireAssignment(pub Assignment);

/// Body of `POST /v1/lease`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseRequest {
    #[serde(flatten)]
    pub order: Order,
    pub grant: Grant,
}

/// Query of `GET /v1/observation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ObservationQuery {
    /// The id of the cluster that gives the order; an agent obeys one.
    pub cluster_id: Uuid,
    /// That cluster's name, for messages.
    pub cluster: ClusterName,
    /// The node that is meant; another agent refuses.
    pub node: NodeName,
    /// Whose reign asks.
    pub reign: Uuid,
    /// That reign's term.
    pub term: Term,
    /// Answer once the revision differs from this one; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Revision>,
    /// Answer after this many ms at the latest, at most 60000. Without it: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl ObservationQuery {
    /// The part that every request has.
    pub fn order(&self) -> Order {
        Order {
            cluster_id: self.cluster_id,
            cluster: self.cluster.clone(),
            node: self.node.clone(),
            reign: self.reign,
            term: self.term,
        }
    }
}
