//! Is what comes at the same moment, and shares a transaction, done as if each had come after the other?

use std::sync::Arc;
use std::time::Duration;

use locum::domain::{ChangeAction, ClusterName, Decision, Generation, HumanDuration, Operation, OperationKind, Term};
use locum::planner::Snapshot;
use locum::store::{Acknowledgement, Basis, Cancellation, Expect, KeptAnswer, NewOperation, Replacement, Store};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::drive::RETENTION;
use super::made::{Made, made};
use super::pair::{KEYS, Pair};
use super::steps::{Draft, GROUPS, NODES, index, topology};
use crate::store::event;
use crate::support::{alice, at, id, node};

/// One of what comes at the same moment.
#[derive(Debug, Clone)]
pub struct Call {
    /// The second cluster instead of the first.
    other: bool,
    /// Which key its answer is kept under, if any.
    key: Option<usize>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Put {
        topology: Draft,
    },
    /// So many generations after the one at the beginning.
    Replace {
        topology: Draft,
        later: u64,
    },
    /// Likewise.
    Commit {
        made: Made,
        later: u64,
    },
    Note {
        events: usize,
    },
    Agent {
        node: usize,
    },
    Reign {
        decision: u64,
    },
    Begin {
        operation: u128,
        kind: OperationKind,
        target: usize,
    },
    Cancel {
        operation: u128,
    },
    Acknowledge {
        failover: usize,
    },
    Keep,
    Prune {
        age: i64,
    },
    Delete,
}

/// What is known of a cluster when all is called.
struct Known {
    seen: Snapshot,
    reign: Uuid,
    records: Vec<Uuid>,
    operations: Vec<Operation>,
}

pub fn calls() -> impl Strategy<Value = Vec<Call>> {
    let operation = || 1_u128..6;
    let kind = select(vec![OperationKind::Pause, OperationKind::Resume, OperationKind::Move, OperationKind::Offline]);
    let what = prop_oneof![
        2 => topology().prop_map(|topology| What::Put { topology }),
        10 => (topology(), 0_u64..6).prop_map(|(topology, later)| What::Replace { topology, later }),
        4 => (made(), 0_u64..3).prop_map(|(made, later)| What::Commit { made, later }),
        3 => (0_usize..4).prop_map(|events| What::Note { events }),
        2 => index().prop_map(|node| What::Agent { node }),
        1 => (0_u64..40).prop_map(|decision| What::Reign { decision }),
        3 => (operation(), kind, index()).prop_map(|(operation, kind, target)| What::Begin { operation, kind, target }),
        2 => operation().prop_map(|operation| What::Cancel { operation }),
        1 => (0_usize..20).prop_map(|failover| What::Acknowledge { failover }),
        1 => Just(What::Keep),
        1 => (0_i64..20).prop_map(|age| What::Prune { age }),
        1 => Just(What::Delete),
    ];
    let call = (prop::bool::weighted(0.2), prop::option::weighted(0.3, 0..KEYS.len()), what);
    prop::collection::vec(call.prop_map(|(other, key, what)| Call { other, key, what }), 1..20)
}

/// Does all that comes at each moment, in one store together and in the other one after the other.
pub async fn all(first: &Draft, moments: &[Vec<Call>]) {
    let clusters: [ClusterName; 2] = ["c".parse().unwrap(), "d".parse().unwrap()];
    let mut pair = Pair::open().await;
    for (moment, calls) in (1..).zip(moments) {
        let mut known = Vec::new();
        for (name, number) in clusters.iter().zip(0..) {
            known.push(begin(&mut pair, first, name, Mark::of(moment, 900 + number)).await);
        }
        let told = (0..).zip(calls).map(|(number, call)| {
            let (name, known) = (&clusters[usize::from(call.other)], &known[usize::from(call.other)]);
            async move |store: Arc<dyn Store>| call.on(&*store, name, known, Mark::of(moment, number)).await
        });
        pair.together(&told.collect::<Vec<_>>()).await;
        pair.compare(&clusters, at(moment)).await;
    }
    pair.look(&clusters, at(i64::try_from(moments.len()).unwrap_or_default())).await;
}

/// Sees to it that a cluster is there and ruled.
async fn begin(pair: &mut Pair, first: &Draft, name: &ClusterName, mark: Mark) -> Known {
    let (spec, now) = (first.spec(name.as_str()), at(mark.moment));
    // Most are there already.
    let _ = pair.both(async |store| store.put_topology(&spec, Expect::Absent, &alice(), now).await).await;
    let (least, longest) = ((Term(0), Decision(0)), Duration::from_secs(1));
    let reign = pair.both(async |store| store.begin_reign(name, mark.id, least, longest, now).await).await;
    let seen = pair.memory().load(name, now).await.unwrap();
    let records = pair.records(std::slice::from_ref(name)).await.iter().map(|record| record.id).collect();
    Known { seen, reign: reign.map_or(mark.id, |reign| reign.id), records, operations: pair.operations().await }
}

