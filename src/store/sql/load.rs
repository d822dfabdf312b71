//! What does the planner need of what is stored?

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sqlx::query;

use super::cluster::{self, Cluster};
use super::column::{Columns as _, Result, time};
use super::{Conn, Row, failover, operation, placement, topology};
use crate::domain::{ClusterName, Decision, FailoverRecord, GroupName, NodeName, Placement};
use crate::planner::Snapshot;
use crate::planner::snapshot::{GroupView, NodeSeen, NodeView, PastFailover};

pub async fn load(conn: &mut Conn, name: &ClusterName, now: Timestamp) -> Result<Snapshot> {
    let cluster = cluster::get(conn, name).await?;
    Ok(Snapshot {
        cluster: cluster.name.clone(),
        generation: cluster.generation,
        decision: cluster.decision,
        term: cluster.term,
        now,
        settings: cluster.settings,
        nodes: nodes(conn, &cluster, now).await?,
        groups: groups(conn, &cluster, now).await?,
        operations: operation::running(conn, &cluster).await?,
    })
}

async fn nodes(conn: &mut Conn, cluster: &Cluster, now: Timestamp) -> Result<BTreeMap<NodeName, NodeView>> {
    let rows = query("select * from nodes where cluster_id = $1").bind(cluster.key()).fetch_all(conn).await?;
    let views = rows.iter().map(|row| {
        let view = NodeView {
            spec: topology::node(row)?,
            wanted: row.word("wanted")?,
            retired: row.flag("retired")?,
            confirmed_down: row.maybe_json("confirmed_down")?,
            assignment: row.maybe_json("assignment")?.unwrap_or_default(),
            assigned_at: Decision(row.int("assigned_at")?),
            seen: NodeSeen::unheard(now),
        };
        Ok((view.spec.name.clone(), view))
    });
    views.collect()
}

async fn groups(conn: &mut Conn, cluster: &Cluster, now: Timestamp) -> Result<BTreeMap<GroupName, GroupView>> {
    let rows = query("select * from groups where cluster_id = $1").bind(cluster.key()).fetch_all(&mut *conn).await?;
    let mut placements = placements(conn, cluster).await?;
    let mut open = open(conn, cluster).await?;
    let mut views = BTreeMap::new();
    for row in &rows {
        let spec = topology::group(row)?;
        let view = GroupView {
            wanted: row.word("wanted")?,
            retired: row.flag("retired")?,
            placement: placements.remove(&spec.name).unwrap_or_default(),
            failed: row.maybe_json("failed")?,
            open: open.remove(&spec.name),
            recent: Vec::new(),
            spec,
        };
        views.insert(view.spec.name.clone(), view);
    }
    add_recent(conn, cluster, now, &mut views).await?;
    Ok(views)
}

async fn placements(conn: &mut Conn, cluster: &Cluster) -> Result<BTreeMap<GroupName, Placement>> {
    let rows = query("select * from placements where cluster_id = $1").bind(cluster.key()).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.word("group_name")?, placement::read(row)?))).collect()
}

async fn open(conn: &mut Conn, cluster: &Cluster) -> Result<BTreeMap<GroupName, FailoverRecord>> {
    let rows = query("select * from failovers where cluster_id = $1 and outcome = 'in_progress'")
        .bind(cluster.key())
        .fetch_all(&mut *conn)
        .await?;
    let records = failover::read_all(conn, &rows).await?;
    Ok(records.into_iter().map(|record| (record.group.clone(), record)).collect())
}

/// Fills in the failovers that ran, or run, within each group's own period.
async fn add_recent(
    conn: &mut Conn,
    cluster: &Cluster,
    now: Timestamp,
    views: &mut BTreeMap<GroupName, GroupView>,
) -> Result<()> {
    let Some(earliest) = views.values().map(|view| begin_of_period(view, now)).min() else { return Ok(()) };
    let rows = query(
        "select group_name, cause, from_node, detected_at from failovers
        where cluster_id = $1 and detected_at >= $2 and not forgiven
            and outcome in ('in_progress', 'succeeded', 'failed')
        order by detected_at, id",
    )
    .bind(cluster.key())
    .bind(time(earliest))
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let (group, past): (GroupName, _) = (row.word("group_name")?, past(row)?);
        if let Some(view) = views.get_mut(&group)
            && past.at >= begin_of_period(view, now)
        {
            view.recent.push(past);
        }
    }
    Ok(())
}

fn past(row: &Row) -> Result<PastFailover> {
    Ok(PastFailover { cause: row.word("cause")?, from: row.maybe_word("from_node")?, at: row.word("detected_at")? })
}

fn begin_of_period(view: &GroupView, now: Timestamp) -> Timestamp {
    let period = SignedDuration::try_from(view.spec.failover.period.get()).unwrap_or(SignedDuration::MAX);
    now.checked_sub(period).unwrap_or(Timestamp::UNIX_EPOCH)
}
