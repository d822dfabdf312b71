//! When did the service run, by its own notes?

use std::fs;
use std::path::Path;

/// One process of the service, from its first note to its last: after a kill it may have lived a little longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub pid: i32,
    pub node: String,
    pub epoch: u64,
    /// Boot-relative microseconds.
    pub from: u64,
    pub until: u64,
}

/// Every run, in the order in which they began. A line that is being written is not counted.
pub fn read(notes: &Path) -> Vec<Run> {
    let text = fs::read_to_string(notes).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut runs: Vec<Run> = Vec::new();
    for line in whole.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [at, _, node, epoch, pid] = words[..] else { panic!("not a note: {line:?}") };
        let (at, epoch, pid) = (number(at), number(epoch), i32::try_from(number(pid)).expect("a pid"));
        match runs.iter_mut().find(|run| run.pid == pid && run.epoch == epoch) {
            Some(run) => run.until = run.until.max(at),
            None => runs.push(Run { pid, node: node.to_owned(), epoch, from: at, until: at }),
        }
    }
    runs.sort_by_key(|run| run.from);
    runs
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("not a number: {word:?}"))
}

/// Pairs of runs of which the second began before the first had ended.
pub fn overlaps(runs: &[Run]) -> Vec<(Run, Run)> {
    let mut found = Vec::new();
    for (index, first) in runs.iter().enumerate() {
        found.extend(
            runs[index + 1..].iter().filter(|second| second.from < first.until).map(|s| (first.clone(), s.clone())),
        );
    }
    found
}
