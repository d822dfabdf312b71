//! How are nodes and groups kept as rows?

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::query;

use super::cluster::key;
use super::column::{Columns as _, Result, int, json, maybe_json, word};
use super::{Conn, Row, rows};
use crate::domain::{Decision, Generation, GroupName, GroupSpec, NodeName, NodeSpec};
use crate::store::cluster::Cluster;
use crate::store::differs;
use crate::store::state::{GroupKept, NodeKept, Object};

type Node = Object<NodeSpec, NodeKept>;
type Group = Object<Arc<GroupSpec>, GroupKept>;

pub async fn nodes(conn: &mut Conn, cluster: &Cluster) -> Result<BTreeMap<NodeName, Node>> {
    let rows = query("select * from nodes where cluster_id = $1").bind(key(cluster)).fetch_all(conn).await?;
    rows.iter().map(|row| node(row).map(|node| (node.spec.name.clone(), node))).collect()
}

fn node(row: &Row) -> Result<Node> {
    let kept = NodeKept {
        agent: row.maybe_word("agent_id")?,
        confirmed_down: row.maybe_json("confirmed_down")?,
        assignment: row.maybe_json("assignment")?,
        assigned_at: Decision(row.int("assigned_at")?),
        losses: row.maybe_json("losses")?.unwrap_or_default(),
    };
    object(row, NodeSpec { wanted: Some(row.word("wanted")?), ..row.json("spec")? }, kept)
}

pub async fn groups(conn: &mut Conn, cluster: &Cluster) -> Result<BTreeMap<GroupName, Group>> {
    let rows = query("select * from groups where cluster_id = $1").bind(key(cluster)).fetch_all(conn).await?;
    rows.iter().map(|row| group(row).map(|group| (group.spec.name.clone(), group))).collect()
}

fn group(row: &Row) -> Result<Group> {
    let kept = GroupKept { failed: row.maybe_json("failed")? };
    object(row, Arc::new(GroupSpec { wanted: Some(row.word("wanted")?), ..row.json("spec")? }), kept)
}

fn object<S, K>(row: &Row, spec: S, kept: K) -> Result<Object<S, K>> {
    let generation = Generation(row.int("generation")?);
    Ok(Object { spec, position: row.int("position")?, generation, retired: row.flag("retired")?, kept })
}

/// Writes a node whole. Its `wanted` has a column of its own.
pub async fn write_node(conn: &mut Conn, cluster: &Cluster, node: &Node) -> Result<()> {
    let bare = NodeSpec { wanted: None, ..node.spec.clone() };
    query(
        "insert into nodes (cluster_id, name, spec, wanted, position, generation, retired, agent_id, confirmed_down,
            assignment, assigned_at, losses)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (cluster_id, name) do update set spec = excluded.spec, wanted = excluded.wanted,
            position = excluded.position, generation = excluded.generation, retired = excluded.retired,
            agent_id = excluded.agent_id, confirmed_down = excluded.confirmed_down, assignment = excluded.assignment,
            assigned_at = excluded.assigned_at, losses = excluded.losses",
    )
    .bind(key(cluster))
    .bind(node.spec.name.as_str())
    .bind(json(&bare)?)
    .bind(word(&node.spec.wanted)?)
    .bind(int(node.position))
    .bind(int(node.generation.0))
    .bind(node.retired)
    .bind(node.kept.agent.map(|agent| agent.to_string()))
    .bind(maybe_json(node.kept.confirmed_down.as_ref())?)
    .bind(maybe_json(node.kept.assignment.as_ref())?)
    .bind(int(node.kept.assigned_at.0))
    .bind(json(&node.kept.losses)?)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes groups whole. Their `wanted` has a column of its own.
