//! Which groups would be down, and for how long at worst, if any one node were lost, or any two?
//!
//! Each loss is played as `what_if` does, on the part of the cluster that it can touch: the groups on the lost nodes, and
//! those whose state decides about them. Which of several nodes takes a group depends on the rest as well; whether one
//! can, and how long it takes, does not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::draft::Draft;
use super::snapshot::{GroupView, Snapshot};
use super::what_if::{self, Downtime, Faults};
use super::{Survey, losses, obstacles};
use crate::domain::{AntiAffinity, GroupName, GroupState, HumanDuration, NodeName, Policy};

/// Up to so many nodes every pair is computed.
const MOST_NODES_FOR_ALL_PAIRS: usize = 40;

/// What the loss of nodes would do, one by one and in pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Resilience {
    /// Every node, in the order of their names.
    pub nodes: Vec<Loss>,
    /// Pairs that are worse than each of their nodes alone.
    pub pairs: Vec<Loss>,
    /// Which pairs were computed.
    pub pairs_computed: PairsComputed,
    /// How many those were.
    pub pairs_count: u64,
    /// Groups that some single node takes down: single points of failure.
    pub not_covered: Vec<GroupName>,
    /// Groups that should run and do not even now: no loss is counted against them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub down_already: Vec<GroupDown>,
}

/// Which pairs were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairsComputed {
    /// Every pair.
    #[default]
    All,
    /// The cluster has more than 40 nodes: only pairs that are all that a group has left of possible owners that can take
    /// it, and those that the brake on mass failure or an enforced anti-affinity could make worse.
    WhereTheyCanMatter,
}

/// What the loss of one node, or of two at once, would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Loss {
    pub nodes: Vec<NodeName>,
    /// Groups that run now and would not come back by themselves within the time looked at.
    pub stay_down: Vec<GroupDown>,
    /// Groups that would start elsewhere.
    pub fail_over: Vec<GroupName>,
    /// The longest time for which one of those would be down: a bound by the timers, not a forecast. Null: none would be.
    pub down_at_most: Option<HumanDuration>,
}

/// A group that would stay down, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupDown {
    pub group: GroupName,
    pub state: GroupState,
    pub message: String,
}

/// Plays the loss of every node and of pairs. `new_id` gives ids for records that are forgotten.
pub fn resilience(snapshot: &Snapshot, new_id: &mut dyn FnMut() -> Uuid) -> Resilience {
    let parts = Parts::of(snapshot);
    let nodes: Vec<&NodeName> = parts.nodes.clone();
    let singles: BTreeMap<&NodeName, Loss> = nodes.iter().map(|name| (*name, parts.loss(&[*name], new_id))).collect();
    let (pairs_computed, pairs) = if nodes.len() <= MOST_NODES_FOR_ALL_PAIRS {
        (PairsComputed::All, all_pairs(&nodes))
    } else {
        (PairsComputed::WhereTheyCanMatter, parts.pairs_that_matter())
    };
    let pairs_count = pairs.len() as u64;
    let worse = pairs.into_iter().filter_map(|(one, other)| {
        let loss = parts.loss(&[one, other], new_id);
        is_worse(&loss, &singles[one], &singles[other]).then_some(loss)
    });
    let pairs = worse.collect();
    let down = singles.values().flat_map(|loss| loss.stay_down.iter().map(|down| down.group.clone()));
    let not_covered: BTreeSet<GroupName> = down.collect();
    let not_covered = not_covered.into_iter().collect();
    let nodes = singles.into_values().collect();
    let down_already = down_already(snapshot);
    Resilience { nodes, pairs, pairs_computed, pairs_count, not_covered, down_already }
}

fn down_already(snapshot: &Snapshot) -> Vec<GroupDown> {
    let survey = Survey::new(snapshot);
    let down = |(name, group): (&GroupName, &GroupView)| {
        let wanted = group.is_wanted() && !group.retired && what_if::running_on(snapshot, name, group).is_none();
        let (state, message) = wanted.then(|| survey.group_state(name))?;
        Some(GroupDown { group: name.clone(), state, message: message.unwrap_or_default() })
    };
    snapshot.groups.iter().filter_map(down).collect()
}

