//! How is a change of desired state kept?

use sqlx::query;

use super::cluster::key;
use super::column::{Columns as _, Result, int, maybe_json, time, word};
use super::{Conn, Row, history};
use crate::domain::{Change, ClusterName, Generation};
use crate::store::cluster::Cluster;
use crate::store::state::NewChange;

/// Appends the change that made the cluster's present generation.
pub async fn record(conn: &mut Conn, cluster: &Cluster, change: &NewChange) -> Result<()> {
    query(
        "insert into changes (cluster_id, cluster, generation, at, actor, action, message, before_document, after_document)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(key(cluster))
    .bind(cluster.name.as_str())
    .bind(int(cluster.generation.0))
    .bind(time(change.at))
    .bind(change.actor.0.as_str())
    .bind(word(&change.action)?)
    .bind(change.message.as_str())
    .bind(maybe_json(change.before.as_ref())?)
    .bind(maybe_json(change.after.as_ref())?)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn list(conn: &mut Conn, name: &ClusterName, before: Option<Generation>, limit: u32) -> Result<Vec<Change>> {
    let id = history::cluster_id(conn, name).await?;
    let rows =
        query("select * from changes where cluster_id = $1 and generation < $2 order by generation desc limit $3")
            .bind(id)
            .bind(before.map_or(i64::MAX, |generation| int(generation.0)))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Change> {
    Ok(Change {
        cluster: row.word("cluster")?,
        generation: Generation(row.int("generation")?),
        at: row.word("at")?,
        actor: row.word("actor")?,
        action: row.word("action")?,
        message: row.maybe_text("message")?.unwrap_or_default(),
        before: row.maybe_json("before_document")?,
        after: row.maybe_json("after_document")?,
    })
}
