//! How is history removed that is older than the retention?

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{query, query_scalar};

use super::cluster::{self, key};
use super::column::{Result, time};
use super::{Conn, state};
use crate::domain::ClusterName;
use crate::store::{Pruned, rules};

/// Removes what is old of a cluster, or of one that is gone.
pub async fn prune(conn: &mut Conn, name: Option<ClusterName>, now: Timestamp, limit: u32) -> Result<Pruned> {
    match name {
        Some(name) => living(conn, &name, now, limit).await,
        None => gone(conn, now, limit).await,
    }
}

/// Removes what is old of a cluster, and notes from when on all is there.
async fn living(conn: &mut Conn, name: &ClusterName, now: Timestamp, limit: u32) -> Result<Pruned> {
    let mut state = state::get(conn, name).await?;
    let before = rules::removes_before(&state, now);
    let old = Old { id: &key(&state.cluster), before, limit, lives: true };
    let pruned = old.remove(conn).await?;
    if pruned.any() {
        state.cluster.forget(before);
        cluster::save(conn, &state.cluster).await?;
    }
    Ok(pruned)
}

/// Removes what is old of the first cluster that is gone and has any of it.
async fn gone(conn: &mut Conn, now: Timestamp, limit: u32) -> Result<Pruned> {
    let living: Vec<String> = query_scalar("select id from clusters").fetch_all(&mut *conn).await?;
    let living: BTreeSet<String> = living.into_iter().collect();
    let (before, mut last) = (rules::removes_of_deleted_before(now), String::new());
    // From one id to the next, so that no event but the first of each is looked at.
    let next = "select min(cluster_id) from events where cluster_id > $1";
    while let Some(id) = query_scalar::<_, Option<String>>(next).bind(&last).fetch_one(&mut *conn).await? {
        if !living.contains(&id) {
            let pruned = Old { id: &id, before, limit, lives: false }.remove(conn).await?;
            if pruned.any() {
                return Ok(pruned);
            }
        }
        last = id;
    }
    Ok(Pruned::default())
}

/// What is old of a cluster.
struct Old<'a> {
    id: &'a str,
    before: Timestamp,
    limit: u32,
    /// Whether the cluster is there still, so that it counts where its groups stand.
    lives: bool,
}

impl Old<'_> {
    async fn remove(&self, conn: &mut Conn) -> Result<Pruned> {
        let Self { id, before, limit, lives } = self;
        let (before, limit) = (time(*before), i64::from(*limit));
        let failovers = query(OLD_FAILOVERS).bind(*id).bind(&before).bind(limit).execute(&mut *conn).await?;
        if failovers.rows_affected() > 0 {
            query(NEEDLESS_PLANS).bind(*id).execute(&mut *conn).await?;
        }
        let operations = query(OLD_OPERATIONS).bind(*id).bind(&before).bind(limit).execute(&mut *conn).await?;
        let events = query(OLD_EVENTS).bind(*id).bind(&before).bind(limit).bind(*lives).execute(conn).await?;
        Ok(Pruned {
            failovers: failovers.rows_affected(),
            operations: operations.rows_affected(),
            events: events.rows_affected(),
        })
    }
}

/// Their steps go with them, and their parts in plans.
const OLD_FAILOVERS: &str = "delete from failovers where id in (
    select id from failovers where cluster_id = $1 and detected_at < $2 and outcome <> 'in_progress'
    order by detected_at, id limit $3)";

const NEEDLESS_PLANS: &str = "delete from kept_plans where cluster_id = $1 and not exists (
    select 1 from kept_plan_failovers f where f.cluster_id = kept_plans.cluster_id and f.decision = kept_plans.decision)";

const OLD_OPERATIONS: &str = "delete from operations where id in (
    select id from operations where cluster_id = $1 and ended_at < $2 order by ended_at, id limit $3)";

/// The newest stays, and of a cluster that lives the newest of each kind that says where a group stands.
const OLD_EVENTS: &str = "delete from events where cluster_id = $1 and sequence in (
    select e.sequence from events e where e.cluster_id = $1 and e.at < $2
    and e.sequence <> (select max(sequence) from events where cluster_id = $1)
    and (not $4 or e.kind not in ('group_placed', 'group_released', 'group_online', 'group_failed')
        or exists (select 1 from events later where later.cluster_id = e.cluster_id and later.kind = e.kind
            and later.subject = e.subject and later.sequence > e.sequence))
    order by e.at, e.sequence limit $3)";
