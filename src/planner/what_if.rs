//! What would be, if nodes were lost or paused or something that groups need went down? Planning, played to its end.
//!
//! The same planner decides, on a snapshot to which the world answers as it should: what is assigned comes online, what is
//! released stops, lost nodes stay lost. Nothing here looks at a clock: time goes on to where the plan asks to look again.

mod account;
mod world;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::budget::later;
use super::plan::Reasoning;
use super::snapshot::Snapshot;
use super::summary::PlanSummary;
use super::{Plan, Survey, effects, plan};
use crate::domain::{DependencyName, GroupName, GroupState, HumanDuration, NodeName};

use account::Account;
pub(super) use account::running_on;
pub use world::{cold, with_faults};

/// How far ahead it is played: beyond brakes, and short of the time after which what failed begins again.
const HORIZON: HumanDuration = HumanDuration::from_secs(30 * 60);

/// More plans than this in a row never were; a story that goes on is told as one that does not settle.
const MOST_PLANS: usize = 200;

/// What goes wrong, all at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Nodes that are lost: they fall silent, and their leases pass.
    pub lose: BTreeSet<NodeName>,
    /// Nodes that are paused: they keep what they run and get nothing new.
    pub pause: BTreeSet<NodeName>,
    /// Common dependencies that are down.
    pub dependencies_down: BTreeSet<DependencyName>,
}

impl Faults {
    /// The loss of these nodes.
    pub fn losing(nodes: impl IntoIterator<Item = NodeName>) -> Self {
        Self { lose: nodes.into_iter().collect(), ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.lose.is_empty() && self.pause.is_empty() && self.dependencies_down.is_empty()
    }

    /// The names that are not in the snapshot: field, name, and what there is, as a sentence.
    pub fn unknown(&self, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
        let listed = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let present = snapshot.nodes.iter().filter(|(_, node)| !node.retired);
        let nodes: Vec<&str> = present.map(|(name, _)| name.as_str()).collect();
        let dependencies: Vec<&str> = snapshot.common_dependencies.keys().map(DependencyName::as_str).collect();
        let mut unknown = Vec::new();
        for (field, names) in [("lose", &self.lose), ("pause", &self.pause)] {
            for name in names.iter().filter(|name| nodes.binary_search(&name.as_str()).is_err()) {
                let known = listed(nodes.clone());
                unknown.push((field, format!("there is no node {:?}; the nodes are: {known}", name.as_str())));
            }
        }
        for name in self.dependencies_down.iter().filter(|name| !snapshot.common_dependencies.contains_key(*name)) {
            let known = listed(dependencies.clone());
            let detail = format!("there is no common dependency {:?}; there are: {known}", name.as_str());
            unknown.push(("dependencies_down", detail));
        }
        unknown
    }
}

/// What a set of faults leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct WhatIf {
    /// The plan that answers the faults.
    pub plan: PlanSummary,
    /// Why that plan moves a group, or can't place it, with a verdict on every node.
    pub reasons: std::collections::BTreeMap<GroupName, Reasoning>,
    /// Every group once nothing is left to do, in the order of their names.
    pub end: Vec<GroupEnd>,
    /// The changes of owner on the way, in their order.
    pub moves: Vec<Moved>,
    /// Groups that run now and would not for a while.
    pub downtime: Vec<Downtime>,
    /// Whether nothing more happens within `looked_ahead`.
    pub settled: bool,
    /// How far ahead it was looked.
    pub looked_ahead: HumanDuration,
}

/// Where a group ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupEnd {
    pub name: GroupName,
    pub state: GroupState,
    /// The node that runs it; null: none.
    pub owner: Option<NodeName>,
    /// The node that ran it before.
    pub was_on: Option<NodeName>,
    /// Why it is not online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A group that goes to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    pub group: GroupName,
    /// Its last owner; null: it was never placed.
    pub from: Option<NodeName>,
    pub to: NodeName,
    /// How long after the faults that is decided, at worst.
    pub after: HumanDuration,
    /// A sentence.
    pub reason: String,
}

/// How long a group that runs now would not run, at worst: a bound by its timers, not a forecast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Downtime {
    pub group: GroupName,
    /// Null: it does not come back by itself within the time looked at.
    pub at_most: Option<HumanDuration>,
    /// What it consists of, as a sentence.
    pub made_of: String,
}

/// Ids for the records of stories that are forgotten when they are told: 1, 2, 3.
pub fn counted_ids() -> impl FnMut() -> Uuid {
    let mut last: u128 = 0;
    move || {
        last += 1;
        Uuid::from_u128(last)
    }
}

/// Plays planning to its end after `faults`. `new_id` gives ids for the records that are made on the way and forgotten.
pub fn what_if(snapshot: &Snapshot, faults: &Faults, new_id: &mut dyn FnMut() -> Uuid) -> WhatIf {
    play(snapshot, with_faults(snapshot, faults), new_id).0
}

/// The same, when it is known already what the faults do to the snapshot `before`. Also gives the cluster as it is then.
pub fn play(before: &Snapshot, struck: Snapshot, new_id: &mut dyn FnMut() -> Uuid) -> (WhatIf, Snapshot) {
    let mut account = Account::open(before, &struck);
    let until = later(struck.now, HORIZON);
    let mut now = struck;
    let mut first: Option<Plan> = None;
    let mut plan_of_faults = PlanSummary::default();
    let mut settled = false;
    for _ in 0..MOST_PLANS {
        let plan = plan(&now);
        if first.is_none() {
            plan_of_faults = super::summarize(&now, &plan);
        }
        account.note(&now, &plan);
        let quiet = plan.is_empty();
        if !quiet {
            effects(&now, &plan, new_id).apply_to(&mut now);
        }
        let changed = world::answer(&mut now);
        let again = plan.look_again_at.filter(|at| *at <= until);
        first.get_or_insert(plan);
        match again {
            _ if !quiet || changed => {}
            Some(at) => world::advance(&mut now, at),
            None => {
                settled = true;
                break;
            }
        }
    }
    let was_on = |name: &GroupName| before.groups.get(name).and_then(|group| group.placement.owner()).cloned();
    let survey = Survey::new(&now);
    let end = now.groups.iter().filter(|(_, group)| !group.retired).map(|(name, group)| {
        let (state, message) = survey.group_state(name);
        let owner = group.placement.owner().cloned();
        GroupEnd { name: name.clone(), state, owner, was_on: was_on(name), message }
    });
    let end = end.collect();
    let (moves, downtime) = account.close(&now);
    let reasons = first.map(|plan| plan.reasons).unwrap_or_default();
    (WhatIf { plan: plan_of_faults, reasons, end, moves, downtime, settled, looked_ahead: HORIZON }, now)
}
