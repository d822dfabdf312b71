//! Is what comes at the same moment, and shares a transaction, done as if each had come after the other?

use std::sync::Arc;

use locum::domain::{ChangeAction, ClusterName, Decision, Generation, HumanDuration, OperationKind, Term};
use locum::store::{Cancellation, Expect, KeptAnswer, NewOperation, Replacement, Store};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

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
    /// So many generations after the one at the beginning.
    Replace {
        topology: Draft,
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
    Keep,
    Delete,
}

pub fn calls() -> impl Strategy<Value = Vec<Call>> {
    let operation = || 1_u128..6;
    let kind = select(vec![OperationKind::Pause, OperationKind::Resume, OperationKind::Move, OperationKind::Offline]);
    let what = prop_oneof![
        10 => (topology(), 0_u64..6).prop_map(|(topology, later)| What::Replace { topology, later }),
        3 => (0_usize..4).prop_map(|events| What::Note { events }),
        2 => index().prop_map(|node| What::Agent { node }),
        1 => (0_u64..40).prop_map(|decision| What::Reign { decision }),
        3 => (operation(), kind, index()).prop_map(|(operation, kind, target)| What::Begin { operation, kind, target }),
        2 => operation().prop_map(|operation| What::Cancel { operation }),
        1 => Just(What::Keep),
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
        for name in &clusters {
            let spec = first.spec(name.as_str());
            let made = pair.both(async |store| store.put_topology(&spec, Expect::Absent, &alice(), at(moment)).await);
            // Most are there already.
            let _ = made.await;
        }
        let known = [generation(&pair, &clusters[0]).await, generation(&pair, &clusters[1]).await];
        let cluster = |call: &Call| (&clusters[usize::from(call.other)], known[usize::from(call.other)]);
        let told = (0..).zip(calls).map(|(number, call)| {
            let (name, generation) = cluster(call);
            let mark = Mark { moment, id: id(1000 * u128::try_from(moment).unwrap_or_default() + number) };
            async move |store: Arc<dyn Store>| call.on(&*store, name, generation, mark).await
        });
        pair.together(&told.collect::<Vec<_>>()).await;
        pair.compare(&clusters, at(moment)).await;
    }
}

async fn generation(pair: &Pair, name: &ClusterName) -> Generation {
    pair.memory().topology(name).await.unwrap().generation
}

/// When it is called, and an id of its own.
#[derive(Clone, Copy)]
struct Mark {
    moment: i64,
    id: Uuid,
}

impl Call {
    /// What the store says, as text.
    async fn on(&self, store: &dyn Store, name: &ClusterName, known: Generation, mark: Mark) -> String {
        let (actor, now) = (alice(), at(mark.moment));
        match &self.what {
            What::Replace { topology, later } => {
                let (action, message, object) = (ChangeAction::Revert, "went back".to_owned(), name.to_string());
                let (spec, on) = (topology.spec(name.as_str()).into(), Generation(known.0 + later));
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
                let longest = std::time::Duration::from_secs(*decision);
                format!("{:?}", store.begin_reign(name, mark.id, least, longest, now).await)
            }
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
            What::Keep => match self.answer(mark) {
                Some(answer) => format!("{:?}", store.keep_answer(&answer).await),
                None => String::new(),
            },
            What::Delete => format!("{:?}", store.delete_cluster(name, Expect::Anything, &actor, now).await),
        }
    }

    fn answer(&self, mark: Mark) -> Option<KeptAnswer> {
        let (key, location) = (KEYS[self.key?].to_owned(), Some(format!("/{}", mark.id)));
        let (request, at) = ("asked".to_owned(), at(mark.moment));
        Some(KeptAnswer { key, request, status: 202, etag: None, location, body: None, at })
    }
}
