//! How is an answer kept for a call that is repeated?

use jiff::Timestamp;
use sqlx::query;

use super::Conn;
use super::column::{Columns as _, Result, time};
use crate::store::{Error, KeptAnswer};

/// Keeps an answer, unless one is kept under its key. Those that are too old go.
pub async fn write(conn: &mut Conn, answer: &KeptAnswer) -> Result<()> {
    query("delete from kept_answers where at <= $1").bind(time(answer.forgets())).execute(&mut *conn).await?;
    let done = query(
        "insert into kept_answers (idempotency_key, request, status, etag, location, body, at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (idempotency_key) do nothing",
    )
    .bind(answer.key.as_str())
    .bind(answer.request.as_str())
    .bind(i64::from(answer.status))
    .bind(answer.etag.as_deref())
    .bind(answer.location.as_deref())
    .bind(answer.body.as_deref())
    .bind(time(answer.at))
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 { Err(Error::Repeated) } else { Ok(()) }
}

/// The answer under a key, if it is younger than `since`.
pub async fn find(conn: &mut Conn, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>> {
    let row = query("select * from kept_answers where idempotency_key = $1 and at > $2")
        .bind(key)
        .bind(time(since))
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(KeptAnswer {
        key: row.text("idempotency_key")?,
        request: row.text("request")?,
        status: u16::try_from(row.int("status")?).unwrap_or_default(),
        etag: row.maybe_text("etag")?,
        location: row.maybe_text("location")?,
        body: row.maybe_text("body")?,
        at: row.word("at")?,
    }))
}
