//! What happened? Events and failovers, also those of a cluster that is gone.

use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::cluster;
use super::column::{Columns as _, Result, int};
use super::failover::{self, LAST_ID};
use super::{Conn, Row};
use crate::domain::{ClusterName, Event, FailoverRecord};
use crate::store::FailoverFilter;

/// The id of a cluster, or of the last one of that name if it was deleted.
pub async fn cluster_id(conn: &mut Conn, name: &ClusterName) -> Result<String> {
    let live = query_scalar("select id from clusters where name = $1").bind(name.as_str());
    if let Some(id) = live.fetch_optional(&mut *conn).await? {
        return Ok(id);
    }
    let gone = query_scalar("select cluster_id from changes where cluster = $1 order by at desc limit 1");
    let gone: Option<String> = gone.bind(name.as_str()).fetch_optional(conn).await?;
    gone.ok_or_else(|| cluster::missing("cluster", name.as_str()))
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
    found.ok_or_else(|| cluster::missing("failover", &id.to_string()))
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
