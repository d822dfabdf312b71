//! How is a history written down in a few words?

use std::collections::BTreeMap;
use std::sync::Arc;

use locum::agent::ledger::Ledger;
use locum::domain::*;
use locum::lease::{Applied, Bond};
use locum::planner::Effects;
use locum::store::Reign;
use uuid::Uuid;

use crate::checker::{Broken, judge};
use crate::history::{Fact, Happening, Reply, Rows, Run, Wish};

#[derive(Default)]
pub struct Tale {
    history: Vec<Happening>,
    decision: u64,
}

fn run(machine: &str, key: &str, node: &str, epoch: u64) -> Run {
    let (group, resource) = key.split_once('/').unwrap();
    let (group, resource) = (group.parse().unwrap(), resource.parse().unwrap());
    Run { machine: machine.to_owned(), node: node.parse().unwrap(), group, resource, epoch: Epoch(epoch) }
}

impl Tale {
    pub fn note(&mut self, fact: Fact) -> &mut Self {
        let number = self.history.len() as u64 + 1;
        self.history.push(Happening { number, fact });
        self
    }

    pub fn broken(&self) -> Vec<Broken> {
        judge(&self.history)
    }

    pub fn rules(&self) -> Vec<&'static str> {
        self.broken().iter().map(|broken| broken.rule).collect()
    }

    pub fn started(&mut self, key: &str, node: &str, epoch: u64) -> &mut Self {
        self.started_on(node, key, node, epoch)
    }

    pub fn started_on(&mut self, machine: &str, key: &str, node: &str, epoch: u64) -> &mut Self {
        self.note(Fact::Started(run(machine, key, node, epoch)))
    }

    pub fn ended(&mut self, key: &str, node: &str, epoch: u64) -> &mut Self {
        self.note(Fact::Ended(run(node, key, node, epoch)))
    }

    /// The next decision, with whatever else it writes.
    pub fn commit(&mut self, write: impl FnOnce(&mut Effects)) -> &mut Self {
        self.decision += 1;
        let mut effects = Effects { decision: Decision(self.decision), ..Effects::default() };
        write(&mut effects);
        self.note(Fact::Committed(Arc::new(effects)))
    }

    pub fn pushed(&mut self, node: &str, groups: &[(&str, u64)]) -> &mut Self {
        let groups = groups.iter().map(|(group, epoch)| (group.parse().unwrap(), Epoch(*epoch))).collect();
        self.note(Fact::Pushed { node: node.parse().unwrap(), groups })
    }

    pub fn reign(&mut self, term: u64) -> &mut Self {
        let (cluster_id, id, longest_lease) = (Uuid::nil(), Uuid::nil(), std::time::Duration::ZERO);
        self.note(Fact::Reigned(Reign {
            cluster_id,
            id,
            term: Term(term),
            longest_lease,
            agents: Vec::new(),
            restored: false,
        }))
    }

    pub fn disk(&mut self, machine: &str, (term, decision, epoch): (u64, u64, u64)) -> &mut Self {
        let (node, cluster) = (machine.parse().unwrap(), "lab".parse().unwrap());
        let bond = Bond { cluster_id: Uuid::nil(), cluster, term: Term(term), reign: Uuid::nil() };
        let ledger = Ledger {
            agent_id: Uuid::nil(),
            node,
            bond: Some(bond),
            applied: Some(Applied { term: Term(term), decision: Decision(decision) }),
            assignment: Assignment::default(),
            epochs: BTreeMap::from([("ftp".parse().unwrap(), Epoch(epoch))]),
        };
        self.note(Fact::Written { machine: machine.to_owned(), ledger: Arc::new(ledger) })
    }

    pub fn wiped(&mut self, machine: &str) -> &mut Self {
        self.note(Fact::Wiped { machine: machine.to_owned() })
    }

    pub fn written_topology(&mut self, who: &str, generation: u64) -> &mut Self {
        let reply = Reply::Written(Some(Generation(generation)));
        self.note(Fact::Answered { who: Actor(who.to_owned()), wish: Wish::Topology, reply })
    }

    pub fn accepted_generation(&mut self, generation: u64) -> &mut Self {
        self.note(Fact::Accepted(Generation(generation)))
    }

    pub fn refused(&mut self, who: &str) -> &mut Self {
        let (wish, reply) = (Wish::Topology, Reply::Refused("there is no such node".to_owned()));
        self.note(Fact::Answered { who: Actor(who.to_owned()), wish, reply })
    }

    pub fn accepted(&mut self, who: &str, operation: Uuid) -> &mut Self {
        let (wish, reply) = (Wish::Operation(operation), Reply::Written(None));
        self.note(Fact::Answered { who: Actor(who.to_owned()), wish, reply })
    }

    pub fn only_outages(&mut self) -> &mut Self {
        self.note(Fact::OnlyOutages(true))
    }

    pub fn backed_up(&mut self) -> &mut Self {
        self.note(Fact::BackedUp)
    }

    pub fn restored(&mut self, copy: usize) -> &mut Self {
        self.note(Fact::Restored(copy))
    }

    pub fn settled(&mut self, rows: Rows) -> &mut Self {
        self.note(Fact::Settled(Box::new(rows)))
    }
}

fn placement(node: &str, epoch: u64, phase: PlacementPhase) -> Placement {
    Placement { epoch: Epoch(epoch), last_owner: Some(node.parse().unwrap()), phase, by_operator: false }
}

pub fn placed(effects: &mut Effects, group: &str, node: &str, epoch: u64) {
    effects.placements.insert(group.parse().unwrap(), placement(node, epoch, PlacementPhase::Held));
}

pub fn releasing(effects: &mut Effects, group: &str, node: &str, epoch: u64) {
    let phase = PlacementPhase::Releasing { decision: effects.decision };
    effects.placements.insert(group.parse().unwrap(), placement(node, epoch, phase));
}

/// The event that tells of a proof.
pub fn released(effects: &mut Effects, group: &str) {
    let (at, kind) = (jiff::Timestamp::UNIX_EPOCH, EventKind::GroupReleased);
    effects.events.push(NewEvent { at, kind, subject: group.to_owned(), message: String::new() });
}

/// A failover that has just been opened.
pub fn record(id: u128, group: &str, from: &str) -> FailoverRecord {
    FailoverRecord {
        id: Uuid::from_u128(id),
        cluster: "lab".parse().unwrap(),
        group: group.parse().unwrap(),
        cause: Cause::NodeLost,
        actor: Actor::locum(),
        reason: format!("{from} was lost"),
        from: Some(from.parse().unwrap()),
        to: None,
        epoch: None,
        release_proof: None,
        release_evidence: None,
        outcome: Outcome::InProgress,
        detected_at: jiff::Timestamp::UNIX_EPOCH,
        released_at: None,
        start_begun_at: None,
        online_at: None,
        phases_ms: BTreeMap::new(),
        max_overlap_ms: 0,
        steps: Vec::new(),
        verdicts: BTreeMap::new(),
        decision: Decision(1),
        acknowledged_by: None,
        acknowledged_at: None,
        comment: None,
    }
}

/// The same with its proof, on its way to `to`.
pub fn proven(record: FailoverRecord, to: &str, epoch: u64) -> FailoverRecord {
    let release_proof = Some(ReleaseProof::LeaseExpired);
    FailoverRecord { to: Some(to.parse().unwrap()), epoch: Some(Epoch(epoch)), release_proof, ..record }
}
