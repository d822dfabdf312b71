//! What is told of a world? Lines with true time, a number and who speaks; and, beside them, the facts and a count.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::history::{Fact, Happening};

/// A line of the story.
#[derive(Debug, Clone)]
pub struct Line {
    pub at: u64,
    pub number: u64,
    pub who: String,
    pub what: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, millis) = (self.at / 1_000_000, self.at / 1_000 % 1_000);
        write!(f, "{seconds}.{millis:03}s #{} {}: {}", self.number, self.who, self.what)
    }
}

/// How often each kind of thing happened.
pub type Tally = BTreeMap<String, u64>;

/// Everything that was told.
#[derive(Debug, Default)]
pub struct Told {
    pub lines: Vec<Line>,
    pub history: Vec<Happening>,
    pub tally: Tally,
}

/// Takes down what happens, in true time.
#[derive(Debug, Clone)]
pub struct Recorder {
    began: Instant,
    told: Arc<Mutex<Told>>,
}

impl Recorder {
    /// Begins the story now. `told` may be looked at while it goes on.
    pub fn new(told: Arc<Mutex<Told>>) -> Self {
        Self { began: Instant::now(), told }
    }

    /// Microseconds of true time since the story began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).expect("a story ends before the end of time")
    }

    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn say(&self, who: &str, what: impl Into<String>) {
        let at = self.now();
        let mut told = self.told();
        let number = told.lines.len() as u64 + 1;
        told.lines.push(Line { at, number, who: who.to_owned(), what: what.into() });
    }

    /// A fact, at the number of the line that told of it last.
    pub fn note(&self, fact: Fact) {
        let mut told = self.told();
        let number = told.lines.len() as u64;
        told.history.push(Happening { number, fact });
    }

    pub fn count(&self, kind: &str, what: &str) {
        *self.told().tally.entry(format!("{kind}: {what}")).or_default() += 1;
    }
}

/// How many lines before the broken rule are shown.
const EXCERPT: usize = 60;

/// The last lines up to number `until` that concern any of `names`, or everybody.
pub fn excerpt(lines: &[Line], until: u64, names: &[String]) -> String {
    let words = |line: &Line| -> Vec<String> {
        let split = line.what.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
        split.map(str::to_owned).collect()
    };
    let concerns = |line: &&Line| {
        let general = matches!(line.who.as_str(), "world" | "control plane" | "database");
        general || names.contains(&line.who) || words(line).iter().any(|word| names.contains(word))
    };
    let told: Vec<&Line> = lines.iter().take_while(|line| line.number <= until).filter(concerns).collect();
    whole(told.into_iter().rev().take(EXCERPT).rev())
}

/// Every line.
pub fn whole<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    lines.into_iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").expect("a String takes everything");
        text
    })
}
