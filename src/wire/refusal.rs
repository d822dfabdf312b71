//! Why does an agent refuse an order, and what would have been right?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{ClusterName, Decision, Epoch, Term};

/// An order that the agent understood and did not obey; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    pub code: RefusalCode,
    /// A sentence for the operator, with what to do.
    pub detail: String,
    /// The cluster that the agent obeys.
    pub cluster: Option<ClusterName>,
    pub cluster_id: Option<Uuid>,
    /// The highest term that it has heard, and decision and epoch that it has applied.
    pub term: Option<Term>,
    pub decision: Option<Decision>,
    pub epoch: Option<Epoch>,
}

/// What kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The agent goes by another node's name.
    OtherNode,
    /// The agent obeys another cluster.
    OtherCluster,
    /// A newer control plane reigns.
    StaleTerm,
    /// Another control plane reigns under the same term.
    OtherReign,
    /// A newer assignment was applied.
    StaleDecision,
    /// The same decision came before with other content: a defect of the sender.
    ContentDiffers,
    /// A higher epoch of one of the groups was applied.
    StaleEpoch,
    /// The request echoes no stamp of the agent's present incarnation.
    StaleStamp,
}
