//! What have verbs made of a cluster that the database does not have yet, and how is it written?

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::query;

use super::cluster::{self, key};
use super::column::Result;
use super::{Conn, change, failover, kept_answer, kept_plan, objects, operation, placement};
use crate::domain::{Event, Outcome};
use crate::store::differs;
use crate::store::state::State;

/// The way from what the database has to what verbs made of it.
pub struct Unsaved {
    before: Arc<State>,
    after: Arc<State>,
    changes: Vec<change::Entry>,
    events: Vec<Event>,
}

impl Unsaved {
    /// What one verb did. The answer that is kept with it is written at once: it alone may be refused, and then the verb did
    /// nothing.
    pub async fn step(conn: &mut Conn, before: Arc<State>, mut after: State) -> Result<Self> {
        if let Some(answer) = after.journal.answer.take() {
            kept_answer::write(conn, &answer).await?;
        }
        let events = std::mem::take(&mut after.journal.events);
        let change = after.journal.change.take();
        let changes = change.map(|new| change::entry(&before, &after, &new)).transpose()?.into_iter().collect();
        Ok(Self { before, after: Arc::new(after), changes, events })
    }

    /// Whether it can be written together with what comes after it: of what it differs in the last word counts, or it adds
    /// to what only grows. Records and placements are written as each verb leaves them.
    pub fn can_wait(&self) -> bool {
        let (before, after) = (&self.before, &self.after);
        !after.deleted
            && after.journal.forgiven.is_empty()
            && after.journal.kept.is_none()
            && Arc::ptr_eq(&before.placements, &after.placements)
            && before.operations == after.operations
            && before.failovers == after.failovers
    }

    /// What is to be written if another step follows.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.changes.extend(next.changes);
        self.events.extend(next.events);
        Self { after: next.after, ..self }
    }

    /// The same step with another end.
    #[must_use]
    pub fn ending_in(self, after: Arc<State>) -> Self {
        Self { after, ..self }
    }

    pub fn after(&self) -> &Arc<State> {
        &self.after
    }

    /// Writes it, in an order that the tables' constraints allow.
    pub async fn save(self, conn: &mut Conn) -> Result<()> {
        let Self { before, after, changes, events } = self;
        let cluster = &after.cluster;
        if *cluster != before.cluster {
            cluster::save(conn, cluster).await?;
        }
        save_objects(conn, &before, &after).await?;
        // Most verbs leave them alone.
        if !Arc::ptr_eq(&before.placements, &after.placements) {
            for (group, _, placement) in differs::changed(&before.placements, &after.placements, |was, is| was == is) {
                placement::write(conn, cluster, group, placement).await?;
            }
        }
        for operation in changed(&before.operations, &after.operations) {
            operation::write(conn, cluster, operation).await?;
        }
        for group in &after.journal.forgiven {
            failover::forgive(conn, cluster, group).await?;
        }
        // Those that end come first: an index allows one open failover of a group.
        let (open, ended): (Vec<_>, Vec<_>) =
            changed(&before.failovers, &after.failovers).partition(|record| record.outcome == Outcome::InProgress);
        for record in ended.into_iter().chain(open) {
            failover::write(conn, cluster, record).await?;
        }
        change::append(conn, cluster, changes).await?;
        if let Some(kept) = &after.journal.kept {
            kept_plan::write(conn, cluster, kept).await?;
        }
        cluster::append(conn, cluster, events).await?;
        if after.deleted {
            query("delete from clusters where id = $1").bind(key(cluster)).execute(conn).await?;
        }
        Ok(())
    }
}

async fn save_objects(conn: &mut Conn, before: &State, after: &State) -> Result<()> {
    let cluster = &after.cluster;
    for node in changed(&before.nodes, &after.nodes) {
        objects::write_node(conn, cluster, node).await?;
    }
    for (name, _) in differs::gone(&before.nodes, &after.nodes) {
        objects::delete_node(conn, cluster, name).await?;
    }
    objects::write_groups(conn, cluster, changed(&before.groups, &after.groups)).await?;
    for (name, _) in differs::gone(&before.groups, &after.groups) {
        objects::delete_group(conn, cluster, name).await?;
    }
    objects::HOSTS.save(conn, cluster, &before.hosts, &after.hosts).await?;
    objects::HANDLERS.save(conn, cluster, &before.handlers, &after.handlers).await
}

/// What is new or differs.
fn changed<'a, K: Ord, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a V> {
    differs::changed(before, after, |was, is| was == is).map(|(_, _, is)| is)
}
