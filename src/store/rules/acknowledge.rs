//! What does it mean that somebody has seen a failover?

use uuid::Uuid;

use super::{Asked, Result};
use crate::domain::{EventKind, FailoverRecord, Outcome};
use crate::store::Error;
use crate::store::cluster::missing;
use crate::store::state::State;

/// Notes who has seen a failover that is over. The same word by the same person again changes nothing.
pub fn acknowledge(state: &mut State, id: Uuid, comment: Option<&str>, asked: &Asked<'_>) -> Result<FailoverRecord> {
    let absent = || missing("failover", &id.to_string());
    let record = state.failovers.get_mut(&id).filter(|record| record.id == id).ok_or_else(absent)?;
    if record.outcome == Outcome::InProgress {
        return Err(Error::Refused(format!("the failover of group {} is not over yet", record.group)));
    }
    let said = (record.acknowledged_by.as_ref(), record.comment.as_deref());
    if said == (Some(asked.actor), comment) {
        return Ok(record.clone());
    }
    record.acknowledged_by = Some(asked.actor.clone());
    record.acknowledged_at = Some(asked.at);
    record.comment = comment.map(str::to_owned);
    let record = record.clone();
    let comment = comment.map(|comment| format!(": {comment}")).unwrap_or_default();
    let message = format!("{} has seen the failover of group {}{comment}", asked.actor, record.group);
    state.note(asked.at, EventKind::FailoverAcknowledged, &record.group, message);
    Ok(record)
}
