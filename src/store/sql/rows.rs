//! How are many rows written at once? Of what a row costs, most is the way to the database and back.

use sqlx::query_builder::{QueryBuilder, Separated};
use sqlx::sqlite::Sqlite;

use super::Conn;
use super::column::Result;

/// A statement has 32,766 values at most on SQLite, and 65,535 on PostgreSQL; no row that is written here has more than 20.
const AT_ONCE: usize = 500;

/// Inserts rows by `insert into .. (..)`, with what `bind` makes of each as its values, and `then` behind them.
pub async fn insert<T>(
    conn: &mut Conn,
    into: &'static str,
    rows: Vec<T>,
    then: &'static str,
    bind: impl Fn(Separated<'_, Sqlite, &'static str>, T),
) -> Result<()> {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        // Statements are kept for their text, which differs by the number of rows: one row is what most write.
        let is_usual = rows.len() == 1;
        let mut insert = QueryBuilder::new(into);
        insert.push(" ").push_values(rows.by_ref().take(AT_ONCE), &bind).push(" ").push(then);
        insert.build().persistent(is_usual).execute(&mut *conn).await?;
    }
    Ok(())
}
