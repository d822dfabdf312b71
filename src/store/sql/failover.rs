//! How is a failover kept as rows?

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, query};
use uuid::Uuid;

use super::cluster::key;
use super::column::{Columns as _, Result, int, json, maybe_word, time, word};
use super::state::named_rows;
use super::{Conn, Row};
use crate::domain::{Decision, Epoch, FailoverRecord, FailoverStep, GroupName};
use crate::planner::snapshot::PastFailover;
use crate::store::cluster::Cluster;
use crate::store::rules::Past;
use crate::store::state::State;

/// Of so many records the steps are read at once: a page of the API, and no more than a statement may have parameters.
const AT_ONCE: usize = 1000;

/// Above every id as text.
pub const LAST_ID: &str = "g";

/// Writes a record whole.
pub async fn write(conn: &mut Conn, cluster: &Cluster, record: &FailoverRecord) -> Result<()> {
    query(
        "insert into failovers (id, cluster_id, cluster, group_name, cause, actor, reason, from_node, to_node, epoch,
            release_proof, release_evidence, outcome, detected_at, released_at, start_begun_at, online_at, phases_ms,
            max_overlap_ms, verdicts, decision, acknowledged_by, acknowledged_at, comment)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23, $24)
        on conflict (id) do update set cause = excluded.cause, actor = excluded.actor, reason = excluded.reason,
            from_node = excluded.from_node, to_node = excluded.to_node, epoch = excluded.epoch,
            release_proof = excluded.release_proof, release_evidence = excluded.release_evidence,
            outcome = excluded.outcome, detected_at = excluded.detected_at, released_at = excluded.released_at,
            start_begun_at = excluded.start_begun_at, online_at = excluded.online_at, phases_ms = excluded.phases_ms,
            max_overlap_ms = excluded.max_overlap_ms, verdicts = excluded.verdicts, decision = excluded.decision,
            acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at,
            comment = excluded.comment",
    )
    .bind(record.id.to_string())
    .bind(key(cluster))
    .bind(record.cluster.as_str())
    .bind(record.group.as_str())
    .bind(word(&record.cause)?)
    .bind(record.actor.0.as_str())
    .bind(record.reason.as_str())
    .bind(maybe_word(record.from.as_ref())?)
    .bind(maybe_word(record.to.as_ref())?)
    .bind(record.epoch.map(|epoch| int(epoch.0)))
    .bind(maybe_word(record.release_proof.as_ref())?)
    .bind(record.release_evidence.as_deref())
    .bind(word(&record.outcome)?)
    .bind(time(record.detected_at))
    .bind(record.released_at.map(time))
    .bind(record.start_begun_at.map(time))
    .bind(record.online_at.map(time))
    .bind(json(&record.phases_ms)?)
    .bind(int(record.max_overlap_ms))
    .bind(json(&record.verdicts)?)
    .bind(int(record.decision.0))
    .bind(maybe_word(record.acknowledged_by.as_ref())?)
    .bind(record.acknowledged_at.map(time))
    .bind(record.comment.as_deref())
    .execute(&mut *conn)
    .await?;
    write_steps(conn, record).await
}

