//! How are operators' actions kept?

use sqlx::query;
use uuid::Uuid;

use super::cluster::key;
use super::column::{Columns as _, Result, int, maybe_word, time, word};
use super::failover::LAST_ID;
use super::state::Reads;
use super::{Conn, Row, history};
use crate::domain::{ClusterName, Decision, Operation};
use crate::store::cluster::{Cluster, missing};
use crate::store::state::State;

pub async fn write(conn: &mut Conn, cluster: &Cluster, operation: &Operation) -> Result<()> {
    query(
        "insert into operations (id, cluster_id, cluster, kind, target, to_node, reason, actor, state, message,
            decision, created_at, ended_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict (id) do update set to_node = excluded.to_node, state = excluded.state,
            message = excluded.message, ended_at = excluded.ended_at",
    )
    .bind(operation.id.to_string())
    .bind(key(cluster))
    .bind(cluster.name.as_str())
    .bind(word(&operation.kind)?)
    .bind(operation.target.as_str())
    .bind(maybe_word(operation.to.as_ref())?)
    .bind(operation.reason.as_deref())
    .bind(operation.actor.0.as_str())
    .bind(word(&operation.state)?)
    .bind(operation.message.as_str())
    .bind(int(operation.decision.0))
    .bind(time(operation.created_at))
    .bind(operation.ended_at.map(time))
    .execute(conn)
    .await?;
    Ok(())
}

pub fn read(row: &Row) -> Result<Operation> {
    Ok(Operation {
        id: row.word("id")?,
        cluster: row.word("cluster")?,
        kind: row.word("kind")?,
        target: row.text("target")?,
        to: row.maybe_word("to_node")?,
        reason: row.maybe_text("reason")?,
        actor: row.word("actor")?,
        state: row.word("state")?,
        message: row.text("message")?,
        decision: Decision(row.int("decision")?),
        created_at: row.word("created_at")?,
        ended_at: row.maybe_word("ended_at")?,
    })
}

/// Reads those under way into the state, and those named.
pub async fn select(conn: &mut Conn, state: &mut State, named: &[Uuid]) -> Result<()> {
    let reads = Reads {
        under_way: "select * from operations where cluster_id = $1 and state = 'running'",
        by_id: "select * from operations where id = $1",
    };
    let rows = reads.rows(conn, state, named).await?;
    let records = rows.iter().map(|row| read(row).map(|operation| (operation.id, operation)));
    state.operations.extend(records.collect::<Result<Vec<_>>>()?);
    Ok(())
}

pub async fn get(conn: &mut Conn, id: Uuid) -> Result<Operation> {
    let row = query("select * from operations where id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    read(&row.ok_or_else(|| missing("operation", &id.to_string()))?)
}

pub async fn list(
    conn: &mut Conn,
    name: Option<&ClusterName>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Operation>> {
    let cluster = match name {
        Some(name) => Some(history::cluster_id(conn, name).await?),
        None => None,
    };
    let rows =
        query("select * from operations where ($1 is null or cluster_id = $1) and id < $2 order by id desc limit $3")
            .bind(cluster)
            .bind(before.map_or_else(|| LAST_ID.to_owned(), |before| before.to_string()))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await?;
    rows.iter().map(read).collect()
}
