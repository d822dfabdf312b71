//! What should be done now? `plan` decides, from one snapshot and nothing else.

pub mod effects;
pub mod plan;
pub mod snapshot;
pub mod summary;

pub use effects::Effects;
pub use plan::Plan;
pub use snapshot::Snapshot;
pub use summary::{PlanAction, PlanLine, PlanSummary};

use uuid::Uuid;

use crate::domain::{GroupName, TopologySpec};

/// Changes whenever the same snapshot may give another plan than before.
pub const PLANNER_VERSION: u32 = 1;

/// What should be done now. The same snapshot gives the same plan.
pub fn plan(_snapshot: &Snapshot) -> Plan {
    todo!()
}

/// Why a group is where it is, and for every node why or why not: by the code that places it.
pub fn explain(_snapshot: &Snapshot, _group: &GroupName) -> Option<plan::Reasoning> {
    todo!()
}

/// What a plan writes. `new_id` gives the ids of the failovers that it opens.
pub fn effects(_snapshot: &Snapshot, _plan: &Plan, _new_id: &mut dyn FnMut() -> Uuid) -> Effects {
    todo!()
}

/// The plan in an operator's words.
pub fn summarize(_snapshot: &Snapshot, _plan: &Plan) -> PlanSummary {
    todo!()
}

/// The snapshot as it would be with another topology. Nodes that it adds count as up, with every driver.
pub fn with_topology(_snapshot: &Snapshot, _spec: &TopologySpec) -> Snapshot {
    todo!()
}
