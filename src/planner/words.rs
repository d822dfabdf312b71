//! How are times, lengths, ranks and counts written?

use jiff::Timestamp;

/// A time of day for a sentence; the date is in the field beside it.
pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// The same, with the date when that is another one than now's.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    let date = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    if date(at) == date(now) { clock(at) } else { format!("{} {}", date(at), clock(at)) }
}

/// The place in a list, counted from 0, as a word.
pub(super) fn ordinal(index: usize) -> String {
    const WORDS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
    WORDS.get(index).map_or_else(|| format!("number {}", index + 1), |word| (*word).to_owned())
}

/// "1 group", "2 groups".
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The milliseconds between two moments; 0 if they are in the wrong order.
pub(super) fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
