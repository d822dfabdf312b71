//! How are many seeds played at once, and what happened how often?

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::runner::{self, Played};
use crate::story::{Tally, Told, excerpt};

/// A world takes less than a second of real time; one that takes this long goes round in circles.
const REAL_PATIENCE: Duration = Duration::from_secs(120);

/// More stories than this say nothing new.
const MOST_REPORTS: usize = 5;

/// What came of many seeds.
#[derive(Default)]
pub struct Sweep {
    pub tally: Tally,
    pub seeds: u64,
    /// Microseconds.
    pub simulated: u64,
    /// The stories of the first that were bad, and how many there were.
    pub reports: Vec<String>,
    pub bad: Vec<u64>,
}

/// A seed that is being played.
type Slot = Arc<Mutex<Option<(u64, Instant, Arc<Mutex<Told>>)>>>;

/// Plays every seed, on as many threads as there are processors.
pub fn sweep(seeds: Range<u64>, each: impl Fn(&Played)) -> Sweep {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = Arc::new(AtomicU64::new(seeds.start));
    let (sender, played) = mpsc::channel();
    let slots: Vec<Slot> = (0..threads).map(|_| Slot::default()).collect();
    for slot in &slots {
        let (slot, next, sender, end) = (slot.clone(), next.clone(), sender.clone(), seeds.end);
        std::thread::spawn(move || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return;
                }
                let told = Arc::default();
                *slot.lock().unwrap() = Some((seed, Instant::now(), Arc::clone(&told)));
                let played = runner::play_seed(seed, told);
                *slot.lock().unwrap() = None;
                if sender.send(played).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut sweep = Sweep::default();
    loop {
        match played.recv_timeout(Duration::from_secs(1)) {
            Ok(played) => {
                each(&played);
                sweep.take(&played);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => slots.iter().for_each(give_up),
            Err(mpsc::RecvTimeoutError::Disconnected) => return sweep,
        }
    }
}

/// A thread can't be stopped: the story so far is told, and the process ends.
#[allow(clippy::print_stdout)] // nobody is left to be told
fn give_up(slot: &Slot) {
    let playing = slot.lock().unwrap().clone();
    let Some((seed, since, told)) = playing.filter(|(_, since, _)| since.elapsed() > REAL_PATIENCE) else { return };
    let lines = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner).lines.clone();
    runner::keep_story(&lines);
    println!("seed {seed} goes round in circles since {:?}:\n{}", since.elapsed(), excerpt(&lines, u64::MAX, &[]));
    println!("the whole story: {}", runner::replay(seed));
    std::process::exit(101);
}

impl Sweep {
    fn take(&mut self, played: &Played) {
        self.seeds += 1;
        self.simulated += played.told.lines.last().map_or(0, |line| line.at);
        for (what, times) in &played.told.tally {
            *self.tally.entry(what.clone()).or_default() += times;
        }
        if !played.is_good() {
            self.bad.push(played.seed);
            if self.reports.len() < MOST_REPORTS {
                self.reports.push(played.report());
            }
        }
    }

    /// How often each kind of thing happened.
    pub fn table(&self) -> String {
        let hours = self.simulated / 3_600_000_000;
        let lines = self.tally.iter().map(|(what, times)| format!("{times:>9}  {what}\n"));
        format!("{} seeds, {hours} h of simulated time\n{}", self.seeds, lines.collect::<String>())
    }
}
