//! How is a living cluster read as one value, and what a rule made of it written?

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::cluster::{self, key};
use super::column::{Columns as _, Result};
use super::{Conn, Row, change, failover, history, kept_answer, kept_plan, objects, operation, placement};
use crate::domain::{ClusterName, Outcome};
use crate::planner::Snapshot;
use crate::store::Error;
use crate::store::cluster::{Fresh, missing, new_id};
use crate::store::differs;
use crate::store::rules;
use crate::store::state::{Named, State};

/// A living cluster, with what is under way in it.
pub async fn find(conn: &mut Conn, name: &ClusterName) -> Result<Option<State>> {
    let Some(cluster) = cluster::find(conn, name).await? else { return Ok(None) };
    let mut state = State::new(cluster);
    state.nodes = objects::nodes(conn, &state.cluster).await?;
    state.groups = objects::groups(conn, &state.cluster).await?;
    state.hosts = objects::HOSTS.all(conn, &state.cluster).await?;
    state.handlers = objects::HANDLERS.all(conn, &state.cluster).await?;
    state.placements = Arc::new(placement::all(conn, &state.cluster).await?);
    operation::under_way(conn, &mut state).await?;
    failover::under_way(conn, &mut state).await?;
    Ok(Some(state))
}

pub async fn get(conn: &mut Conn, name: &ClusterName) -> Result<State> {
    find(conn, name).await?.ok_or_else(|| missing("cluster", name.as_str()))
}

/// The cluster with the records that a verb names, beside those under way.
pub async fn with_named(conn: &mut Conn, state: Arc<State>, named: &Named) -> Result<Arc<State>> {
    let operations = named.operations.iter().filter(|id| !state.operations.contains_key(id));
    let failovers = named.failovers.iter().filter(|id| !state.failovers.contains_key(id));
    let (operations, failovers): (Vec<Uuid>, Vec<Uuid>) = (operations.copied().collect(), failovers.copied().collect());
    if operations.is_empty() && failovers.is_empty() {
        return Ok(state);
    }
    let mut state = State::clone(&state);
    operation::named(conn, &mut state, &operations).await?;
    failover::named(conn, &mut state, &failovers).await?;
    Ok(Arc::new(state))
}

/// The rows that `by_id` finds of these ids. One of another cluster is only noted as taken.
pub async fn named_rows(conn: &mut Conn, state: &mut State, by_id: &'static str, ids: &[Uuid]) -> Result<Vec<Row>> {
    let key = key(&state.cluster);
    let mut rows = Vec::new();
    for id in ids {
        let found = query(by_id).bind(id.to_string()).fetch_optional(&mut *conn).await?;
        let Some(row) = found else { continue };
        if row.text("cluster_id")? == key {
            rows.push(row);
        } else {
            state.taken.insert(*id);
        }
    }
    Ok(rows)
}

/// What the planner needs of a cluster.
pub async fn snapshot(conn: &mut Conn, state: State, now: Timestamp) -> Result<Snapshot> {
    let past = match rules::earliest(&state, now) {
        Some(earliest) => failover::past(conn, &state.cluster, earliest).await?,
        None => Vec::new(),
    };
    Ok(rules::snapshot(state, &past, now))
}

/// With what a new cluster of this name begins. The random part of its id comes from the database.
pub async fn fresh(conn: &mut Conn, name: &ClusterName, at: Timestamp) -> Result<Fresh> {
    let random: Vec<u8> = query_scalar("select randomblob(10)").fetch_one(&mut *conn).await?;
    let random: [u8; 10] = random.try_into().map_err(|_| Error::Database("it gave no random bytes".to_owned()))?;
    let last = history::newest(conn, name).await?.map(|id| id.parse()).transpose();
    let last = last.map_err(|e| Error::Database(format!("a cluster's id is none: {e}")))?;
    let (generation, last_event) = history::last_numbers(conn, name).await?;
    Ok(Fresh { id: new_id(at, &random, last), generation, last_event })
}

/// Writes what a rule changed of a cluster, in an order that the tables' constraints allow.
pub async fn save(conn: &mut Conn, before: &State, after: &State) -> Result<()> {
    let cluster = &after.cluster;
    // First: it is what may be refused, and then nothing is written yet.
    if let Some(answer) = &after.journal.answer {
        kept_answer::write(conn, answer).await?;
    }
    if *cluster != before.cluster {
        cluster::save(conn, cluster).await?;
    }
    save_objects(conn, before, after).await?;
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
    if let Some(new) = &after.journal.change {
        change::record(conn, before, after, new).await?;
    }
    if let Some(kept) = &after.journal.kept {
        kept_plan::write(conn, cluster, kept).await?;
    }
    cluster::append(conn, cluster, &after.journal.events).await?;
    if after.deleted {
        query("delete from clusters where id = $1").bind(key(cluster)).execute(conn).await?;
    }
    Ok(())
}

async fn save_objects(conn: &mut Conn, before: &State, after: &State) -> Result<()> {
    let cluster = &after.cluster;
    for node in changed(&before.nodes, &after.nodes) {
        objects::write_node(conn, cluster, node).await?;
    }
    for (name, _) in differs::gone(&before.nodes, &after.nodes) {
        objects::delete_node(conn, cluster, name).await?;
    }
    for group in changed(&before.groups, &after.groups) {
        objects::write_group(conn, cluster, group).await?;
    }
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
