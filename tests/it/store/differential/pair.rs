//! Do both stores answer alike?

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;
use jiff::Timestamp;
use locum::domain::{ClusterName, FailoverRecord, Operation};
use locum::store::{Error, EventFilter, FailoverFilter, KeptAnswer, OperationFilter, Store};
use uuid::Uuid;

use crate::store::backends::{self, Opened};

const ALL: u32 = u32::MAX;

/// Rows are read anew after so many verbs: whoever does that has to write, too.
const LOOKS: u32 = 8;

/// Idempotency keys that callers use.
pub const KEYS: [&str; 3] = ["a", "b", "c"];

/// Two stores, and the ids of clusters that each of them made: the one thing in which they may differ.
pub struct Pair {
    sqlite: Opened,
    stores: [Arc<dyn Store>; 2],
    made: [Vec<Uuid>; 2],
    compared: AtomicU32,
}

/// All that can be read of a store, by name.
pub type Picture = Vec<(String, String)>;

impl Pair {
    pub async fn open() -> Self {
        let (sqlite, memory) = (backends::sqlite().await, backends::memory().await);
        let stores = [sqlite.store(), memory.store()];
        Self { sqlite, stores, made: [Vec::new(), Vec::new()], compared: AtomicU32::new(1) }
    }

    pub fn memory(&self) -> &Arc<dyn Store> {
        &self.stores[1]
    }

    /// Does a verb in both and demands the same result, which it gives back.
    pub async fn both<T: Debug>(&mut self, verb: impl AsyncFn(&dyn Store) -> Result<T, Error>) -> Result<T, Error> {
        let sqlite = verb(&*self.stores[0]).await;
        let memory = verb(&*self.stores[1]).await;
        self.number().await;
        agree("sqlite and memory give another answer", &self.told(0, &sqlite), &self.told(1, &memory));
        memory
    }

    /// Gives new clusters their numbers, the same in both stores: heads come by name.
    async fn number(&mut self) {
        for (store, made) in self.stores.iter().zip(&mut self.made) {
            let heads = store.clusters().await.unwrap();
            let new: Vec<_> = heads.iter().map(|head| head.id).filter(|id| !made.contains(id)).collect();
            made.extend(new);
        }
    }

    /// Does what comes at the same moment: in sqlite all before any of it is answered, in memory one after the other.
    pub async fn together(&mut self, calls: &[impl AsyncFn(Arc<dyn Store>) -> String]) {
        let sqlite = join_all(calls.iter().map(|call| call(Arc::clone(&self.stores[0])))).await;
        let mut memory = Vec::new();
        for call in calls {
            memory.push(call(Arc::clone(&self.stores[1])).await);
        }
        self.number().await;
        for (number, (sqlite, memory)) in sqlite.iter().zip(&memory).enumerate() {
            let what = format!("sqlite and memory give another answer to call {number}");
            agree(&what, &self.told(0, sqlite), &self.told(1, memory));
        }
    }

    /// What a store said, with its clusters' ids as their numbers.
    fn told(&self, store: usize, said: &impl Debug) -> String {
        let numbered = self.made[store].iter().zip(1..);
        numbered.fold(format!("{said:?}"), |text, (id, number)| text.replace(&id.to_string(), &format!("#{number}")))
    }

    pub async fn picture(&self, store: usize, clusters: &[ClusterName], now: Timestamp) -> Picture {
        let reader = &self.stores[store];
        let mut seen = vec![
            ("clusters".to_owned(), self.told(store, &reader.clusters().await)),
            ("operations".to_owned(), self.told(store, &reader.operations(&every_operation()).await)),
        ];
        for key in KEYS {
            seen.push((
                format!("answer {key}"),
                format!("{:?}", reader.kept_answer(key, KeptAnswer::since(now)).await),
            ));
        }
        let whole = FailoverFilter { limit: ALL, ..FailoverFilter::default() };
        for name in clusters {
            let mut add = |what: &str, said: String| seen.push((format!("{what} of {name}"), said));
            add("snapshot", self.told(store, &reader.load(name, now).await));
            add("topology", self.told(store, &reader.topology(name).await));
            add("changes", self.told(store, &reader.changes(name, None, ALL).await));
            add("events", self.told(store, &reader.events(name, &EventFilter::after(0, ALL)).await));
            add("history", self.told(store, &reader.history(name, None).await));
            let failovers = reader.failovers(name, &whole).await;
            add("failovers", self.told(store, &failovers));
            for record in failovers.iter().flatten() {
                add("plans", format!("{} {:?}", record.id, reader.kept_plans(name, record.id).await));
            }
            let ours = OperationFilter { cluster: Some(name.clone()), ..every_operation() };
            add("operations", self.told(store, &reader.operations(&ours).await));
        }
        seen
    }

    /// Demands that both keep the same, and gives it back.
    pub async fn compare(&self, clusters: &[ClusterName], now: Timestamp) -> Picture {
        let (sqlite, memory) = (self.picture(0, clusters, now).await, self.picture(1, clusters, now).await);
        same("sqlite and memory keep other", &sqlite, &memory);
        // What was shown was what the writer knows. It is what the rows say, at which a look is taken now and then.
        if self.compared.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOKS) {
            self.look(clusters, now).await;
        }
        memory
    }

    /// Demands that the rows of sqlite say what its writer does.
    pub async fn look(&self, clusters: &[ClusterName], now: Timestamp) {
        let said = self.picture(0, clusters, now).await;
        self.sqlite.forget().await;
        same("the writer of sqlite and its rows say other", &said, &self.picture(0, clusters, now).await);
    }

    pub async fn records(&self, clusters: &[ClusterName]) -> Vec<FailoverRecord> {
        let whole = FailoverFilter { limit: ALL, ..FailoverFilter::default() };
        let mut records = Vec::new();
        for name in clusters {
            records.extend(self.memory().failovers(name, &whole).await.unwrap_or_default());
        }
        records
    }

    pub async fn operations(&self) -> Vec<Operation> {
        self.memory().operations(&every_operation()).await.unwrap()
    }
}

fn every_operation() -> OperationFilter {
    OperationFilter { limit: ALL, ..OperationFilter::default() }
}

pub fn same(who: &str, left: &Picture, right: &Picture) {
    for ((what, left), (_, right)) in left.iter().zip(right) {
        agree(&format!("{who} {what}"), left, right);
    }
}

/// Shows two texts from shortly before the place where they begin to differ.
fn agree(what: &str, left: &str, right: &str) {
    let common = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[common.saturating_sub(200)..]).chars().take(500).collect::<String>()
    };
    assert!(left == right, "{what}:\n  {}\n  {}", around(left), around(right));
}
