//! Who changed what is wanted, and how is a cluster removed?

use jiff::Timestamp;
use sqlx::query;

use super::cluster::{self, Cluster};
use super::column::{Columns as _, Result, int, maybe_json, time, word};
use super::{Conn, Row, history, topology};
use crate::domain::{Actor, Change, ChangeAction, ClusterName, EventKind, Generation, TopologySpec};
use crate::store::Error;

/// Who asked, and when.
pub struct Asked<'a> {
    pub actor: &'a Actor,
    pub at: Timestamp,
}

/// Appends the change that made the cluster's present generation, from what to what.
pub async fn record(
    conn: &mut Conn,
    cluster: &Cluster,
    action: ChangeAction,
    (before, after): (Option<&TopologySpec>, Option<&TopologySpec>),
    asked: &Asked<'_>,
) -> Result<()> {
    query(
        "insert into changes (cluster_id, cluster, generation, at, actor, action, before_document, after_document)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(cluster.key())
    .bind(cluster.name.as_str())
    .bind(int(cluster.generation.0))
    .bind(time(asked.at))
    .bind(asked.actor.0.as_str())
    .bind(word(&action)?)
    .bind(maybe_json(before)?)
    .bind(maybe_json(after)?)
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
        before: row.maybe_json("before_document")?,
        after: row.maybe_json("after_document")?,
    })
}

/// Removes a cluster that owns nothing. Its history stays; what was under way ends.
pub async fn delete_cluster(conn: &mut Conn, name: &ClusterName, asked: &Asked<'_>) -> Result<()> {
    let mut cluster = cluster::get(conn, name).await?;
    let owned = query(
        "select group_name, last_owner from placements
        where cluster_id = $1 and phase in ('held', 'releasing') order by group_name",
    )
    .bind(cluster.key())
    .fetch_all(&mut *conn)
    .await?;
    if !owned.is_empty() {
        let named = owned.iter().map(|row| Ok(format!("{} on {}", row.text("group_name")?, row.text("last_owner")?)));
        let named: Vec<String> = named.collect::<Result<_>>()?;
        return Err(Error::Refused(format!(
            "cluster {name} still has groups with an owner ({}); take them offline first",
            named.join(", ")
        )));
    }
    let before = topology::read(conn, &cluster).await?;
    cluster.count_change();
    record(conn, &cluster, ChangeAction::DeleteCluster, (Some(&before), None), asked).await?;
    let message = format!("{} deleted the cluster", asked.actor);
    cluster::append(conn, &mut cluster, &[cluster::event(asked.at, EventKind::TopologyChanged, name, message)]).await?;
    query(
        "update operations set state = 'superseded', message = 'the cluster was deleted', ended_at = $2
        where cluster_id = $1 and state = 'running'",
    )
    .bind(cluster.key())
    .bind(time(asked.at))
    .execute(&mut *conn)
    .await?;
    query("update failovers set outcome = 'superseded' where cluster_id = $1 and outcome = 'in_progress'")
        .bind(cluster.key())
        .execute(&mut *conn)
        .await?;
    query("delete from clusters where id = $1").bind(cluster.key()).execute(conn).await?;
    Ok(())
}