pub async fn write_groups<'a>(
    conn: &mut Conn,
    cluster: &Cluster,
    groups: impl Iterator<Item = &'a Group>,
) -> Result<()> {
    let columns = |group: &'a Group| {
        let bare = GroupSpec { wanted: None, ..GroupSpec::clone(&group.spec) };
        Ok((group, json(&bare)?, word(&group.spec.wanted)?, maybe_json(group.kept.failed.as_ref())?))
    };
    let groups = groups.map(columns).collect::<Result<Vec<_>>>()?;
    let into = "insert into groups (cluster_id, name, spec, wanted, position, generation, retired, failed)";
    let then = "on conflict (cluster_id, name) do update set spec = excluded.spec, wanted = excluded.wanted,
        position = excluded.position, generation = excluded.generation, retired = excluded.retired,
        failed = excluded.failed";
    let key = key(cluster);
    rows::insert(conn, into, groups, then, |mut row, (group, spec, wanted, failed)| {
        row.push_bind(key.as_str()).push_bind(group.spec.name.as_str()).push_bind(spec).push_bind(wanted);
        row.push_bind(int(group.position)).push_bind(int(group.generation.0)).push_bind(group.retired);
        row.push_bind(failed);
    })
    .await
}

/// Hosts and handlers: a spec, and nothing kept with it.
pub struct Plain {
    select: &'static str,
    insert: &'static str,
    delete: &'static str,
}

pub const HOSTS: Plain = Plain {
    select: "select * from hosts where cluster_id = $1",
    insert: "insert into hosts (cluster_id, name, spec, position, generation) values ($1, $2, $3, $4, $5)
        on conflict (cluster_id, name) do update set spec = excluded.spec, position = excluded.position,
            generation = excluded.generation",
    delete: "delete from hosts where cluster_id = $1 and name = $2",
};

pub const HANDLERS: Plain = Plain {
    select: "select * from handlers where cluster_id = $1",
    insert: "insert into handlers (cluster_id, name, spec, position, generation) values ($1, $2, $3, $4, $5)
        on conflict (cluster_id, name) do update set spec = excluded.spec, position = excluded.position,
            generation = excluded.generation",
    delete: "delete from handlers where cluster_id = $1 and name = $2",
};

impl Plain {
    pub async fn all<N: Ord + DeserializeOwned, S: DeserializeOwned>(
        &self,
        conn: &mut Conn,
        cluster: &Cluster,
    ) -> Result<BTreeMap<N, Object<S, ()>>> {
        let rows = query(self.select).bind(key(cluster)).fetch_all(conn).await?;
        let read = |row: &Row| {
            let generation = Generation(row.int("generation")?);
            let object = Object {
                spec: row.json("spec")?,
                position: row.int("position")?,
                generation,
                retired: false,
                kept: (),
            };
            Ok((row.word("name")?, object))
        };
        rows.iter().map(read).collect()
    }

    /// Writes what differs.
    pub async fn save<N: Ord + AsRef<str>, S: Serialize + PartialEq>(
        &self,
        conn: &mut Conn,
        cluster: &Cluster,
        before: &BTreeMap<N, Object<S, ()>>,
        after: &BTreeMap<N, Object<S, ()>>,
    ) -> Result<()> {
        for (name, _, object) in differs::changed(before, after, |was, is| was == is) {
            let insert = query(self.insert).bind(key(cluster)).bind(name.as_ref()).bind(json(&object.spec)?);
            insert.bind(int(object.position)).bind(int(object.generation.0)).execute(&mut *conn).await?;
        }
        for (name, _) in differs::gone(before, after) {
            query(self.delete).bind(key(cluster)).bind(name.as_ref()).execute(&mut *conn).await?;
        }
        Ok(())
    }
}

pub async fn delete_node(conn: &mut Conn, cluster: &Cluster, name: &NodeName) -> Result<()> {
    let gone = query("delete from nodes where cluster_id = $1 and name = $2").bind(key(cluster)).bind(name.as_str());
    gone.execute(conn).await?;
    Ok(())
}

pub async fn delete_group(conn: &mut Conn, cluster: &Cluster, name: &GroupName) -> Result<()> {
    let gone = query("delete from groups where cluster_id = $1 and name = $2").bind(key(cluster)).bind(name.as_str());
    gone.execute(conn).await?;
    Ok(())
}
