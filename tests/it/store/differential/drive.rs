//! How is a step done in both stores?

use std::collections::BTreeMap;
use std::time::Duration;

use locum::domain::{
    Cause, ChangeAction, ClusterName, Decision, EventKind, Generation, HumanDuration, OperationKind, OperationState,
    Outcome, Term,
};
use locum::planner::replay::KeptPlan;
use locum::planner::{self, Effects, Snapshot};
use locum::store::{
    Acknowledgement, AnswerOf, Basis, Cancellation, Error, EventFilter, Expect, FailoverFilter, KeptAnswer,
    NewOperation, OperationFilter, Replacement,
};
use uuid::Uuid;

use super::made::next_id;
use super::pair::{KEYS, Pair, same};
use super::seen::{self, Look};
use super::steps::{Draft, GROUPS, Ground, Hope, NODES, Step, Verb};
use crate::store::event;
use crate::support::{alice, at, group, id, node};

/// The default, in seconds.
pub const RETENTION: i64 = 400 * 24 * 60 * 60;

struct Drive {
    pair: Pair,
    clusters: [ClusterName; 2],
    reigns: BTreeMap<ClusterName, Uuid>,
    second: i64,
    ids: u128,
}

/// Does each step and compares all that can be read of its cluster; at the end of both. A cluster that is created for a step begins as `first`.
pub async fn all(first: &Draft, steps: &[Step]) {
    let clusters = ["c".parse().unwrap(), "d".parse().unwrap()];
    let pair = Pair::open().await;
    let mut drive = Drive { pair, clusters, reigns: BTreeMap::new(), second: 0, ids: 0 };
    for step in steps {
        drive.second += step.tick;
        let name = drive.clusters[usize::from(step.other)].clone();
        if step.create && drive.pair.memory().topology(&name).await.is_err() {
            drive.step(&name, &Verb::Put { topology: first.clone(), expect: Hope::Absent }).await;
            drive.step(&name, &Verb::Reign { term: 0, decision: 0, longest_ns: 0 }).await;
        }
        drive.step(&name, &step.verb).await;
    }
    drive.pair.compare(&drive.clusters, at(drive.second)).await;
}

impl Drive {
    async fn step(&mut self, name: &ClusterName, verb: &Verb) {
        let (now, concerned) = (at(self.second), std::slice::from_ref(name));
        let before = self.pair.picture(1, concerned, now).await;
        let done = self.verb(name, verb).await;
        let after = self.pair.compare(concerned, now).await;
        if done.is_err() {
            same("what was refused left", &before, &after);
        }
    }

    async fn verb(&mut self, name: &ClusterName, verb: &Verb) -> Result<(), Error> {
        let now = at(self.second);
        match verb {
            Verb::Put { topology, expect } => self.put(name, topology, *expect).await,
            Verb::Replace { topology, older } => self.replace(name, topology, *older).await,
            Verb::Delete { expect } => {
                let expect = self.expect(name, *expect).await;
                self.pair.both(async |store| store.delete_cluster(name, expect, &alice(), now).await).await
            }
            Verb::Begin { kind, target, to, again } => {
                let known = self.pair.operations().await.first().filter(|_| *again).map(|operation| operation.id);
                let target = if kind.targets_node() { NODES[*target] } else { GROUPS[*target] };
                let new = NewOperation {
                    id: known.unwrap_or_else(|| next_id(&mut self.ids)),
                    kind: *kind,
                    target: target.to_owned(),
                    to: to.map(|to| node(NODES[to])),
                    reason: again.then(|| "asked again".to_owned()),
                    actor: alice(),
                    at: now,
                    timeout: HumanDuration::from_secs(30 + target.len() as u64),
                    answer: self.answer(),
                };
                self.pair.both(async |store| store.begin_operation(name, &new).await).await.map(drop)
            }
            Verb::Cancel { operation } => {
                let all = self.pair.operations().await;
                let known = all.get(operation % all.len().max(1)).map(|operation| operation.id);
                let (actor, reason, answer) = (alice(), Some("no longer".to_owned()), self.answer());
                let new = Cancellation { id: known.unwrap_or_default(), reason, actor, at: now, answer };
                self.pair.both(async |store| store.cancel_operation(name, &new).await).await.map(drop)
            }
            Verb::Reign { term, decision, longest_ns } => {
                let reign = next_id(&mut self.ids);
                let (least, longest) = ((Term(*term), Decision(*decision)), Duration::from_nanos(*longest_ns));
                self.pair.both(async |store| store.begin_reign(name, reign, least, longest, now).await).await?;
                self.reigns.insert(name.clone(), reign);
                Ok(())
            }
            Verb::Agent { node: named } => {
                let (named, agent) = (node(NODES[*named]), next_id(&mut self.ids));
                self.pair.both(async |store| store.record_agent(name, &named, agent).await).await
            }
            Verb::Note { events } => {
                let events: Vec<_> = (0..*events).map(|number| event(self.second, number)).collect();
                self.pair.both(async |store| store.append_events(name, &events).await).await
            }
            Verb::Commit { ground, made } => {
                let now = self.load(name).await?;
                let records: Vec<_> = self.pair.records(&self.clusters).await.iter().map(|record| record.id).collect();
                let operations = self.pair.operations().await;
                let effects = made.effects(&now, &records, &operations, &mut || next_id(&mut self.ids));
                self.commit(name, &now, *ground, &effects).await
            }
            Verb::Plan { ground, looks } => self.plan(name, *ground, looks).await,
            Verb::Page { before, group, limit } => self.page(name, *before, *group, *limit).await,
            Verb::Prune { age, gone, limit } => {
                let then = at(self.second - age + RETENTION);
                let whose = Some(name).filter(|_| !gone);
                self.pair.both(async |store| store.prune(whose, then, *limit).await).await.map(drop)
            }
        }
    }

