//! How is a seed played, and what is said when it breaks a promise?

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once};

use sha2::{Digest as _, Sha256};

use crate::checker::{Broken, judge};
use crate::history::Fact;
use crate::story::{Line, Told, excerpt, whole};
use crate::world::World;

/// What came of a seed.
pub struct Played {
    pub seed: u64,
    pub told: Told,
    pub broken: Vec<Broken>,
    /// Defects that ended a task.
    pub panics: Vec<String>,
}

thread_local! {
    /// What panicked on this thread while a world lives on it.
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// A task of the control plane that ends by a panic would else go unnoticed.
fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let noted = PANICS.with_borrow_mut(|noted| noted.as_mut().map(|noted| noted.push(panic.to_string())));
            if noted.is_none() {
                before(panic);
            }
        }));
    });
}

/// Plays a story in a runtime of its own, whose time is its own.
pub fn play<F: Future<Output = ()>>(
    seed: u64,
    told: Arc<Mutex<Told>>,
    story: impl FnOnce(Arc<Mutex<Told>>) -> F,
) -> Played {
    catch_panics();
    PANICS.set(Some(Vec::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(story(told.clone()))));
    drop(runtime);
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let mut panics = PANICS.take().unwrap_or_default();
    if lived.is_err() && panics.is_empty() {
        panics.push("the story ended by a panic".to_owned());
    }
    let broken = judge(&told.history);
    Played { seed, told, broken, panics }
}

/// Plays the seed's own world.
pub fn play_seed(seed: u64, told: Arc<Mutex<Told>>) -> Played {
    play(seed, told, async move |told| World::draw(seed, told).await.live().await)
}

impl Played {
    pub fn is_good(&self) -> bool {
        self.broken.is_empty() && self.panics.is_empty()
    }

    /// What went wrong, the lines that concern it, and how to see it again.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let last = self.told.lines.last().map_or(0, |line| line.number);
        let (until, concerns) = self.broken.first().map_or((last, Vec::new()), |b| (b.number, b.concerns.clone()));
        for panic in &self.panics {
            text += &format!("seed {}: a defect: {panic}\n", self.seed);
        }
        for broken in self.broken.iter().take(5) {
            text += &format!("seed {} breaks {} at #{}: {}\n", self.seed, broken.rule, broken.number, broken.what);
        }
        text += &excerpt(&self.told.lines, until, &concerns);
        text + &format!("the whole story: {}\n", replay(self.seed))
    }

    pub fn story(&self) -> String {
        whole(&self.told.lines)
    }

    /// Everything that the seed decides, as a few bytes: the story, the rows at the end, and every plan.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.story());
        for happening in &self.told.history {
            match &happening.fact {
                Fact::Planned(snapshot) => {
                    hash.update(serde_json::to_vec(&locum::planner::plan(snapshot)).unwrap());
                }
                Fact::Settled(rows) => {
                    let stored = (&rows.seen, &rows.stored, &rows.changes, &rows.operations);
                    hash.update(serde_json::to_vec(&stored).unwrap());
                    hash.update(serde_json::to_vec(&(&rows.failovers, &rows.events)).unwrap());
                }
                _ => {}
            }
        }
        format!("{:x}", hash.finalize())
    }
}

/// Writes a whole story where `LOCUM_STORY` says.
pub fn keep_story(lines: &[Line]) {
    if let Some(path) = std::env::var_os("LOCUM_STORY") {
        std::fs::write(path, whole(lines)).expect("the story can be written where LOCUM_STORY says");
    }
}

/// The command that plays a seed again.
pub fn replay(seed: u64) -> String {
    format!("LOCUM_SEED={seed} cargo nextest run --locked --no-capture --test simulation a_thousand_seeds")
}
