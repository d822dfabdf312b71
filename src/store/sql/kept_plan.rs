//! How is a plan kept that changed an owner?

use sqlx::{Row as _, query, query_scalar};
use uuid::Uuid;

use super::cluster::key;
use super::column::{Columns as _, Result, int};
use super::{Conn, Row, history};
use crate::domain::{ClusterName, Decision};
use crate::planner::replay::KeptPlan;
use crate::store::cluster::{Cluster, missing};
use crate::store::state::NewKept;

/// Writes a plan; its failovers were written before.
pub async fn write(conn: &mut Conn, cluster: &Cluster, kept: &NewKept) -> Result<()> {
    query("insert into kept_plans (cluster_id, decision, planner_version, snapshot, plan) values ($1, $2, $3, $4, $5)")
        .bind(key(cluster))
        .bind(int(kept.decision.0))
        .bind(i64::from(kept.plan.planner_version))
        .bind(kept.plan.snapshot.as_slice())
        .bind(kept.plan.plan.as_slice())
        .execute(&mut *conn)
        .await?;
    for failover in &kept.failovers {
        query("insert into kept_plan_failovers (cluster_id, decision, failover_id) values ($1, $2, $3)")
            .bind(key(cluster))
            .bind(int(kept.decision.0))
            .bind(failover.to_string())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The plans of a failover, oldest first.
pub async fn of_failover(conn: &mut Conn, name: &ClusterName, failover: Uuid) -> Result<Vec<(Decision, KeptPlan)>> {
    let cluster = history::cluster_id(conn, name).await?;
    let known = query_scalar::<_, i64>("select count(*) from failovers where cluster_id = $1 and id = $2")
        .bind(&cluster)
        .bind(failover.to_string())
        .fetch_one(&mut *conn)
        .await?;
    if known == 0 {
        return Err(missing("failover", &failover.to_string()));
    }
    let rows = query(
        "select p.decision, p.planner_version, p.snapshot, p.plan from kept_plan_failovers f
        join kept_plans p on p.cluster_id = f.cluster_id and p.decision = f.decision
        where f.cluster_id = $1 and f.failover_id = $2 order by p.decision",
    )
    .bind(&cluster)
    .bind(failover.to_string())
    .fetch_all(&mut *conn)
    .await?;
    let plan = |row: &Row| {
        let planner_version = u32::try_from(row.int("planner_version")?).unwrap_or(u32::MAX);
        let kept = KeptPlan { planner_version, snapshot: row.try_get("snapshot")?, plan: row.try_get("plan")? };
        Ok((Decision(row.int("decision")?), kept))
    };
    rows.iter().map(plan).collect()
}
