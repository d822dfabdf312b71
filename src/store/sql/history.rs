//! What happened? Events and failovers, also those of a cluster that is gone.

use jiff::Timestamp;
use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::column::{Columns as _, Result, int, maybe_word, time};
use super::failover::{self, LAST_ID};
use super::state;
use super::{Conn, Row, operation};
use crate::domain::statistics::History;
use crate::domain::{ChangeAction, ClusterName, Event, FailoverRecord, Generation, GroupName};
use crate::store::cluster::missing;
use crate::store::{EventFilter, FailoverFilter, rules};

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

/// The highest generation and number of an event of all clusters that ever had a name. Neither is ever removed.
pub async fn last_numbers(conn: &mut Conn, name: &ClusterName) -> Result<(Generation, u64)> {
    let row = query(
        "select coalesce(max(generation), 0) as generation, coalesce((select max(sequence) from events
            where cluster_id in (select distinct cluster_id from changes where cluster = $1)), 0) as last_event
        from changes where cluster = $1",
    );
    let row = row.bind(name.as_str()).fetch_one(conn).await?;
    Ok((Generation(row.int("generation")?), row.int("last_event")?))
}

pub async fn failovers(conn: &mut Conn, name: &ClusterName, filter: &FailoverFilter) -> Result<Vec<FailoverRecord>> {
    let id = cluster_id(conn, name).await?;
    let (text, first) =
        if filter.oldest_first { (OLDEST_FAILOVERS, String::new()) } else { (NEWEST_FAILOVERS, LAST_ID.to_owned()) };
    let rows = query(text)
        .bind(id)
        .bind(filter.after.map_or(first, |after| after.to_string()))
        .bind(filter.group.as_ref().map(|group| group.as_str().to_owned()))
        .bind(filter.node.as_ref().map(|node| node.as_str().to_owned()))
        .bind(maybe_word(filter.cause.as_ref())?)
        .bind(maybe_word(filter.outcome.as_ref())?)
        .bind(filter.since.map(time))
        .bind(filter.until.map(time))
        .bind(filter.acknowledged)
        .bind(i64::from(filter.limit))
        .fetch_all(&mut *conn)
        .await?;
    failover::read_all(conn, &rows).await
}

/// What a filter takes, of one cluster.
macro_rules! failovers_where {
    ($order:literal) => {
        concat!(
            "select * from failovers where cluster_id = $1 and ($3 is null or group_name = $3)
            and ($4 is null or from_node = $4 or to_node = $4) and ($5 is null or cause = $5)
            and ($6 is null or outcome = $6) and ($7 is null or detected_at >= $7)
            and ($8 is null or detected_at < $8) and ($9 is null or (acknowledged_at is not null) = $9) ",
            $order
        )
    };
}

const NEWEST_FAILOVERS: &str = failovers_where!("and id < $2 order by id desc limit $10");
const OLDEST_FAILOVERS: &str = failovers_where!("and id > $2 order by id limit $10");

/// What is kept of what groups did. The words in the texts are those of `EventKind::is_of_group` and of `is_wish`.
pub async fn of_groups(conn: &mut Conn, name: &ClusterName, group: Option<&GroupName>) -> Result<History> {
    let id = cluster_id(conn, name).await?;
    let living = state::find(conn, name).await?;
    let mut history = match &living {
        Some(state) => rules::history(state),
        None => History { ended: ended(conn, &id).await?, ..History::default() },
    };
    let group = group.map(|group| group.as_str().to_owned());
    let all = async |text: &'static str, conn: &mut Conn| query(text).bind(&id).bind(&group).fetch_all(conn).await;
    let events = all(
        "select * from events where cluster_id = $1 and ($2 is null or subject = $2)
        and kind in ('group_placed', 'group_released', 'group_online', 'group_failed')",
        conn,
    );
    history.events = events.await?.iter().map(event).collect::<Result<_>>()?;
    // Asked for in this order, the database would go through all of the cluster's events.
    history.events.sort_by_key(|event| event.sequence);
    let failovers = all(
        "select * from failovers where cluster_id = $1 and ($2 is null or group_name = $2) order by detected_at, id",
        conn,
    );
    history.failovers = failovers.await?.iter().map(failover::read).collect::<Result<_>>()?;
    let operations = all(
        "select * from operations where cluster_id = $1 and ($2 is null or target = $2)
        and kind in ('online', 'offline') order by created_at, id",
        conn,
    );
    history.operations = operations.await?.iter().map(operation::read).collect::<Result<_>>()?;
    Ok(history)
}

/// When a cluster was deleted.
async fn ended(conn: &mut Conn, id: &str) -> Result<Option<Timestamp>> {
    let last = query("select at, action from changes where cluster_id = $1 order by generation desc limit 1");
    let last = last.bind(id).fetch_optional(conn).await?;
    let Some(last) = last else { return Ok(None) };
    let deleted = last.word::<ChangeAction>("action")? == ChangeAction::DeleteCluster;
    Ok(Some(last.word("at")?).filter(|_| deleted))
}

/// The number of the newest event of a cluster; 0 if there is none.
pub async fn newest_event(conn: &mut Conn, name: &ClusterName) -> Result<u64> {
    let id = cluster_id(conn, name).await?;
    let newest = query_scalar::<_, Option<i64>>("select max(sequence) from events where cluster_id = $1").bind(id);
    Ok(newest.fetch_one(conn).await?.and_then(|newest| u64::try_from(newest).ok()).unwrap_or(0))
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

pub async fn events(conn: &mut Conn, name: &ClusterName, filter: &EventFilter) -> Result<Vec<Event>> {
    let id = cluster_id(conn, name).await?;
    let text = "select * from events where cluster_id = $1 and sequence > $2 and ($3 is null or kind = $3)
        and ($4 is null or subject = $4) order by sequence limit $5";
    let rows = query(text)
        .bind(id)
        .bind(int(filter.after))
        .bind(maybe_word(filter.kind.as_ref())?)
        .bind(filter.subject.clone())
        .bind(i64::from(filter.limit))
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
