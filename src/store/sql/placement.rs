//! How is a placement kept as a row?

use std::collections::BTreeMap;

use sqlx::query;

use super::cluster::key;
use super::column::{Columns as _, Result, int, maybe_word, time};
use super::{Conn, Row};
use crate::domain::{Decision, Epoch, GroupName, Placement, PlacementPhase};
use crate::store::Error;
use crate::store::cluster::Cluster;

/// Writes a group's placement.
pub async fn write(conn: &mut Conn, cluster: &Cluster, group: &GroupName, placement: &Placement) -> Result<()> {
    let mut releasing = None;
    let mut released = (None, None, None, None);
    let phase = match &placement.phase {
        PlacementPhase::Never => "never",
        PlacementPhase::Held => "held",
        PlacementPhase::Releasing { decision } => {
            releasing = Some(int(decision.0));
            "releasing"
        }
        PlacementPhase::Released { proof, evidence, at, cause } => {
            released =
                (Some(proof.as_str()), Some(evidence.as_str()), Some(time(*at)), cause.map(|cause| cause.as_str()));
            "released"
        }
    };
    let (proof, evidence, at, cause) = released;
    query(
        "insert into placements (cluster_id, group_name, epoch, last_owner, phase, releasing_by, release_proof,
            release_evidence, released_at, cause, by_operator)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (cluster_id, group_name) do update set epoch = excluded.epoch, last_owner = excluded.last_owner,
            phase = excluded.phase, releasing_by = excluded.releasing_by, release_proof = excluded.release_proof,
            release_evidence = excluded.release_evidence, released_at = excluded.released_at, cause = excluded.cause,
            by_operator = excluded.by_operator",
    )
    .bind(key(cluster))
    .bind(group.as_str())
    .bind(int(placement.epoch.0))
    .bind(maybe_word(placement.last_owner.as_ref())?)
    .bind(phase)
    .bind(releasing)
    .bind(proof)
    .bind(evidence)
    .bind(at)
    .bind(cause)
    .bind(placement.by_operator)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn all(conn: &mut Conn, cluster: &Cluster) -> Result<BTreeMap<GroupName, Placement>> {
    let rows = query("select * from placements where cluster_id = $1").bind(key(cluster)).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.word("group_name")?, read(row)?))).collect()
}

/// The placement in a row of `placements`.
fn read(row: &Row) -> Result<Placement> {
    let phase = match row.text("phase")?.as_str() {
        "never" => PlacementPhase::Never,
        "held" => PlacementPhase::Held,
        "releasing" => PlacementPhase::Releasing { decision: Decision(row.int("releasing_by")?) },
        "released" => PlacementPhase::Released {
            proof: row.word("release_proof")?,
            evidence: row.text("release_evidence")?,
            at: row.word("released_at")?,
            cause: row.maybe_word("cause")?,
        },
        other => return Err(Error::Database(format!("a placement has the unknown phase {other:?}"))),
    };
    Ok(Placement {
        epoch: Epoch(row.int("epoch")?),
        last_owner: row.maybe_word("last_owner")?,
        phase,
        by_operator: row.flag("by_operator")?,
    })
}
