//! How does a plan become what is stored? All of it, if what it rests on still holds.

use sqlx::query;

use super::cluster::{self, Cluster};
use super::column::{Result, int, json, maybe_json};
use super::{Conn, failover, operation, placement};
use crate::domain::{ClusterName, Outcome};
use crate::planner::Effects;
use crate::store::{Basis, Error};

pub async fn commit(conn: &mut Conn, name: &ClusterName, basis: &Basis, effects: &Effects) -> Result<()> {
    let mut cluster = cluster::get(conn, name).await?;
    let present = (cluster.generation, cluster.decision, cluster.reign);
    if present != (basis.generation, basis.decision, Some(basis.reign)) {
        return Err(Error::Outrun);
    }
    if effects.decision <= cluster.decision {
        return Err(Error::Refused(format!(
            "decision {} does not come after decision {}; a commit takes a higher one",
            effects.decision, cluster.decision
        )));
    }
    cluster.decision = effects.decision;
    forgive(conn, &cluster, effects).await?;
    for (group, new) in &effects.placements {
        placement::write(conn, &cluster, group, new).await?;
    }
    write_failovers(conn, &cluster, effects).await?;
    write_groups(conn, &cluster, effects).await?;
    write_nodes(conn, &cluster, effects).await?;
    for changed in &effects.operations {
        operation::write(conn, &cluster, changed).await?;
    }
    cluster::append(conn, &mut cluster, &effects.events).await?;
    cluster::save(conn, &cluster).await
}

/// Failovers stored before this commit no longer count; those that it opens do.
async fn forgive(conn: &mut Conn, cluster: &Cluster, effects: &Effects) -> Result<()> {
    for group in &effects.budgets_reset {
        query("update failovers set forgiven = true where cluster_id = $1 and group_name = $2")
            .bind(cluster.key())
            .bind(group.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Those that end come first: a group has one open failover at most, and may end one and open another at once.
async fn write_failovers(conn: &mut Conn, cluster: &Cluster, effects: &Effects) -> Result<()> {
    let (open, ended): (Vec<_>, Vec<_>) =
        effects.failovers.iter().partition(|record| record.outcome == Outcome::InProgress);
    for record in ended.into_iter().chain(open) {
        failover::write(conn, cluster, record).await?;
    }
    Ok(())
}

async fn write_groups(conn: &mut Conn, cluster: &Cluster, effects: &Effects) -> Result<()> {
    for (group, mark) in &effects.marks {
        let done = query("update groups set failed = $3 where cluster_id = $1 and name = $2")
            .bind(cluster.key())
            .bind(group.as_str())
            .bind(maybe_json(mark.as_ref())?)
            .execute(&mut *conn)
            .await?;
        found(done.rows_affected(), "group", group.as_str())?;
    }
    for group in &effects.forget_groups {
        let done = query("delete from groups where cluster_id = $1 and name = $2 and retired")
            .bind(cluster.key())
            .bind(group.as_str())
            .execute(&mut *conn)
            .await?;
        found(done.rows_affected(), "retired group", group.as_str())?;
    }
    Ok(())
}

async fn write_nodes(conn: &mut Conn, cluster: &Cluster, effects: &Effects) -> Result<()> {
    for (node, assignment) in &effects.assignments {
        let done = query("update nodes set assignment = $3, assigned_at = $4 where cluster_id = $1 and name = $2")
            .bind(cluster.key())
            .bind(node.as_str())
            .bind(json(assignment)?)
            .bind(int(effects.decision.0))
            .execute(&mut *conn)
            .await?;
        found(done.rows_affected(), "node", node.as_str())?;
    }
    for node in &effects.withdrawn_confirmations {
        let done = query("update nodes set confirmed_down = null where cluster_id = $1 and name = $2")
            .bind(cluster.key())
            .bind(node.as_str())
            .execute(&mut *conn)
            .await?;
        found(done.rows_affected(), "node", node.as_str())?;
    }
    for node in &effects.forget_nodes {
        let done = query("delete from nodes where cluster_id = $1 and name = $2 and retired")
            .bind(cluster.key())
            .bind(node.as_str())
            .execute(&mut *conn)
            .await?;
        found(done.rows_affected(), "retired node", node.as_str())?;
    }
    Ok(())
}

/// A plan on an unchanged generation names only what is there; else the whole commit is off.
fn found(rows: u64, kind: &'static str, name: &str) -> Result<()> {
    if rows == 0 { Err(cluster::missing(kind, name)) } else { Ok(()) }
}
