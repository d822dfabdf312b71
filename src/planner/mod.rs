//! What should be done now? `plan` decides, from one snapshot and nothing else.

mod adopt;
mod affinity;
mod bounds;
mod budget;
mod candidates;
mod draft;
mod edit;
pub mod effects;
mod explain;
pub mod explanation;
mod facts;
mod failback;
mod finish;
mod hold;
mod index;
mod instances;
mod judgement;
mod load;
mod losses;
mod marks;
mod needs;
pub mod obstacles;
mod operate;
mod order;
mod orders;
mod place;
pub mod plan;
mod prove;
mod records;
mod release;
pub mod replay;
pub mod resilience;
mod settle;
pub mod snapshot;
mod standing;
mod state;
pub mod summary;
pub mod what_if;
mod window;
mod words;

pub use effects::Effects;
pub use explanation::Explanation;
pub use plan::Plan;
pub use resilience::{Resilience, resilience};
pub use snapshot::Snapshot;
pub use state::{Survey, budget, group_state};
pub use summary::{InstanceLine, PlanAction, PlanLine, PlanSummary};
pub use what_if::{Faults, WhatIf, cold, what_if, with_faults};

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::{GroupName, NodeName, TopologySpec};

/// Changes whenever the same snapshot may give another plan than before.
pub const PLANNER_VERSION: u32 = 6;

/// What should be done now. The same snapshot gives the same plan.
///
/// Each stage sees what the stages before it decided. The order matters: a failover ends before the next one of the
/// same group begins, and a group is placed only once its old owner is proven to have stopped.
pub fn plan(snapshot: &Snapshot) -> Plan {
    decide(draft::Draft::new(snapshot))
}

fn decide(mut draft: draft::Draft<'_>) -> Plan {
    finish::withdraw(&mut draft);
    draft.plan.losses.clone_from(draft.facts.losses());
    settle::settle(&mut draft);
    release::release(&mut draft);
    prove::prove(&mut draft);
    adopt::adopt(&mut draft);
    marks::lift(&mut draft);
    place::place(&mut draft);
    release::give_back(&mut draft);
    operate::operate(&mut draft);
    finish::forget(&mut draft);
    finish::reassign(&mut draft);
    finish::look_again(&mut draft);
    draft.plan
}

/// Why a group is where it is, and for every node why or why not: by the code that places it.
pub fn explain(snapshot: &Snapshot, group: &GroupName) -> Option<plan::Reasoning> {
    explain::explain(snapshot, group)
}

/// The same for an operator who wants to do something about it: all that stands in the way, and what would change it.
pub fn explanation(snapshot: &Snapshot, group: &GroupName) -> Option<Explanation> {
    explanation::explanation(snapshot, group)
}

/// The nodes that get nothing for a while since they were lost again and again: why, and what ends that, as a sentence.
pub fn quarantined(snapshot: &Snapshot) -> BTreeMap<NodeName, String> {
    let facts = facts::Facts::new(snapshot);
    let say = |reason: &str| format!("{reason}; resume it to end that");
    facts.quarantined().iter().map(|(name, found)| ((*name).clone(), say(&found.reason))).collect()
}

/// What a plan writes. `new_id` gives the ids of the failovers that it opens.
pub fn effects(snapshot: &Snapshot, plan: &Plan, new_id: &mut dyn FnMut() -> Uuid) -> Effects {
    records::effects(snapshot, plan, new_id)
}

/// The plan in an operator's words.
pub fn summarize(snapshot: &Snapshot, plan: &Plan) -> PlanSummary {
    summary::summarize(snapshot, plan)
}

/// The snapshot as it would be with another topology; maintenance and marks that it says nothing of stay. Nodes that it adds
/// count as up, with every driver.
pub fn with_topology(snapshot: Snapshot, spec: &TopologySpec) -> Snapshot {
    edit::with_topology(snapshot, spec, edit::Unsaid::Kept)
}

/// The same with a topology that is taken at its word: what it says nothing of ends.
pub fn with_exact_topology(snapshot: Snapshot, spec: &TopologySpec) -> Snapshot {
    edit::with_topology(snapshot, spec, edit::Unsaid::Gone)
}
