//! Which cluster is it, where do its counters stand, and what happened in it?

use std::time::Duration;

use sqlx::query;

use super::column::{Columns as _, Result, int, json, maybe_json, time, word};
use super::{Conn, Row, rows};
use crate::domain::{ClusterName, Decision, Event, Generation, Term};
use crate::store::ClusterHead;
use crate::store::cluster::Cluster;

/// A row of `clusters`.
fn read(row: &Row) -> Result<Cluster> {
    Ok(Cluster {
        id: row.word("id")?,
        name: row.word("name")?,
        settings: row.json("settings")?,
        policy: row.maybe_json("policy")?.unwrap_or_default(),
        common_dependencies: row.maybe_json("common_dependencies")?.unwrap_or_default(),
        waivers: row.maybe_json("waivers")?.unwrap_or_default(),
        maintenance: row.maybe_json("maintenance")?,
        generation: Generation(row.int("generation")?),
        decision: Decision(row.int("decision")?),
        term: Term(row.int("term")?),
        reign: row.maybe_word("reign")?,
        restored: row.flag("restored")?,
        longest_lease: Duration::from_micros(row.int("longest_lease_us")?),
        last_event: row.int("last_event")?,
        known_since: row.maybe_word("known_since")?,
        created_at: row.word("created_at")?,
        made_by: None,
    })
}

/// The id as its column has it.
pub fn key(cluster: &Cluster) -> String {
    cluster.id.to_string()
}

pub async fn find(conn: &mut Conn, name: &ClusterName) -> Result<Option<Cluster>> {
    let row = query("select * from clusters where name = $1").bind(name.as_str()).fetch_optional(conn).await?;
    row.as_ref().map(read).transpose()
}

pub async fn all(conn: &mut Conn) -> Result<Vec<ClusterHead>> {
    let rows = query("select * from clusters order by name").fetch_all(conn).await?;
    rows.iter().map(|row| read(row).map(|cluster| cluster.head())).collect()
}

/// Writes all that may have changed of a cluster, inserting a new one.
pub async fn save(conn: &mut Conn, cluster: &Cluster) -> Result<()> {
    query(
        "insert into clusters (id, name, settings, generation, decision, term, reign, longest_lease_us, last_event,
            created_at, policy, common_dependencies, waivers, maintenance, restored, known_since)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (id) do update set settings = excluded.settings, generation = excluded.generation,
            decision = excluded.decision, term = excluded.term, reign = excluded.reign,
            longest_lease_us = excluded.longest_lease_us, last_event = excluded.last_event, policy = excluded.policy,
            common_dependencies = excluded.common_dependencies, waivers = excluded.waivers,
            maintenance = excluded.maintenance, restored = excluded.restored, known_since = excluded.known_since",
    )
    .bind(key(cluster))
    .bind(cluster.name.as_str())
    .bind(json(&cluster.settings)?)
    .bind(int(cluster.generation.0))
    .bind(int(cluster.decision.0))
    .bind(int(cluster.term.0))
    .bind(cluster.reign.map(|reign| reign.to_string()))
    .bind(int(u64::try_from(cluster.longest_lease.as_micros()).unwrap_or(u64::MAX)))
    .bind(int(cluster.last_event))
    .bind(time(cluster.created_at))
    .bind(json(&cluster.policy)?)
    .bind(json(&cluster.common_dependencies)?)
    .bind(json(&cluster.waivers)?)
    .bind(maybe_json(cluster.maintenance.as_ref())?)
    .bind(cluster.restored)
    .bind(cluster.known_since.map(time))
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends numbered events; the caller saves the cluster, and with it the counter, in the same transaction.
pub async fn append(conn: &mut Conn, cluster: &Cluster, events: Vec<Event>) -> Result<()> {
    let into = "insert into events (cluster_id, cluster, sequence, at, kind, subject, message)";
    let key = key(cluster);
    let with_word = |event: Event| Ok((word(&event.kind)?, event));
    let events = events.into_iter().map(with_word).collect::<Result<Vec<_>>>()?;
    rows::insert(conn, into, events, "", |mut row, (kind, event)| {
        row.push_bind(key.as_str()).push_bind(event.cluster.as_str()).push_bind(int(event.sequence));
        row.push_bind(time(event.at)).push_bind(kind).push_bind(event.subject).push_bind(event.message);
    })
    .await
}