/// When it is called, and an id of its own.
#[derive(Clone, Copy)]
struct Mark {
    moment: i64,
    id: Uuid,
}

impl Mark {
    fn of(moment: i64, number: u128) -> Self {
        Self { moment, id: id(1000 * u128::try_from(moment).unwrap_or_default() + number) }
    }
}

impl Call {
    /// What the store says, as text.
    async fn on(&self, store: &dyn Store, name: &ClusterName, known: &Known, mark: Mark) -> String {
        let (actor, now) = (alice(), at(mark.moment));
        match &self.what {
            What::Put { topology } => {
                let spec = topology.spec(name.as_str());
                format!("{:?}", store.put_topology(&spec, Expect::Anything, &actor, now).await)
            }
            What::Commit { made, later } => {
                let mut seen = known.seen.clone();
                (seen.generation.0, seen.decision.0) = (seen.generation.0 + later, seen.decision.0 + later);
                let basis = Basis { generation: seen.generation, decision: seen.decision, reign: known.reign };
                let mut new = 1_000_000 * mark.id.as_u128();
                let mut new_id = || {
                    new += 1;
                    id(new)
                };
                let effects = made.effects(&seen, &known.records, &known.operations, &mut new_id);
                format!("{:?}", store.commit(name, &basis, &effects).await)
            }
            What::Replace { topology, later } => {
                let (action, message, object) = (ChangeAction::Revert, "went back".to_owned(), name.to_string());
                let (spec, on) = (topology.spec(name.as_str()).into(), Generation(known.seen.generation.0 + later));
                let (id, after, answer) = (mark.id, None, self.answer(mark));
                let new = Replacement { spec, id, on, after, action, message, object, actor, at: now, answer };
                format!("{:?}", store.replace_topology(&new).await)
            }
            What::Note { events } => {
                let events: Vec<_> = (0..*events).map(|number| event(mark.moment, number)).collect();
                format!("{:?}", store.append_events(name, &events).await)
            }
            What::Agent { node: named } => {
                format!("{:?}", store.record_agent(name, &node(NODES[*named]), mark.id).await)
            }
            What::Reign { decision } => {
                let least = (Term(0), Decision(*decision));
                let reign = store.begin_reign(name, mark.id, least, Duration::from_secs(*decision), now).await;
                // Each store gives its clusters ids of its own.
                let reign =
                    reign.map(|reign| (reign.id, reign.term, reign.longest_lease, reign.agents, reign.restored));
                format!("{reign:?}")
            }
            What::Prune { age } => {
                let then = at(mark.moment - age + RETENTION);
                format!("{:?}", store.prune(Some(name), then, 5).await)
            }
            What::Keep => match self.answer(mark) {
                Some(answer) => format!("{:?}", store.keep_answer(&answer).await),
                None => String::new(),
            },
            What::Delete => format!("{:?}", store.delete_cluster(name, Expect::Anything, &actor, now).await),
            _ => self.on_records(store, name, known, mark).await,
        }
    }

    /// The same of operations and failovers.
    async fn on_records(&self, store: &dyn Store, name: &ClusterName, known: &Known, mark: Mark) -> String {
        let (actor, now) = (alice(), at(mark.moment));
        match &self.what {
            What::Begin { operation, kind, target } => {
                let target = if kind.targets_node() { NODES[*target] } else { GROUPS[*target] };
                let new = NewOperation {
                    id: id(*operation),
                    kind: *kind,
                    target: target.to_owned(),
                    to: None,
                    reason: None,
                    actor,
                    at: now,
                    timeout: HumanDuration::from_secs(30),
                    answer: self.answer(mark),
                };
                format!("{:?}", store.begin_operation(name, &new).await)
            }
            What::Cancel { operation } => {
                let (id, reason, answer) = (id(*operation), None, self.answer(mark));
                let new = Cancellation { id, reason, actor, at: now, answer };
                format!("{:?}", store.cancel_operation(name, &new).await)
            }
            What::Acknowledge { failover } => {
                let failover = known.records.get(failover % known.records.len().max(1)).copied().unwrap_or_default();
                let (comment, answer) = (Some(mark.id.to_string()), self.answer(mark));
                let new = Acknowledgement { failover, comment, actor, at: now, answer };
                format!("{:?}", store.acknowledge(name, &new).await)
            }
            other => panic!("{other:?} is of no record"),
        }
    }

    fn answer(&self, mark: Mark) -> Option<KeptAnswer> {
        let (key, location) = (KEYS[self.key?].to_owned(), Some(format!("/{}", mark.id)));
        let (request, at) = ("asked".to_owned(), at(mark.moment));
        Some(KeptAnswer { key, request, status: 202, etag: None, location, body: None, at })
    }
}
