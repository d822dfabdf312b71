//! How are operators' actions kept?

use jiff::Timestamp;
use sqlx::query;
use uuid::Uuid;

use super::cluster::key;
use super::column::{Columns as _, Result, int, json, maybe_json, maybe_word, time, word};
use super::failover::LAST_ID;
use super::state::named_rows;
use super::{Conn, Row, history};
use crate::domain::operation::DEFAULT_TIMEOUT;
use crate::domain::{Decision, Operation, OperationPhase, PhaseBegun};
use crate::store::OperationFilter;
use crate::store::cluster::{Cluster, missing};
use crate::store::state::State;

pub async fn write(conn: &mut Conn, cluster: &Cluster, operation: &Operation) -> Result<()> {
    query(
        "insert into operations (id, cluster_id, cluster, kind, target, to_node, reason, actor, state, message,
            decision, created_at, ended_at, phases, progress, next_step, times_out_at, wanted_before)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        on conflict (id) do update set to_node = excluded.to_node, state = excluded.state,
            message = excluded.message, ended_at = excluded.ended_at, phases = excluded.phases,
            progress = excluded.progress, next_step = excluded.next_step",
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
    .bind(json(&operation.phases)?)
    .bind(maybe_json(operation.progress.as_ref())?)
    .bind(operation.next_step.as_deref())
    .bind(time(operation.times_out_at))
    .bind(maybe_word(operation.wanted_before.as_ref())?)
    .execute(conn)
    .await?;
    Ok(())
}

pub fn read(row: &Row) -> Result<Operation> {
    let created_at = row.word("created_at")?;
    let ended_at = row.maybe_word("ended_at")?;
    let phases = row.maybe_json("phases")?.unwrap_or_else(|| phases_of_old(created_at, ended_at));
    Ok(Operation {
        id: row.word("id")?,
        cluster: row.word("cluster")?,
        kind: row.word("kind")?,
        target: row.text("target")?,
        to: row.maybe_word("to_node")?,
        reason: row.maybe_text("reason")?,
        actor: row.word("actor")?,
        state: row.word("state")?,
        phase: phases.last().map(|last| last.phase).unwrap_or_default(),
        phases,
        progress: row.maybe_json("progress")?,
        message: row.text("message")?,
        next_step: row.maybe_text("next_step")?,
        decision: Decision(row.int("decision")?),
        created_at,
        times_out_at: row.maybe_word("times_out_at")?.unwrap_or_else(|| times_out(created_at)),
        ended_at,
        wanted_before: row.maybe_word("wanted_before")?,
    })
}

/// What is known of one that is older than its phases.
fn phases_of_old(created_at: Timestamp, ended_at: Option<Timestamp>) -> Vec<PhaseBegun> {
    let accepted = PhaseBegun { phase: OperationPhase::Accepted, at: created_at };
    let ended = ended_at.map(|at| PhaseBegun { phase: OperationPhase::Ended, at });
    [accepted].into_iter().chain(ended).collect()
}

fn times_out(created_at: Timestamp) -> Timestamp {
    created_at.checked_add(DEFAULT_TIMEOUT.get()).unwrap_or(Timestamp::MAX)
}

/// Reads those under way into the state.
pub async fn under_way(conn: &mut Conn, state: &mut State) -> Result<()> {
    let rows = query("select * from operations where cluster_id = $1 and state = 'running'")
        .bind(key(&state.cluster))
        .fetch_all(conn)
        .await?;
    add(state, &rows)
}

/// Reads those of these ids into the state.
pub async fn named(conn: &mut Conn, state: &mut State, ids: &[Uuid]) -> Result<()> {
    let rows = named_rows(conn, state, "select * from operations where id = $1", ids).await?;
    add(state, &rows)
}

fn add(state: &mut State, rows: &[Row]) -> Result<()> {
    let records = rows.iter().map(|row| read(row).map(|operation| (operation.id, operation)));
    state.operations.extend(records.collect::<Result<Vec<_>>>()?);
    Ok(())
}

pub async fn get(conn: &mut Conn, id: Uuid) -> Result<Operation> {
    let row = query("select * from operations where id = $1").bind(id.to_string()).fetch_optional(conn).await?;
    read(&row.ok_or_else(|| missing("operation", &id.to_string()))?)
}

pub async fn list(conn: &mut Conn, filter: &OperationFilter) -> Result<Vec<Operation>> {
    let cluster = match &filter.cluster {
        Some(name) => Some(history::cluster_id(conn, name).await?),
        None => None,
    };
    let rows = query(
        "select * from operations where ($1 is null or cluster_id = $1) and id < $2 and ($3 is null or state = $3)
            and ($4 is null or kind = $4) and ($5 is null or target = $5) and ($6 is null or created_at >= $6)
            and ($7 is null or created_at < $7)
        order by id desc limit $8",
    )
    .bind(cluster)
    .bind(filter.before.map_or_else(|| LAST_ID.to_owned(), |before| before.to_string()))
    .bind(maybe_word(filter.state.as_ref())?)
    .bind(maybe_word(filter.kind.as_ref())?)
    .bind(filter.target.as_deref())
    .bind(filter.since.map(time))
    .bind(filter.until.map(time))
    .bind(i64::from(filter.limit))
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}
