//! Is a database file used only if it is ours, and ours alone?

use locum::store::sql::{self, OpenError};
use locum::store::{Expect, Store};

use crate::support::{alice, at, cluster, id, three_nodes};
use locum::domain::{Decision, Term};

pub fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("locum.db").display())
}

async fn refusal(url: &str) -> OpenError {
    match sql::open(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_was_accepted_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = sql::open(&url(&folder)).await.unwrap();
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    let least = (Term(0), Decision(0));
    let first = store.begin_reign(&cluster(), id(1), least, std::time::Duration::ZERO, at(1)).await.unwrap();
    let (before, changes) = (store.load(&cluster(), at(2)).await.unwrap(), store.changes(&cluster(), None, 9).await);
    store.close().await;
    drop(store);

    let store = sql::open(&url(&folder)).await.unwrap();
    assert_eq!(store.load(&cluster(), at(2)).await.unwrap(), before);
    assert_eq!(store.changes(&cluster(), None, 9).await.unwrap(), changes.unwrap());
    let second = store.begin_reign(&cluster(), id(2), least, std::time::Duration::ZERO, at(3)).await.unwrap();
    assert_eq!((second.cluster_id, second.term), (first.cluster_id, first.term.next()));
}

#[tokio::test]
async fn a_second_server_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let first = sql::open(&url(&folder)).await.unwrap();
    assert!(matches!(refusal(&url(&folder)).await, OpenError::InUse(_)));
    first.close().await;
    drop(first);
    sql::open(&url(&folder)).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locum.db");
    std::fs::write(&path, "these are notes of somebody else\n".repeat(9)).unwrap();
    let text = std::fs::read(&path).unwrap();
    assert!(matches!(refusal(&url(&folder)).await, OpenError::Foreign { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), text);

    std::fs::remove_file(&path).unwrap();
    execute(&path, "create table theirs (x)").await;
    let theirs = std::fs::read(&path).unwrap();
    assert!(matches!(refusal(&url(&folder)).await, OpenError::Foreign { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), theirs);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file was left beside it");
}

#[tokio::test]
async fn a_database_of_a_newer_locum_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = sql::open(&url(&folder)).await.unwrap();
    store.close().await;
    drop(store);
    execute(
        &folder.path().join("locum.db"),
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (9999, 'from later', true, x'00', 1)",
    )
    .await;
    let error = refusal(&url(&folder)).await;
    assert!(matches!(error, OpenError::Newer { version: 9999, .. }), "{error}");
    assert!(error.to_string().contains("made by a newer locum"));
}

#[tokio::test]
async fn a_wrong_url_is_refused_with_a_sentence() {
    assert_eq!(refusal("postgres://x/y").await.to_string(), "postgres is not supported yet; use sqlite:PATH");
    assert!(matches!(refusal("locum.db").await, OpenError::BadUrl(_)));
    assert!(matches!(refusal("sqlite:").await, OpenError::BadUrl(_)));
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("sqlite:{}", folder.path().join("no/locum.db").display());
    assert!(matches!(refusal(&nowhere).await, OpenError::NoFolder { .. }));
}

pub async fn execute(path: &std::path::Path, statement: &'static str) {
    use sqlx::{ConnectOptions as _, Connection as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