fn all_pairs<'a>(nodes: &[&'a NodeName]) -> BTreeSet<(&'a NodeName, &'a NodeName)> {
    let later = |i: usize| nodes[i + 1..].iter();
    nodes.iter().enumerate().flat_map(|(i, one)| later(i).map(move |other| (*one, *other))).collect()
}

/// Whether both together do more than each alone.
fn is_worse(both: &Loss, one: &Loss, other: &Loss) -> bool {
    let alone = |group: &GroupName| [one, other].iter().any(|l| l.stay_down.iter().any(|down| down.group == *group));
    let longest = one.down_at_most.max(other.down_at_most);
    both.stay_down.iter().any(|down| !alone(&down.group)) || both.down_at_most > longest
}

/// What every loss needs to know of the cluster.
struct Parts<'a> {
    snapshot: &'a Snapshot,
    /// Those that are in the topology.
    nodes: Vec<&'a NodeName>,
    /// The snapshot without groups and without what nodes are told and run, but with what they may still run.
    bare: Snapshot,
    /// Groups by the node that owns them.
    owned: BTreeMap<&'a NodeName, Vec<&'a GroupName>>,
    /// Groups by their anti-affinity classes.
    classes: BTreeMap<&'a str, Vec<&'a GroupName>>,
}

impl<'a> Parts<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let mut owned: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut classes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, group) in &snapshot.groups {
            if let Some(owner) = group.placement.owner() {
                owned.entry(owner).or_default().push(name);
            }
            group.spec.anti_affinity.iter().for_each(|class| classes.entry(class.as_str()).or_default().push(name));
        }
        let nodes = snapshot.nodes.iter().filter(|(_, node)| !node.retired).map(|(name, _)| name).collect();
        Self { snapshot, nodes, bare: bare(snapshot), owned, classes }
    }

    /// What the loss of `lost` does.
    fn loss(&self, lost: &[&NodeName], new_id: &mut dyn FnMut() -> Uuid) -> Loss {
        let touched: Vec<&GroupName> = lost.iter().flat_map(|node| self.owned.get(node)).flatten().copied().collect();
        let faults = Faults::losing(lost.iter().map(|name| (*name).clone()));
        let found = what_if::what_if(&self.part(&touched), &faults, new_id);
        let ends: BTreeMap<_, _> = found.end.iter().map(|end| (&end.name, end)).collect();
        let (down, back): (Vec<&Downtime>, Vec<&Downtime>) = found.downtime.iter().partition(|d| d.at_most.is_none());
        let stay_down = down.into_iter().filter_map(|downtime| {
            let end = ends.get(&downtime.group)?;
            let message = end.message.clone().unwrap_or_default();
            Some(GroupDown { group: downtime.group.clone(), state: end.state, message })
        });
        Loss {
            nodes: lost.iter().map(|name| (*name).clone()).collect(),
            stay_down: stay_down.collect(),
            fail_over: back.iter().map(|downtime| downtime.group.clone()).collect(),
            down_at_most: back.iter().filter_map(|downtime| downtime.at_most).max(),
        }
    }

    /// The part of the cluster that a loss of these groups can touch.
    fn part(&self, touched: &[&GroupName]) -> Snapshot {
        let mut part = self.bare.clone();
        for name in self.closure(touched) {
            let Some(group) = self.snapshot.groups.get(name) else { continue };
            part.groups.insert(name.clone(), group.clone());
            for (node, whole) in &self.snapshot.nodes {
                let seen = whole.seen.groups.get(name);
                let told = whole.assignment.groups.binary_search_by(|told| told.group.cmp(name)).ok();
                let Some(view) = part.nodes.get_mut(node).filter(|_| seen.is_some() || told.is_some()) else {
                    continue;
                };
                view.seen.groups.extend(seen.map(|seen| (name.clone(), seen.clone())));
                view.assignment.groups.extend(told.map(|at| whole.assignment.groups[at].clone()));
            }
        }
        for node in part.nodes.values_mut() {
            node.assignment.groups.sort_by(|a, b| a.group.cmp(&b.group));
        }
        part
    }

    /// These groups, and all whose state decides about them: what they depend on, and what keeps away from them.
    fn closure(&self, touched: &[&'a GroupName]) -> BTreeSet<&'a GroupName> {
        let (mut found, mut left) = (BTreeSet::new(), touched.to_vec());
        while let Some(name) = left.pop() {
            let Some((name, group)) = self.snapshot.groups.get_key_value(name) else { continue };
            if !found.insert(name) {
                continue;
            }
            let dependencies = group.spec.common_dependencies.iter();
            let resources =
                dependencies.filter_map(|name| self.snapshot.common_dependencies.get(name)?.resource.as_ref());
            left.extend(resources.map(|resource| &resource.group));
            left.extend(&group.spec.depends_on);
            for class in &group.spec.anti_affinity {
                left.extend(self.classes.get(class.as_str()).into_iter().flatten().copied());
            }
        }
        found
    }

    /// Pairs that are all that a group can run on, and pairs that a rule over the whole cluster makes worse.
    fn pairs_that_matter(&self) -> BTreeSet<(&'a NodeName, &'a NodeName)> {
        let Policy { anti_affinity, brake, .. } = self.snapshot.policy;
        let lost = self.snapshot.nodes.values().filter(|node| !node.retired && losses::counts(node)).count() as u64;
        if brake.stops(lost + 2, self.nodes.len() as u64) {
            return all_pairs(&self.nodes);
        }
        let draft = Draft::new(self.snapshot);
        let mut pairs = BTreeSet::new();
        for (name, group) in self.snapshot.groups.iter().filter(|(_, group)| group.is_wanted()) {
            let able = |node: &&&NodeName| {
                group.placement.owner() == Some(**node) || obstacles::of_node(&draft, (name, group), node).is_empty()
            };
            // More than three are enough for any rule.
            let able: Vec<&NodeName> = self.possible(group).iter().filter(able).take(4).copied().collect();
            // With an enforced anti-affinity a group that keeps away from it may be on the third.
            let enforced = anti_affinity == AntiAffinity::Enforced && !group.spec.anti_affinity.is_empty();
            if able.len() == 2 || enforced && able.len() == 3 {
                pairs.extend(all_pairs(&able));
            }
        }
        pairs
    }

    /// The nodes that a group's resources allow, or more: the shortest of their lists.
    fn possible(&self, group: &'a GroupView) -> Vec<&'a NodeName> {
        let Some(shortest) = group.spec.shortest_list() else { return self.nodes.clone() };
        let owner = group.placement.owner().filter(|owner| !shortest.contains(owner));
        let mut nodes: Vec<&NodeName> = shortest.iter().chain(owner).collect();
        nodes.retain(|node| self.nodes.binary_search(node).is_ok());
        nodes.sort();
        nodes
    }
}

fn bare(snapshot: &Snapshot) -> Snapshot {
    let nodes = snapshot.nodes.iter().map(|(name, node)| {
        let mut bare = node.clone();
        bare.seen.groups.clear();
        bare.seen.instances.clear();
        bare.assignment.groups.clear();
        bare.assignment.instances.clear();
        (name.clone(), bare)
    });
    let nodes = nodes.collect();
    let groups = BTreeMap::new();
    let hosts = BTreeMap::new(); // clustered ones are resources of their groups; the others concern no group
    Snapshot { nodes, groups, hosts, operations: Vec::new(), ..snapshot_head(snapshot) }
}

/// What is not listed by name.
fn snapshot_head(snapshot: &Snapshot) -> Snapshot {
    Snapshot {
        decision: snapshot.decision,
        term: snapshot.term,
        settings: snapshot.settings,
        policy: snapshot.policy,
        maintenance: snapshot.maintenance.clone(),
        common_dependencies: snapshot.common_dependencies.clone(),
        ..Snapshot::empty(snapshot.cluster.clone(), snapshot.generation, snapshot.now)
    }
}