async fn write_steps(conn: &mut Conn, record: &FailoverRecord) -> Result<()> {
    let id = record.id.to_string();
    query("delete from failover_steps where failover_id = $1").bind(&id).execute(&mut *conn).await?;
    for (position, step) in (0_i64..).zip(&record.steps) {
        query("insert into failover_steps (failover_id, position, at, what) values ($1, $2, $3, $4)")
            .bind(&id)
            .bind(position)
            .bind(time(step.at))
            .bind(step.what.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Reads those in progress into the state.
pub async fn under_way(conn: &mut Conn, state: &mut State) -> Result<()> {
    let rows = query("select * from failovers where cluster_id = $1 and outcome = 'in_progress'")
        .bind(key(&state.cluster))
        .fetch_all(&mut *conn)
        .await?;
    add(conn, state, &rows).await
}

/// Reads those of these ids into the state.
pub async fn named(conn: &mut Conn, state: &mut State, ids: &[Uuid]) -> Result<()> {
    let rows = named_rows(conn, state, "select * from failovers where id = $1", ids).await?;
    add(conn, state, &rows).await
}

async fn add(conn: &mut Conn, state: &mut State, rows: &[Row]) -> Result<()> {
    let records = read_all(conn, rows).await?;
    state.failovers.extend(records.into_iter().map(|record| (record.id, record)));
    Ok(())
}

/// From now on none of the group's records counts against its budget.
pub async fn forgive(conn: &mut Conn, cluster: &Cluster, group: &GroupName) -> Result<()> {
    query("update failovers set forgiven = true where cluster_id = $1 and group_name = $2")
        .bind(key(cluster))
        .bind(group.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Those since `earliest` that were not forgiven, oldest first.
pub async fn past(conn: &mut Conn, cluster: &Cluster, earliest: Timestamp) -> Result<Vec<Past>> {
    let rows = query(
        "select group_name, cause, from_node, outcome, detected_at from failovers
        where cluster_id = $1 and detected_at >= $2 and not forgiven
        order by detected_at, id",
    )
    .bind(key(cluster))
    .bind(time(earliest))
    .fetch_all(conn)
    .await?;
    let past = rows.iter().map(|row| {
        let (cause, from, at) = (row.word("cause")?, row.maybe_word("from_node")?, row.word("detected_at")?);
        let failover = PastFailover { cause, from, at };
        Ok(Past { group: row.word("group_name")?, outcome: row.word("outcome")?, failover })
    });
    past.collect()
}

/// The records of these rows of `failovers`, in their order, with their steps.
pub async fn read_all(conn: &mut Conn, rows: &[Row]) -> Result<Vec<FailoverRecord>> {
    let mut records = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    for some in records.chunks_mut(AT_ONCE) {
        let steps = steps_of(conn, some).await?;
        for record in some {
            record.steps = steps.get(&record.id).cloned().unwrap_or_default();
        }
    }
    Ok(records)
}

/// The steps of each of these records, read at once.
async fn steps_of(conn: &mut Conn, records: &[FailoverRecord]) -> Result<BTreeMap<Uuid, Vec<FailoverStep>>> {
    let places: Vec<String> = (1..=records.len()).map(|place| format!("${place}")).collect();
    let text = format!(
        "select failover_id, at, what from failover_steps where failover_id in ({}) order by failover_id, position",
        places.join(", ")
    );
    // Nothing but numbers is put into the text.
    let mut asked = query(AssertSqlSafe(text));
    for record in records {
        asked = asked.bind(record.id.to_string());
    }
    let mut steps: BTreeMap<Uuid, Vec<FailoverStep>> = BTreeMap::new();
    for row in asked.fetch_all(conn).await? {
        let step = FailoverStep { at: row.word("at")?, what: row.text("what")? };
        steps.entry(row.word("failover_id")?).or_default().push(step);
    }
    Ok(steps)
}

/// A record without its steps.
pub fn read(row: &Row) -> Result<FailoverRecord> {
    Ok(FailoverRecord {
        id: row.word("id")?,
        cluster: row.word("cluster")?,
        group: row.word("group_name")?,
        cause: row.word("cause")?,
        actor: row.word("actor")?,
        reason: row.text("reason")?,
        from: row.maybe_word("from_node")?,
        to: row.maybe_word("to_node")?,
        epoch: row.maybe_int("epoch")?.map(Epoch),
        release_proof: row.maybe_word("release_proof")?,
        release_evidence: row.maybe_text("release_evidence")?,
        outcome: row.word("outcome")?,
        detected_at: row.word("detected_at")?,
        released_at: row.maybe_word("released_at")?,
        start_begun_at: row.maybe_word("start_begun_at")?,
        online_at: row.maybe_word("online_at")?,
        phases_ms: row.json("phases_ms")?,
        max_overlap_ms: row.int("max_overlap_ms")?,
        steps: Vec::new(),
        verdicts: row.json("verdicts")?,
        decision: Decision(row.int("decision")?),
        acknowledged_by: row.maybe_word("acknowledged_by")?,
        acknowledged_at: row.maybe_word("acknowledged_at")?,
        comment: row.maybe_text("comment")?,
    })
}
