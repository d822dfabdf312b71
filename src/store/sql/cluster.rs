//! Which cluster is it, where do its counters stand, and what happened in it?

use std::time::Duration;

use jiff::Timestamp;
use sqlx::query;
use uuid::Uuid;

use super::column::{Columns as _, Result, int, time, word};
use super::{Conn, Row};
use crate::domain::{ClusterName, Decision, EventKind, Generation, NewEvent, Settings, Term};
use crate::store::{ClusterHead, Error};

/// A row of `clusters`. A verb reads it once, changes it and saves it once.
pub struct Cluster {
    pub id: Uuid,
    pub name: ClusterName,
    pub settings: Settings,
    pub generation: Generation,
    pub decision: Decision,
    pub term: Term,
    pub reign: Option<Uuid>,
    pub longest_lease: Duration,
    pub last_event: u64,
    pub created_at: Timestamp,
}

impl Cluster {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.word("id")?,
            name: row.word("name")?,
            settings: row.json("settings")?,
            generation: Generation(row.int("generation")?),
            decision: Decision(row.int("decision")?),
            term: Term(row.int("term")?),
            reign: row.maybe_word("reign")?,
            longest_lease: Duration::from_micros(row.int("longest_lease_us")?),
            last_event: row.int("last_event")?,
            created_at: row.word("created_at")?,
        })
    }

    /// The id as its column has it.
    pub fn key(&self) -> String {
        self.id.to_string()
    }

    pub fn head(&self) -> ClusterHead {
        let Self { name, id, generation, created_at, .. } = self;
        ClusterHead { name: name.clone(), id: *id, generation: *generation, created_at: *created_at }
    }

    /// Counts an accepted change of desired state.
    pub fn count_change(&mut self) {
        self.generation = self.generation.next();
        self.decision = self.decision.next();
    }
}

pub async fn find(conn: &mut Conn, name: &ClusterName) -> Result<Option<Cluster>> {
    let row = query("select * from clusters where name = $1").bind(name.as_str()).fetch_optional(conn).await?;
    row.as_ref().map(Cluster::read).transpose()
}

pub async fn get(conn: &mut Conn, name: &ClusterName) -> Result<Cluster> {
    find(conn, name).await?.ok_or_else(|| missing("cluster", name.as_str()))
}

pub fn missing(kind: &'static str, name: &str) -> Error {
    Error::NotFound { kind, name: name.to_owned() }
}

pub async fn all(conn: &mut Conn) -> Result<Vec<ClusterHead>> {
    let rows = query("select * from clusters order by name").fetch_all(conn).await?;
    rows.iter().map(|row| Cluster::read(row).map(|cluster| cluster.head())).collect()
}

/// Writes all that may have changed of a cluster, inserting a new one.
pub async fn save(conn: &mut Conn, cluster: &Cluster) -> Result<()> {
    query(
        "insert into clusters (id, name, settings, generation, decision, term, reign, longest_lease_us, last_event,
            created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (id) do update set settings = excluded.settings, generation = excluded.generation,
            decision = excluded.decision, term = excluded.term, reign = excluded.reign,
            longest_lease_us = excluded.longest_lease_us, last_event = excluded.last_event",
    )
    .bind(cluster.key())
    .bind(cluster.name.as_str())
    .bind(super::column::json(&cluster.settings)?)
    .bind(int(cluster.generation.0))
    .bind(int(cluster.decision.0))
    .bind(int(cluster.term.0))
    .bind(cluster.reign.map(|reign| reign.to_string()))
    .bind(int(u64::try_from(cluster.longest_lease.as_micros()).unwrap_or(u64::MAX)))
    .bind(int(cluster.last_event))
    .bind(time(cluster.created_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// Numbers and appends events; the caller saves the cluster, and with it the counter, in the same transaction.
pub async fn append(conn: &mut Conn, cluster: &mut Cluster, events: &[NewEvent]) -> Result<()> {
    for event in events {
        cluster.last_event += 1;
        query(
            "insert into events (cluster_id, cluster, sequence, at, kind, subject, message)
            values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(cluster.key())
        .bind(cluster.name.as_str())
        .bind(int(cluster.last_event))
        .bind(time(event.at))
        .bind(word(&event.kind)?)
        .bind(event.subject.as_str())
        .bind(event.message.as_str())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub fn event(at: Timestamp, kind: EventKind, subject: impl std::fmt::Display, message: String) -> NewEvent {
    NewEvent { at, kind, subject: subject.to_string(), message }
}

/// Appends events that came from outside a plan.
pub async fn note(conn: &mut Conn, name: &ClusterName, events: &[NewEvent]) -> Result<()> {
    let mut cluster = get(conn, name).await?;
    append(conn, &mut cluster, events).await?;
    save(conn, &cluster).await
}