    async fn load(&mut self, name: &ClusterName) -> Result<Snapshot, Error> {
        let now = at(self.second);
        self.pair.both(async |store| store.load(name, now).await).await
    }

    async fn expect(&self, name: &ClusterName, hope: Hope) -> Expect {
        let present = self.pair.memory().topology(name).await.map_or(Generation(0), |stored| stored.generation);
        match hope {
            Hope::Anything => Expect::Anything,
            Hope::Absent => Expect::Absent,
            Hope::Present => Expect::At(present),
            Hope::Older => Expect::At(Generation(present.0.saturating_sub(1))),
        }
    }

    async fn put(&mut self, name: &ClusterName, draft: &Draft, hope: Hope) -> Result<(), Error> {
        let (now, expect) = (at(self.second), self.expect(name, hope).await);
        let spec = draft.spec(name.as_str());
        if expect == Expect::Absent && self.second % 2 == 0 {
            let answer = self.answer();
            // Both have to tell the same generation.
            let tell = || -> Option<AnswerOf> {
                let answer = answer.clone()?;
                Some(Box::new(move |generation| Ok(KeptAnswer { etag: Some(generation.to_string()), ..answer })))
            };
            let made = self.pair.both(async |store| store.create_cluster(&spec, &alice(), now, tell()).await);
            return made.await.map(drop);
        }
        self.pair.both(async |store| store.put_topology(&spec, expect, &alice(), now).await).await.map(drop)
    }

    /// Under few keys, so that one comes again.
    fn answer(&self) -> Option<KeptAnswer> {
        let key = usize::try_from(self.second).ok().and_then(|second| KEYS.get(second % 8))?;
        let (request, location) = ("asked".to_owned(), Some(format!("/{}", self.second)));
        let (key, at) = ((*key).to_owned(), at(self.second));
        Some(KeptAnswer { key, request, status: 202, etag: None, location, body: None, at })
    }

    async fn replace(&mut self, name: &ClusterName, draft: &Draft, older: bool) -> Result<(), Error> {
        let present = self.pair.memory().topology(name).await.map_or(Generation(0), |stored| stored.generation);
        let (action, message) = (ChangeAction::Revert, "went back".to_owned());
        let on = Generation(present.0.saturating_sub(u64::from(older)));
        let (spec, object, actor, at) = (draft.spec(name.as_str()).into(), name.to_string(), alice(), at(self.second));
        let answer = self.answer();
        let (id, after) = (next_id(&mut self.ids), None);
        let new = Replacement { spec, id, on, after, action, message, object, actor, at, answer };
        self.pair.both(async |store| store.replace_topology(&new).await).await.map(drop)
    }

