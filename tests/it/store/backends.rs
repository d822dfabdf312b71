//! Which stores does the suite run on? One function each, which opens an empty one.

use std::sync::Arc;

use locum::store::memory::MemoryStore;
use locum::store::{Store, sql};

use crate::store_file::execute;

/// An open store. What it lies on lasts as long as this.
pub struct Opened {
    store: Arc<dyn Store>,
    folder: Option<tempfile::TempDir>,
}

impl Opened {
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// Lets a store that keeps rows read them anew: it notices that somebody else has written. Others have no such rows.
    pub async fn forget(&self) {
        let Some(folder) = &self.folder else { return };
        execute(&folder.path().join("locum.db"), "update clusters set name = name").await;
        self.store.ready().await.unwrap();
    }
}

pub async fn sqlite() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let store = sql::open(&format!("sqlite:{}", folder.path().join("locum.db").display())).await.unwrap();
    Opened { store: Arc::new(store), folder: Some(folder) }
}

pub async fn memory() -> Opened {
    Opened { store: Arc::new(memory_store()), folder: None }
}

/// A store in memory. The random parts of its clusters' ids are counted.
pub fn memory_store() -> MemoryStore {
    let mut count = 0_u8;
    MemoryStore::new(move || {
        count += 1;
        [count; 10]
    })
}
