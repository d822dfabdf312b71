//! What happened? Events and failovers, also those of a cluster that is gone.

use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::column::{Columns as _, Result, int};
use super::failover::{self, LAST_ID};
use super::{Conn, Row};
use crate::domain::{ClusterName, Event, FailoverRecord};
use crate::store::FailoverFilter;
use crate::store::cluster::missing;

/// The id of a cluster, or of the last one of that name if it was deleted.
pub async fn cluster_id(conn: &mut Conn, name: &ClusterName) -> Result<String> {
    let living = query_scalar("select id from clusters where name = $1").bind(name.as_str());
    if let Some(id) = living.fetch_optional(&mut *conn).await? {
        return Ok(id);
    }
    newest(conn, name).await?.ok_or_else(|| missing("cluster", name.as_str()))
}

/// The id of the newest cluster that ever had a name.
pub async fn newest(conn: &mut Conn, name: &ClusterName) -> Result<Option<String>> {
    let newest = query_scalar("select max(cluster_id) from changes where cluster = $1").bind(name.as_str());
    Ok(newest.fetch_one(conn).await?)
}

pub async fn failovers(conn: &mut Conn, name: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
    let id = cluster_id(conn, name).await?;
    let rows = query(
        "select * from failovers where cluster_id = $1 and id < $2 and ($3 is null or group_name = $3)
        order by id desc limit $4",
    )
    .bind(id)
    .bind(filter.before.map_or_else(|| LAST_ID.to_owned(), |before| before.to_string()))
    .bind(filter.group.as_ref().map(|group| group.as_str().to_owned()))
    .bind(i64::from(filter.limit))
    .fetch_all(&mut *conn)
    .await?;
    failover::read_all(conn, &rows).await
}

pub async fn failover(conn: &mut Conn, name: &ClusterName, id: Uuid) -> Result<FailoverRecord> {
    let cluster = cluster_id(conn, name).await?;
    let rows = query("select * from failovers where cluster_id = $1 and id = $2")
        .bind(cluster)
        .bind(id.to_string())
        .fetch_all(&mut *conn)
        .await?;
    let found = failover::read_all(conn, &rows).await?.pop();
    found.ok_or_else(|| missing("failover", &id.to_string()))
}

pub async fn events(conn: &mut Conn, name: &ClusterName, after: u64, limit: u32) -> Result<Vec<Event>> {
    let id = cluster_id(conn, name).await?;
    let rows = query("select * from events where cluster_id = $1 and sequence > $2 order by sequence limit $3")
        .bind(id)
        .bind(int(after))
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(event).collect()
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        cluster: row.word("cluster")?,
        sequence: row.int("sequence")?,
        at: row.word("at")?,
        kind: row.word("kind")?,
        subject: row.text("subject")?,
        message: row.text("message")?,
    })
}