    async fn commit(
        &mut self,
        name: &ClusterName,
        now: &Snapshot,
        ground: Ground,
        effects: &Effects,
    ) -> Result<(), Error> {
        let reign = self.reigns.get(name).copied().unwrap_or_default();
        let present = Basis { generation: now.generation, decision: now.decision, reign };
        let basis = match ground {
            Ground::Present => present,
            Ground::OlderGeneration => Basis { generation: Generation(now.generation.0 - 1), ..present },
            Ground::OlderDecision => Basis { decision: Decision(now.decision.0 - 1), ..present },
            Ground::OtherReign => Basis { reign: id(0), ..present },
        };
        self.pair.both(async |store| store.commit(name, &basis, effects).await).await
    }

    /// Commits what the planner makes of what is stored and seen; that must be what it said it would be.
    async fn plan(&mut self, name: &ClusterName, ground: Ground, looks: &[Look]) -> Result<(), Error> {
        let mut now = self.load(name).await?;
        seen::fill_in(&mut now, looks);
        let plan = planner::plan(&now);
        let mut effects = planner::effects(&now, &plan, &mut || next_id(&mut self.ids));
        effects.kept = KeptPlan::of(&now, &plan, &effects).unwrap();
        self.commit(name, &now, ground, &effects).await?;
        effects.apply_to(&mut now);
        let mut stored = self.load(name).await?;
        seen::forget(&mut now);
        // The effects leave it to whoever reads it which past failovers still lie within the period.
        [&mut stored, &mut now].into_iter().flat_map(|it| it.groups.values_mut()).for_each(|it| it.recent.clear());
        assert_eq!(stored, now, "stored (left) is not what the effects say (right)");
        Ok(())
    }

    async fn page(&mut self, name: &ClusterName, before: usize, of: Option<usize>, limit: u32) -> Result<(), Error> {
        let (number, older) = (before as u64, id(before as u128));
        let of = of.map(|index| group(GROUPS[index]));
        let by = |rest: i64| (self.second % 5 == rest).then_some(());
        let filter = FailoverFilter {
            group: of,
            node: by(0).map(|()| node(NODES[0])),
            cause: by(1).map(|()| Cause::NodeLost),
            outcome: by(2).map(|()| Outcome::Succeeded),
            since: by(3).map(|()| at(self.second / 2)),
            until: by(4).map(|()| at(self.second / 2)),
            acknowledged: by(0).map(|()| before.is_multiple_of(2)),
            limit,
            after: Some(older),
            oldest_first: self.second % 2 == 1,
        };
        let comment = before.is_multiple_of(2).then(|| "seen".to_owned());
        let (actor, now, answer) = (alice(), at(self.second), self.answer());
        let seen = Acknowledgement { failover: older, comment, actor, at: now, answer };
        let generation = Some(Generation(number / 4));
        let pair = &mut self.pair;
        let _ = pair.both(async |store| store.history(name, filter.group.as_ref()).await).await;
        let _ = pair.both(async |store| store.failovers(name, &filter).await).await;
        let _ = pair.both(async |store| store.failover(name, older).await).await;
        let _ = pair.both(async |store| store.acknowledge(name, &seen).await).await;
        let _ = pair.both(async |store| store.newest_event(name).await).await;
        let _ = pair.both(async |store| store.operation(older).await).await;
        let operations = OperationFilter {
            cluster: before.is_multiple_of(2).then(|| name.clone()),
            state: by(0).map(|()| OperationState::Cancelled),
            kind: by(1).map(|()| OperationKind::Drain),
            target: by(2).map(|()| NODES[0].to_owned()),
            since: by(3).map(|()| at(self.second / 2)),
            until: by(4).map(|()| at(self.second / 2)),
            limit,
            before: Some(older),
        };
        let _ = pair.both(async |store| store.operations(&operations).await).await;
        let _ = pair.both(async |store| store.changes(name, generation, limit).await).await;
        let kind = (before.is_multiple_of(3)).then_some(EventKind::TopologyChanged);
        let filter = EventFilter { kind, ..EventFilter::after(number, limit) };
        let _ = pair.both(async |store| store.events(name, &filter).await).await;
        pair.both(async |store| store.ready().await).await
    }
}
