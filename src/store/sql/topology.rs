//! What is wanted? The stored desired state as a document, and how a new document replaces it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{Row as _, query, query_scalar};
use uuid::Uuid;

use super::change::{self, Asked};
use super::cluster::{self, Cluster};
use super::column::{Columns as _, Result, int, json, word};
use super::{Conn, Row};
use crate::domain::{
    ChangeAction, ClusterName, Decision, EventKind, Generation, GroupSpec, NodeSpec, Term, TopologySpec,
};
use crate::store::{Accepted, Error, Expect};

/// The desired state, with `wanted` of every node and group; without what is retired.
pub async fn read(conn: &mut Conn, cluster: &Cluster) -> Result<TopologySpec> {
    let nodes = query("select * from nodes where cluster_id = $1 and not retired order by position")
        .bind(cluster.key())
        .fetch_all(&mut *conn)
        .await?;
    let groups = query("select * from groups where cluster_id = $1 and not retired order by position")
        .bind(cluster.key())
        .fetch_all(&mut *conn)
        .await?;
    Ok(TopologySpec {
        cluster: cluster.name.clone(),
        settings: cluster.settings,
        nodes: nodes.iter().map(node).collect::<Result<_>>()?,
        groups: groups.iter().map(group).collect::<Result<_>>()?,
    })
}

/// A node's spec with its `wanted`, from a row of `nodes`.
pub fn node(row: &Row) -> Result<NodeSpec> {
    Ok(NodeSpec { wanted: Some(row.word("wanted")?), ..row.json("spec")? })
}

/// A group's spec with its `wanted`, from a row of `groups`.
pub fn group(row: &Row) -> Result<GroupSpec> {
    Ok(GroupSpec { wanted: Some(row.word("wanted")?), ..row.json("spec")? })
}

pub async fn put(conn: &mut Conn, spec: &TopologySpec, expect: Expect, asked: &Asked<'_>) -> Result<Accepted> {
    let found = cluster::find(conn, &spec.cluster).await?;
    check(found.as_ref(), &spec.cluster, expect)?;
    let created = found.is_none();
    let (mut cluster, before) = match found {
        Some(cluster) => {
            let before = read(conn, &cluster).await?;
            (cluster, Some(before))
        }
        None => (new_cluster(conn, spec, asked.at).await?, None),
    };
    let after = spec.with_wanted(before.as_ref());
    if before.as_ref() == Some(&after) {
        return Ok(Accepted { created: false, changed: false, generation: cluster.generation });
    }
    cluster.count_change();
    cluster.settings = after.settings;
    // A reign that has begun may grant the new lease at once.
    if !cluster.longest_lease.is_zero() {
        cluster.longest_lease = cluster.longest_lease.max(after.settings.lease.get());
    }
    cluster::save(conn, &cluster).await?;
    write(conn, &cluster, &after).await?;
    let action = if created { ChangeAction::CreateCluster } else { ChangeAction::PutTopology };
    change::record(conn, &cluster, action, (before.as_ref(), Some(&after)), asked).await?;
    let made = if created { "created the cluster" } else { "changed the topology" };
    let message = format!("{} {made} (generation {})", asked.actor, cluster.generation);
    let event = cluster::event(asked.at, EventKind::TopologyChanged, &spec.cluster, message);
    cluster::append(conn, &mut cluster, &[event]).await?;
    cluster::save(conn, &cluster).await?;
    Ok(Accepted { created, changed: true, generation: cluster.generation })
}

fn check(found: Option<&Cluster>, name: &ClusterName, expect: Expect) -> Result<()> {
    match (expect, found) {
        (Expect::Absent, Some(_)) => Err(Error::Exists { kind: "cluster", name: name.to_string() }),
        (Expect::At(_), None) => Err(cluster::missing("cluster", name.as_str())),
        (Expect::At(expected), Some(cluster)) if cluster.generation != expected => {
            Err(Error::Conflict { expected, actual: cluster.generation })
        }
        _ => Ok(()),
    }
}

/// A cluster before its first change. Its id is a UUIDv7 whose random part comes from the database.
async fn new_cluster(conn: &mut Conn, spec: &TopologySpec, at: Timestamp) -> Result<Cluster> {
    let random: Vec<u8> = query_scalar("select randomblob(10)").fetch_one(conn).await?;
    let random: [u8; 10] = random.try_into().map_err(|_| Error::Database("it gave no random bytes".to_owned()))?;
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Ok(Cluster {
        id: uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
        name: spec.cluster.clone(),
        settings: spec.settings,
        generation: Generation(0),
        decision: Decision(0),
        term: Term(0),
        reign: None::<Uuid>,
        longest_lease: std::time::Duration::ZERO,
        last_event: 0,
        created_at: at,
    })
}

