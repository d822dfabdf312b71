//! How is a change of desired state kept?

use serde_json::Value;
use sqlx::query;

use super::cluster::key;
use super::column::{Columns as _, Result, int, json, maybe_json, time, word};
use super::{Conn, Row, history, rows};
use crate::domain::{Change, ChangeAction, ClusterName, Generation};
use crate::store::Error;
use crate::store::cluster::Cluster;
use crate::store::state::{NewChange, State};
use crate::store::touched::Touched;

/// The documents before and after a change are kept whole this often: what came after them is put together from there.
/// They are as long as the whole; this is seldom enough to cost little, and often enough to read few changes for one.
const WHOLE_EVERY: u64 = 128;

/// A row of `changes`.
pub struct Entry {
    generation: Generation,
    at: String,
    actor: String,
    action: String,
    message: String,
    before_document: Option<String>,
    after_document: Option<String>,
    touched: Option<String>,
}

/// The change that made the present generation.
pub fn entry(before: &State, after: &State, change: &NewChange) -> Result<Entry> {
    let touched = touched(before, after, change)?;
    let (before_document, after_document) = match &touched {
        Some(_) => (None, None),
        None => whole(before, after, change)?,
    };
    Ok(Entry {
        generation: after.cluster.generation,
        at: time(change.at),
        actor: change.actor.0.clone(),
        action: word(&change.action)?,
        message: change.message.clone(),
        before_document,
        after_document,
        touched: maybe_json(touched.as_ref())?,
    })
}

pub async fn append(conn: &mut Conn, cluster: &Cluster, entries: Vec<Entry>) -> Result<()> {
    let into = "insert into changes (cluster_id, cluster, generation, at, actor, action, message, before_document,
        after_document, touched)";
    let key = key(cluster);
    rows::insert(conn, into, entries, "", |mut row, entry| {
        let Entry { generation, at, actor, action, message, before_document, after_document, touched } = entry;
        row.push_bind(key.as_str()).push_bind(cluster.name.as_str()).push_bind(int(generation.0));
        row.push_bind(at).push_bind(actor).push_bind(action).push_bind(message);
        row.push_bind(before_document).push_bind(after_document).push_bind(touched);
    })
    .await
}

/// What it touched, where that is less than the whole and the whole can be put together from it.
fn touched(before: &State, after: &State, change: &NewChange) -> Result<Option<Touched>> {
    let ends = change.action == ChangeAction::CreateCluster || after.deleted;
    if ends || after.cluster.generation.0.is_multiple_of(WHOLE_EVERY) {
        return Ok(None);
    }
    let written = |error| Error::Database(format!("a change can't be written: {error}"));
    let touched = Touched::between(before, after).map_err(written)?;
    let all = after.nodes.len() + after.groups.len() + after.hosts.len() + after.handlers.len();
    Ok((touched.len() * 2 <= all).then_some(touched))
}

/// The documents before and after it, as text.
fn whole(before: &State, after: &State, change: &NewChange) -> Result<(Option<String>, Option<String>)> {
    let was = (change.action != ChangeAction::CreateCluster).then(|| json(&before.topology()));
    let is = (!after.deleted).then(|| json(&after.topology()));
    Ok((was.transpose()?, is.transpose()?))
}

pub async fn list(conn: &mut Conn, name: &ClusterName, before: Option<Generation>, limit: u32) -> Result<Vec<Change>> {
    let id = history::cluster_id(conn, name).await?;
    let rows =
        query("select * from changes where cluster_id = $1 and generation < $2 order by generation desc limit $3")
            .bind(&id)
            .bind(before.map_or(i64::MAX, |generation| int(generation.0)))
            .bind(i64::from(limit))
            .fetch_all(&mut *conn)
            .await?;
    let Some(oldest) = rows.last() else { return Ok(Vec::new()) };
    let mut document = match oldest.maybe_text("touched")? {
        Some(_) => Some(document_before(conn, &id, oldest.int("generation")?).await?),
        None => None,
    };
    let changes = rows.iter().rev().map(|row| read(row, &mut document));
    let mut changes: Vec<Change> = changes.collect::<Result<_>>()?;
    changes.reverse();
    Ok(changes)
}

/// The document that the change which made `generation` found.
async fn document_before(conn: &mut Conn, cluster_id: &str, generation: u64) -> Result<Value> {
    let rows = query(
        "select * from changes where cluster_id = $1 and generation < $2 and generation >= (select max(generation)
            from changes where cluster_id = $1 and generation < $2 and touched is null)
        order by generation",
    )
    .bind(cluster_id)
    .bind(int(generation))
    .fetch_all(conn)
    .await?;
    let mut document = None;
    rows.iter().try_for_each(|row| read(row, &mut document).map(drop))?;
    document.ok_or_else(gone)
}

fn gone() -> Error {
    Error::Database("the document that a change began with is gone".to_owned())
}

/// A change, and in `document` what it made of what was there.
fn read(row: &Row, document: &mut Option<Value>) -> Result<Change> {
    let touched: Option<Touched> = row.maybe_json("touched")?;
    let (before, after) = match touched {
        None => (row.maybe_json("before_document")?, row.maybe_json::<Value>("after_document")?),
        Some(touched) => {
            let before = document.take().ok_or_else(gone)?;
            let mut after = before.clone();
            touched.apply(&mut after);
            (Some(before), Some(after))
        }
    };
    document.clone_from(&after);
    Ok(Change {
        cluster: row.word("cluster")?,
        generation: Generation(row.int("generation")?),
        at: row.word("at")?,
        actor: row.word("actor")?,
        action: row.word("action")?,
        message: row.maybe_text("message")?.unwrap_or_default(),
        before,
        after,
    })
}
