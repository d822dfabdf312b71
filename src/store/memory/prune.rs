//! What is removed because it is older than the retention?

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::Result;
use super::kept::{Kept, Of};
use crate::domain::{ClusterName, Event, Outcome};
use crate::store::{Pruned, rules};

impl Kept {
    /// Removes what is old of a living cluster, and notes from when on all is there.
    pub fn prune(&mut self, name: &ClusterName, now: Timestamp, limit: u32) -> Result<Pruned> {
        let state = self.get(name, &Default::default())?;
        let before = rules::removes_before(&state, now);
        let old = Old { id: state.cluster.id, before, limit: limit as usize, lives: true };
        let pruned = old.remove(self);
        if pruned.any()
            && let Some(state) = self.living.get_mut(name)
        {
            state.cluster.forget(before);
        }
        Ok(pruned)
    }

    /// Removes what is old of the first cluster that is gone and has any of it.
    pub fn prune_gone(&mut self, now: Timestamp, limit: u32) -> Pruned {
        let before = rules::removes_of_deleted_before(now);
        let living: BTreeSet<Uuid> = self.living.values().map(|state| state.cluster.id).collect();
        let all: BTreeSet<Uuid> = self.events.keys().map(|(id, _)| *id).collect();
        let mut gone = all.difference(&living);
        let pruned = gone.find_map(|id| {
            let pruned = Old { id: *id, before, limit: limit as usize, lives: false }.remove(self);
            pruned.any().then_some(pruned)
        });
        pruned.unwrap_or_default()
    }
}

/// What is old of a cluster.
struct Old {
    id: Uuid,
    before: Timestamp,
    limit: usize,
    /// Whether the cluster is there still, so that it counts where its groups stand.
    lives: bool,
}

impl Old {
    fn remove(&self, kept: &mut Kept) -> Pruned {
        Pruned { failovers: self.failovers(kept), operations: self.operations(kept), events: self.events(kept) }
    }

    fn failovers(&self, kept: &mut Kept) -> u64 {
        let ours = kept.failovers.values().filter(|of| of.cluster == self.id).map(|of| &of.record);
        let ended = ours.filter(|record| record.outcome != Outcome::InProgress);
        let old = self.oldest(ended.map(|record| (record.detected_at, record.id)));
        for id in &old {
            kept.failovers.remove(id);
            kept.forgiven.remove(id);
            kept.plans.values_mut().for_each(|plan| _ = plan.failovers.remove(id));
        }
        if !old.is_empty() {
            kept.plans.retain(|(cluster, _), plan| *cluster != self.id || !plan.failovers.is_empty());
        }
        old.len() as u64
    }

    fn operations(&self, kept: &mut Kept) -> u64 {
        let ours = kept.operations.values().filter(|of: &&Of<_>| of.cluster == self.id).map(|of| &of.record);
        let old = self.oldest(ours.filter_map(|operation| Some((operation.ended_at?, operation.id))));
        old.iter().for_each(|id| _ = kept.operations.remove(id));
        old.len() as u64
    }

    /// The newest stays, and of a cluster that lives the newest of each kind that says where a group stands.
    fn events(&self, kept: &mut Kept) -> u64 {
        let ours = || kept.events.range((self.id, 0)..=(self.id, u64::MAX)).map(|(_, event)| event);
        let newest = ours().next_back().map(|event| event.sequence);
        let said_again = |event: &Event| {
            let later = ours().rev().take_while(|later| later.sequence > event.sequence);
            later.into_iter().any(|later| (later.kind, &later.subject) == (event.kind, &event.subject))
        };
        let needed = |event: &Event| {
            let last_word = self.lives && event.kind.is_of_group() && !said_again(event);
            newest == Some(event.sequence) || last_word
        };
        let old = self.oldest(ours().filter(|event| !needed(event)).map(|event| (event.at, event.sequence)));
        old.iter().for_each(|sequence| _ = kept.events.remove(&(self.id, *sequence)));
        old.len() as u64
    }

    fn oldest<T: Ord>(&self, all: impl Iterator<Item = (Timestamp, T)>) -> Vec<T> {
        let mut old: Vec<_> = all.filter(|(at, _)| *at < self.before).collect();
        old.sort();
        old.into_iter().take(self.limit).map(|(_, what)| what).collect()
    }
}