/// The statements on one of the two tables of desired objects.
struct Table {
    stored: &'static str,
    upsert: &'static str,
    /// Deletes an object that nothing holds or may hold.
    discard: &'static str,
    retire: &'static str,
}

const NODES: Table = Table {
    stored: "select name, spec, wanted, position, generation, retired from nodes where cluster_id = $1",
    upsert: "insert into nodes (cluster_id, name, spec, wanted, position, generation, retired)
        values ($1, $2, $3, $4, $5, $6, false)
        on conflict (cluster_id, name) do update set spec = excluded.spec, wanted = excluded.wanted,
            position = excluded.position, generation = excluded.generation, retired = false",
    // A node whose agent was never granted a lease runs nothing of ours.
    discard: "delete from nodes where cluster_id = $1 and name = $2 and agent_id is null and assignment is null
        and not exists (select 1 from placements p where p.cluster_id = $1 and p.last_owner = $2
            and p.phase in ('held', 'releasing'))",
    retire: "update nodes set retired = true, generation = $3 where cluster_id = $1 and name = $2",
};

const GROUPS: Table = Table {
    stored: "select name, spec, wanted, position, generation, retired from groups where cluster_id = $1",
    upsert: "insert into groups (cluster_id, name, spec, wanted, position, generation, retired)
        values ($1, $2, $3, $4, $5, $6, false)
        on conflict (cluster_id, name) do update set spec = excluded.spec, wanted = excluded.wanted,
            position = excluded.position, generation = excluded.generation, retired = false",
    discard: "delete from groups where cluster_id = $1 and name = $2
        and not exists (select 1 from placements p where p.cluster_id = $1 and p.group_name = $2
            and p.phase <> 'never')",
    retire: "update groups set retired = true, generation = $3 where cluster_id = $1 and name = $2",
};

/// A desired node or group as its columns have it.
struct Object {
    name: String,
    spec: String,
    wanted: String,
}

/// Makes the rows of nodes and groups those of `after`, where `wanted` is set everywhere.
pub async fn write(conn: &mut Conn, cluster: &Cluster, after: &TopologySpec) -> Result<()> {
    let nodes = after.nodes.iter().map(|node| {
        let bare = NodeSpec { wanted: None, ..node.clone() };
        Ok(Object { name: node.name.to_string(), spec: json(&bare)?, wanted: word(&node.wanted)? })
    });
    replace(conn, cluster, &NODES, nodes.collect::<Result<_>>()?).await?;
    let groups = after.groups.iter().map(|group| {
        let bare = GroupSpec { wanted: None, ..group.clone() };
        Ok(Object { name: group.name.to_string(), spec: json(&bare)?, wanted: word(&group.wanted)? })
    });
    replace(conn, cluster, &GROUPS, groups.collect::<Result<_>>()?).await
}

async fn replace(conn: &mut Conn, cluster: &Cluster, table: &Table, objects: Vec<Object>) -> Result<()> {
    let mut stored = BTreeMap::new();
    for row in query(table.stored).bind(cluster.key()).fetch_all(&mut *conn).await? {
        stored.insert(row.text("name")?, row);
    }
    for (position, object) in (0_i64..).zip(objects) {
        let mut generation = int(cluster.generation.0);
        if let Some(row) = stored.remove(&object.name)
            && !row.flag("retired")?
            && row.text("spec")? == object.spec
            && row.text("wanted")? == object.wanted
        {
            if row.try_get::<i64, _>("position")? == position {
                continue;
            }
            generation = row.try_get("generation")?; // only its place in the document differs
        }
        query(table.upsert)
            .bind(cluster.key())
            .bind(object.name)
            .bind(object.spec)
            .bind(object.wanted)
            .bind(position)
            .bind(generation)
            .execute(&mut *conn)
            .await?;
    }
    for (name, row) in stored {
        let gone = query(table.discard).bind(cluster.key()).bind(&name).execute(&mut *conn).await?;
        if gone.rows_affected() == 0 && !row.flag("retired")? {
            let generation = int(cluster.generation.0);
            query(table.retire).bind(cluster.key()).bind(&name).bind(generation).execute(&mut *conn).await?;
        }
    }
    Ok(())
}
