//! When is a failback window open? Hours of the day in a time zone, with its summers, winters and midnights.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::domain::Failback;

/// The zones that the program brings along, so that the same snapshot gives the same plan on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How a window stands at a moment.
pub(super) enum Window {
    Open,
    /// Until then.
    Closed(Timestamp),
    /// It never opens: the reason as a sentence.
    Unreadable(String),
}

/// How the window of `failback` stands at `now`. Two equal hours are the whole day.
pub(super) fn window(failback: &Failback, now: Timestamp) -> Window {
    let Some((start, end)) = failback.start.zip(failback.end) else {
        return Window::Unreadable("its failback window has no start and end".to_owned());
    };
    let name = failback.time_zone.as_deref().unwrap_or("UTC");
    let Ok(zone) = ZONES.get(name) else {
        return Window::Unreadable(format!("{name} is no time zone that is known"));
    };
    let local = now.to_zoned(zone.clone());
    if is_within(local.hour(), start, end) {
        return Window::Open;
    }
    match opening(&local, &zone, (start, end)) {
        Some(at) => Window::Closed(at),
        None => Window::Unreadable(format!("its failback window from {start} to {end} o'clock never opens")),
    }
}

fn is_within(hour: i8, start: u8, end: u8) -> bool {
    let hour = u8::try_from(hour).unwrap_or_default();
    match start.cmp(&end) {
        std::cmp::Ordering::Less => (start..end).contains(&hour),
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Greater => hour >= start || hour < end,
    }
}

/// The next moment after `local` at which the clocks there show the first hour of the window. An hour that the clocks
/// leap over begins where they land, if that is within the window; else that day has none.
fn opening(local: &Zoned, zone: &TimeZone, (start, end): (u8, u8)) -> Option<Timestamp> {
    let days = (0..=3).filter_map(|days| local.date().checked_add(i64::from(days).days()).ok());
    let openings = days.filter_map(|day| {
        let at = day.at(i8::try_from(start).ok()?, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        is_within(at.hour(), start, end).then(|| at.timestamp())
    });
    openings.filter(|at| *at > local.timestamp()).min()
}

/// "22:00 to 06:00 Europe/Berlin".
pub(super) fn hours(failback: &Failback) -> String {
    let hour = |hour: Option<u8>| format!("{:02}:00", hour.unwrap_or_default());
    let zone = failback.time_zone.as_deref().unwrap_or("UTC");
    format!("{} to {} {zone}", hour(failback.start), hour(failback.end))
}
