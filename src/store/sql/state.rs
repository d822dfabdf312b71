//! How is a living cluster read as one value?

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::cluster::{self, key};
use super::column::{Columns as _, Result};
use super::{Conn, Row, failover, history, objects, operation, placement};
use crate::domain::ClusterName;
use crate::planner::Snapshot;
use crate::store::Error;
use crate::store::cluster::{Fresh, missing, new_id};
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

/// The cluster with records that it does not have yet, beside those under way.
pub async fn with_named(conn: &mut Conn, state: Arc<State>, unknown: &Named) -> Result<Arc<State>> {
    let mut state = Arc::unwrap_or_clone(state);
    operation::named(conn, &mut state, &unknown.operations).await?;
    failover::named(conn, &mut state, &unknown.failovers).await?;
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
