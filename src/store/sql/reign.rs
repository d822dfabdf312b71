//! Who rules a cluster, and which agents may hold its leases?

use std::time::Duration;

use jiff::Timestamp;
use sqlx::query;
use uuid::Uuid;

use super::Conn;
use super::cluster;
use super::column::{Columns as _, Result};
use crate::domain::{ClusterName, Decision, EventKind, NodeName, Term};
use crate::store::Reign;

/// A reign that is about to begin.
pub struct NewReign {
    pub id: Uuid,
    pub at_least: (Term, Decision),
    /// A lease that is known to be outstanding, maybe longer than the stored ones.
    pub longest: Duration,
    pub at: Timestamp,
}

pub async fn begin(conn: &mut Conn, name: &ClusterName, new: &NewReign) -> Result<Reign> {
    let mut cluster = cluster::get(conn, name).await?;
    let (term, decision) = new.at_least;
    cluster.term = cluster.term.next().max(term);
    if decision > cluster.decision {
        cluster.decision = decision;
        // Agents applied higher decisions than a restored database remembers, and refuse lower ones: what is assigned is
        // pushed anew under a number above them.
        query("update nodes set assigned_at = $2 where cluster_id = $1 and assignment is not null")
            .bind(cluster.key())
            .bind(decision.0.cast_signed())
            .execute(&mut *conn)
            .await?;
    }
    cluster.reign = Some(new.id);
    // What earlier reigns may have left; stored from now on is also what this one may grant.
    let outstanding = cluster.longest_lease.max(new.longest);
    cluster.longest_lease = outstanding.max(cluster.settings.lease.get());
    let message = format!("reign {} began with term {}", new.id, cluster.term);
    cluster::append(conn, &mut cluster, &[cluster::event(new.at, EventKind::ReignBegan, name, message)]).await?;
    cluster::save(conn, &cluster).await?;
    let rows = query("select name, agent_id from nodes where cluster_id = $1 and agent_id is not null order by name")
        .bind(cluster.key())
        .fetch_all(conn)
        .await?;
    let agents = rows.iter().map(|row| Ok((row.word("name")?, row.word("agent_id")?)));
    Ok(Reign {
        cluster_id: cluster.id,
        id: new.id,
        term: cluster.term,
        longest_lease: outstanding,
        agents: agents.collect::<Result<_>>()?,
    })
}

pub async fn record_agent(conn: &mut Conn, name: &ClusterName, node: &NodeName, agent: Uuid) -> Result<()> {
    let cluster = cluster::get(conn, name).await?;
    let done = query("update nodes set agent_id = $3 where cluster_id = $1 and name = $2")
        .bind(cluster.key())
        .bind(node.as_str())
        .bind(agent.to_string())
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(cluster::missing("node", node.as_str()));
    }
    Ok(())
}
