//! Is this database ours, and ours alone?

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// "LOCM" in the header of every database that Locum made.
const APPLICATION_ID: u32 = 0x4C4F_434D;
const READERS: u32 = 4;

/// Why a database can't be used. A file that is not ours was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0:?} is no database URL; write sqlite:PATH, like sqlite:locum.db")]
    BadUrl(String),
    #[error("{0} is not supported yet; use sqlite:PATH")]
    Unsupported(String),
    #[error("the folder {folder} of the database {path} does not exist; create it first", folder = folder.display(), path = path.display())]
    NoFolder { folder: PathBuf, path: PathBuf },
    #[error("the database {path} can't be opened: {source}", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(
        "another locum server has {path} open; stop it or choose another --database-url", path = .0.display()
    )]
    InUse(PathBuf),
    #[error("{path} is not a database of Locum: it is {what}; choose another --database-url", path = path.display())]
    Foreign { path: PathBuf, what: &'static str },
    #[error(
        "{path} was made by a newer locum (schema {version}, this one knows up to {known}); use that program", path = path.display()
    )]
    Newer { path: PathBuf, version: i64, known: i64 },
    #[error("the database {path} can't be prepared: {reason}", path = path.display())]
    Database { path: PathBuf, reason: String },
}

/// The open parts of a database.
pub struct Opened {
    pub writer: SqlitePool,
    pub readers: SqlitePool,
    pub path: PathBuf,
    /// Holds the lock. Closing any handle of the file would drop SQLite's own locks in this process.
    pub lock: File,
}

/// Opens, and creates and migrates where needed, the database of `url`.
pub async fn open(url: &str) -> Result<Opened, OpenError> {
    let path = path_of(url)?;
    let (lock, fresh) = lock(&path)?;
    let failed = |e: &dyn std::fmt::Display| OpenError::Database { path: path.clone(), reason: e.to_string() };
    let options = SqliteConnectOptions::new().filename(&path).busy_timeout(Duration::from_secs(5));
    if fresh {
        // Marked before the file switches to WAL, so that the mark is in the file itself and not in its log.
        let mut first = options.clone().connect().await.map_err(|e| failed(&e))?;
        sqlx::query("pragma application_id = 1280262989").execute(&mut first).await.map_err(|e| failed(&e))?;
        first.close().await.map_err(|e| failed(&e))?;
        sync_folder(&path);
    }
    let writing =
        options.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full).foreign_keys(true);
    let writer = pool(1).connect_with(writing).await.map_err(|e| failed(&e))?;
    MIGRATIONS.run(&writer).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => {
            let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
            OpenError::Newer { path: path.clone(), version, known }
        }
        other => failed(&other),
    })?;
    let reading = options.pragma("query_only", "on");
    let readers = pool(READERS).connect_with(reading).await.map_err(|e| failed(&e))?;
    Ok(Opened { writer, readers, path, lock })
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(size).idle_timeout(None).max_lifetime(None)
}

fn path_of(url: &str) -> Result<PathBuf, OpenError> {
    let (scheme, rest) = url.split_once(':').ok_or_else(|| OpenError::BadUrl(url.to_owned()))?;
    match scheme {
        "sqlite" => {}
        "postgres" | "postgresql" => return Err(OpenError::Unsupported("postgres".to_owned())),
        _ => return Err(OpenError::BadUrl(url.to_owned())),
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match path {
        "" => Err(OpenError::BadUrl(url.to_owned())),
        ":memory:" => Err(OpenError::Unsupported("a database in memory".to_owned())),
        path => Ok(PathBuf::from(path)),
    }
}

/// Locks the file for this process and says whether it is empty, ours to make a database of.
fn lock(path: &Path) -> Result<(File, bool), OpenError> {
    if let Some(folder) = folder_of(path)
        && !folder.is_dir()
    {
        return Err(OpenError::NoFolder { folder: folder.to_owned(), path: path.to_owned() });
    }
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse(path.to_owned()),
        TryLockError::Error(source) => failed(source),
    })?;
    let mut header = Vec::new();
    Read::by_ref(&mut file).take(100).read_to_end(&mut header).map_err(failed)?;
    let foreign = |what| Err(OpenError::Foreign { path: path.to_owned(), what });
    if header.is_empty() {
        return Ok((file, true));
    }
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return foreign("no SQLite file at all");
    }
    // Bytes 68 to 71 of the SQLite file format are the application id.
    if header[68..72] != APPLICATION_ID.to_be_bytes() {
        return foreign("an SQLite database of another program");
    }
    Ok((file, false))
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// Makes the new file's name last through power loss. Where folders can't be opened there is nothing to do.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path).unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}
