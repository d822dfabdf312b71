//! Was every file received, and none twice? Did two copies ever run at once? Reckoned from what the handlers wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::domain::Ticks;

/// The demo's last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Account {
    pub files_sent: u64,
    /// Different files that were received.
    pub files_received: u64,
    /// Receipts beyond the first of a file.
    pub duplicates: u64,
    pub failovers: u64,
    /// The longest time for which two copies of one handler ran, in ms, rounded up.
    pub longest_overlap_ms: u64,
}

impl Account {
    /// What is wrong with it, as a sentence; `None` if all is well.
    pub fn complaint(&self, files: u64, least_failovers: u64) -> Option<String> {
        if self.files_sent < files {
            return Some(format!("time was up when {} of {files} files had arrived", self.files_sent));
        }
        let lost = self.files_sent.saturating_sub(self.files_received);
        if lost > 0 {
            return Some(format!("{lost} of {} files were not received", self.files_sent));
        }
        if self.duplicates > 0 {
            return Some(format!("{} files were received twice", self.duplicates));
        }
        if self.longest_overlap_ms > 0 {
            return Some(format!("two copies of a handler ran at once for {} ms", self.longest_overlap_ms));
        }
        (self.failovers < least_failovers)
            .then(|| format!("{} failovers happened, where at least {least_failovers} should", self.failovers))
    }
}

/// What a handler's record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receipts {
    pub files: u64,
    pub duplicates: u64,
}

/// Counts a record: a line per receipt that begins with the file's name.
pub fn receipts(record: &str) -> Receipts {
    let names: Vec<&str> = complete_lines(record).filter_map(|line| line.split(' ').next()).collect();
    let different: BTreeSet<&str> = names.iter().copied().collect();
    Receipts { files: different.len() as u64, duplicates: (names.len() - different.len()) as u64 }
}

/// A time for which one copy is known to have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub pid: u32,
    pub node: String,
    pub from: Ticks,
    /// Its stop or, if it was killed, its last sign of life.
    pub to: Ticks,
}

/// The runs that a handler's notes tell of, in the order in which they began.
pub fn runs(notes: &str) -> Vec<Run> {
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    let mut runs: Vec<Run> = Vec::new();
    for line in complete_lines(notes) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [at, word, node, _epoch, pid] = fields[..] else { continue };
        let (Ok(at), Ok(pid)) = (at.parse().map(Ticks), pid.parse::<u32>()) else { continue };
        if word == "start" {
            open.insert(pid, runs.len());
            runs.push(Run { pid, node: node.to_owned(), from: at, to: at });
        } else if let Some(run) = open.get(&pid).and_then(|index| runs.get_mut(*index)) {
            run.to = run.to.max(at);
        }
    }
    runs.sort_by_key(|run| run.from);
    runs
}

/// The longest time for which two runs of one handler overlap.
pub fn longest_overlap(runs: &[Run]) -> Duration {
    let mut longest = Duration::ZERO;
    for (index, earlier) in runs.iter().enumerate() {
        for later in runs.iter().skip(index + 1).take_while(|later| later.from < earlier.to) {
            longest = longest.max(earlier.to.min(later.to).since(later.from));
        }
    }
    longest
}

/// How long nothing ran before the newest run; zero for the first.
pub fn newest_gap(runs: &[Run]) -> Duration {
    let Some((newest, earlier)) = runs.split_last() else { return Duration::ZERO };
    earlier.iter().map(|run| run.to).max().map_or(Duration::ZERO, |stopped_at| newest.from.since(stopped_at))
}

/// Whole milliseconds, rounded up: the shortest overlap counts.
pub fn millis_up(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// A last line without its end is still being written.
fn complete_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Account =
        Account { files_sent: 500, files_received: 500, duplicates: 0, failovers: 4, longest_overlap_ms: 0 };

    #[test]
    fn receipts_count_each_file_once_and_the_rest_as_duplicates() {
        let record = "a 1 bts1 10\nb 1 bts1 10\na 2 bts2 11\nc 2 bts2 11\nd 2 bt";
        assert_eq!(receipts(record), Receipts { files: 3, duplicates: 1 });
        assert_eq!(receipts(""), Receipts::default());
    }

    #[test]
    fn a_killed_run_ends_with_its_last_sign_of_life() {
        let notes = "100 start bts1 1 10\n150 alive bts1 1 10\n200 start bts2 2 11\n300 stop bts2 2 11\n";
        let runs = runs(notes);
        assert_eq!(
            runs.iter().map(|r| (r.pid, r.from.0, r.to.0)).collect::<Vec<_>>(),
            [(10, 100, 150), (11, 200, 300)]
        );
        assert_eq!(longest_overlap(&runs), Duration::ZERO);
    }

    #[test]
    fn a_pid_that_comes_again_is_another_run() {
        let runs = runs("100 start a 1 10\n200 stop a 1 10\n300 start b 2 10\n350 alive b 2 10\n");
        assert_eq!(runs.iter().map(|r| (r.from.0, r.to.0)).collect::<Vec<_>>(), [(100, 200), (300, 350)]);
    }

    #[test]
    fn the_longest_overlap_is_found_behind_a_shorter_one() {
        let notes =
            "0 start a 1 1\n1000 start b 2 2\n1500 stop b 2 2\n2000 start c 3 3\n9000 stop c 3 3\n5001 stop a 1 1\n";
        let overlap = longest_overlap(&runs(notes));
        assert_eq!(overlap, Duration::from_micros(3_001));
        assert_eq!(millis_up(overlap), 4);
        assert_eq!(millis_up(Duration::ZERO), 0);
    }

    #[test]
    fn the_newest_gap_is_that_before_the_newest_run() {
        let notes = "0 start a 1 1\n500 stop a 1 1\n700 start b 2 2\n900 alive b 2 2\n2000 start c 3 3\n";
        assert_eq!(newest_gap(&runs(notes)), Duration::from_micros(1_100));
        assert_eq!(newest_gap(&runs("0 start a 1 1\n")), Duration::ZERO);
        assert_eq!(newest_gap(&[]), Duration::ZERO);
    }

    #[test]
    fn each_kind_of_wrong_is_said() {
        assert_eq!(GOOD.complaint(500, 4), None);
        let says = |account: Account, text: &str| {
            let complaint = account.complaint(500, 4).unwrap();
            assert!(complaint.contains(text), "{complaint}");
        };
        says(Account { files_sent: 499, files_received: 499, ..GOOD }, "when 499 of 500 files had arrived");
        says(Account { files_received: 498, ..GOOD }, "2 of 500 files were not received");
        says(Account { duplicates: 3, ..GOOD }, "3 files were received twice");
        says(Account { longest_overlap_ms: 7, ..GOOD }, "ran at once for 7 ms");
        says(Account { failovers: 3, ..GOOD }, "3 failovers happened");
    }

    #[test]
    fn the_last_line_has_the_names_that_scripts_read() {
        assert_eq!(
            serde_json::to_string(&GOOD).unwrap(),
            r#"{"files_sent":500,"files_received":500,"duplicates":0,"failovers":4,"longest_overlap_ms":0}"#
        );
    }
}
