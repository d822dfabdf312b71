//! What does it mean that somebody has seen a failover?

use super::Result;
use crate::domain::{EventKind, FailoverRecord, Outcome};
use crate::store::cluster::missing;
use crate::store::state::State;
use crate::store::{Acknowledgement, Error, KeptAnswer};

/// Notes who has seen a failover that is over. The same word by the same person again changes nothing.
pub fn acknowledge(state: &mut State, new: &Acknowledgement) -> Result<FailoverRecord> {
    let Acknowledgement { failover: id, comment, actor, at, answer } = new;
    let absent = || missing("failover", &id.to_string());
    let record = state.failovers.get_mut(id).filter(|record| record.id == *id).ok_or_else(absent)?;
    if record.outcome == Outcome::InProgress {
        return Err(Error::Refused(format!("the failover of group {} is not over yet", record.group)));
    }
    let said_before = record.acknowledged_by.as_ref() == Some(actor) && record.comment == *comment;
    if !said_before {
        record.acknowledged_by = Some(actor.clone());
        record.acknowledged_at = Some(*at);
        record.comment.clone_from(comment);
    }
    let record = record.clone();
    state.journal.answer = answer.as_ref().map(|answer| telling(answer, &record)).transpose()?;
    if !said_before {
        let comment = comment.as_ref().map(|comment| format!(": {comment}")).unwrap_or_default();
        let message = format!("{actor} has seen the failover of group {}{comment}", record.group);
        state.note(*at, EventKind::FailoverAcknowledged, &record.group, message);
    }
    Ok(record)
}

/// What is told to whoever says it again under the same key: the record as it was then, whoever has seen it since.
fn telling(answer: &KeptAnswer, record: &FailoverRecord) -> Result<KeptAnswer> {
    let body = serde_json::to_string(record);
    let body = body.map_err(|e| Error::Database(format!("a failover can't be written: {e}")))?;
    Ok(KeptAnswer { body: Some(body), ..answer.clone() })
}
