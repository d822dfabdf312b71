//! Would the planner decide the same again, on what it knew then?

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::effects::Effects;
use super::plan::Plan;
use super::snapshot::Snapshot;
use super::{PLANNER_VERSION, plan};
use crate::domain::{GroupName, NodeName};

/// A plan as it was made, and all that it was made from. Both as compressed JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPlan {
    pub planner_version: u32,
    pub snapshot: Vec<u8>,
    pub plan: Vec<u8>,
}

/// What a plan decides for one group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct GroupDecision {
    /// What is done with it, in order, each a sentence.
    pub steps: Vec<String>,
    /// The node that was chosen; null if none was, or if nothing was to choose.
    pub chosen: Option<NodeName>,
    /// Why, as a sentence; null for a plan that chose nothing.
    pub reason: Option<String>,
    /// For every node: why this one, or why not that one.
    pub verdicts: BTreeMap<NodeName, String>,
}

/// A plan that was made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The moment at which it was made first, which is `now` of its snapshot.
    pub at: Timestamp,
    /// Whether the whole plan is the same, byte for byte.
    pub same: bool,
    pub recorded: GroupDecision,
    pub replayed: GroupDecision,
}

impl KeptPlan {
    /// The plan, if it opens failovers, goes on with them or ends them.
    pub fn of(snapshot: &Snapshot, plan: &Plan, effects: &Effects) -> io::Result<Option<Self>> {
        if effects.failovers.is_empty() {
            return Ok(None);
        }
        let (snapshot, plan) = (pack(&serde_json::to_vec(snapshot)?)?, pack(&serde_json::to_vec(plan)?)?);
        Ok(Some(Self { planner_version: PLANNER_VERSION, snapshot, plan }))
    }

    /// Makes the plan again. An error: this program can't read what an earlier one kept.
    pub fn replay(&self, group: &GroupName) -> io::Result<Replay> {
        let snapshot: Snapshot = serde_json::from_slice(&unpack(&self.snapshot)?)?;
        let recorded = unpack(&self.plan)?;
        let again = plan(&snapshot);
        Ok(Replay {
            at: snapshot.now,
            same: serde_json::to_vec(&again)? == recorded,
            recorded: GroupDecision::of(&serde_json::from_slice(&recorded)?, group),
            replayed: GroupDecision::of(&again, group),
        })
    }
}

impl GroupDecision {
    fn of(plan: &Plan, group: &GroupName) -> Self {
        let mut steps = Vec::new();
        for release in plan.releases.iter().filter(|release| release.group == *group) {
            steps.push(format!("{} is told to let go: {}", release.from, release.reason));
        }
        for proof in plan.proofs.iter().filter(|proof| proof.group == *group) {
            steps.push(format!("{} has stopped ({}): {}", proof.from, proof.proof.as_str(), proof.evidence));
        }
        for adoption in plan.adoptions.iter().filter(|adoption| adoption.group == *group) {
            steps.push(format!("it is left on {} (epoch {}): {}", adoption.node, adoption.epoch, adoption.reason));
        }
        for closing in plan.closings.iter().filter(|closing| closing.group == *group) {
            steps.push(format!("the failover ends ({}): {}", closing.outcome.as_str(), closing.reason));
        }
        for held in plan.held.iter().filter(|held| held.group == *group) {
            steps.push(format!("a failover is held back: {}", held.reason));
        }
        for place in plan.placements.iter().filter(|place| place.group == *group) {
            steps.push(format!("it is placed on {} (epoch {}): {}", place.to, place.epoch, place.reason));
        }
        let reasoning = plan.reasons.get(group).cloned();
        let (chosen, reason, verdicts) = reasoning
            .map_or_else(Default::default, |reasoning| (reasoning.chosen, Some(reasoning.summary), reasoning.verdicts));
        Self { steps, chosen, reason, verdicts }
    }
}

/// Fast rather than small: a failover waits for it.
fn pack(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    io::Write::write_all(&mut encoder, json)?;
    encoder.finish()
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    ZlibDecoder::new(packed).read_to_end(&mut json)?;
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Epoch, NodeState, Placement, PlacementPhase, TopologySpec};
    use crate::planner::{effects, with_topology};
    use serde_json::json;
    use uuid::Uuid;

    /// Group `ftp`, whose owner is down.
    fn lost() -> Snapshot {
        let document = json!({
            "cluster": "c",
            "nodes": [{ "name": "a", "agent": "http://127.0.0.1:1" }, { "name": "b", "agent": "http://127.0.0.1:2" }],
            "groups": [{ "name": "ftp", "resources": [{ "name": "r", "type": "process", "command": ["/bin/true"] }] }],
        });
        let spec: TopologySpec = serde_json::from_value(document).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut snapshot =
            with_topology(Snapshot::empty(spec.cluster.clone(), crate::domain::Generation(1), now), &spec);
        let node = snapshot.nodes.get_mut("a").unwrap();
        node.seen.state = NodeState::Down;
        let placement = Placement {
            epoch: Epoch(1),
            last_owner: Some("a".parse().unwrap()),
            phase: PlacementPhase::Held,
            by_operator: false,
        };
        snapshot.groups.get_mut("ftp").unwrap().placement = placement;
        snapshot
    }

    fn kept(snapshot: &Snapshot) -> KeptPlan {
        let plan = plan(snapshot);
        let effects = effects(snapshot, &plan, &mut || Uuid::from_u128(1));
        KeptPlan::of(snapshot, &plan, &effects).unwrap().expect("a failover was opened")
    }

    #[test]
    fn a_kept_plan_is_made_again_byte_for_byte() {
        let replay = kept(&lost()).replay(&"ftp".parse().unwrap()).unwrap();
        assert!(replay.same);
        assert_eq!(replay.recorded, replay.replayed);
        assert_eq!(replay.replayed.chosen, Some("b".parse().unwrap()));
        assert_eq!(replay.replayed.verdicts.len(), 2);
        assert!(replay.replayed.steps.iter().any(|step| step.contains("placed on b")), "{:?}", replay.replayed.steps);
    }

    #[test]
    fn another_decision_is_told_from_the_recorded_one() {
        let mut other = lost();
        other.nodes.get_mut("b").unwrap().wanted = crate::domain::NodeWanted::Paused;
        let mixed = KeptPlan { snapshot: pack(&serde_json::to_vec(&other).unwrap()).unwrap(), ..kept(&lost()) };
        let replay = mixed.replay(&"ftp".parse().unwrap()).unwrap();
        assert!(!replay.same);
        assert_eq!((replay.recorded.chosen.is_some(), replay.replayed.chosen), (true, None));
        let broken = KeptPlan { plan: vec![1, 2, 3], ..kept(&lost()) };
        assert!(broken.replay(&"ftp".parse().unwrap()).is_err());
    }
}
