//! What does each verb change, and what does it refuse? Pure functions on a `State`, the same for every backend.

mod acknowledge;
mod begin;
mod cancel;
mod commit;
mod delete;
mod history;
mod prune;
mod put;
mod reign;
mod snapshot;

use jiff::Timestamp;

use super::Error;
use crate::domain::Actor;

pub use acknowledge::acknowledge;
pub use begin::begin;
pub use cancel::cancel;
pub use commit::commit;
pub use delete::delete;
pub use history::history;
pub use prune::{removes_before, removes_of_deleted_before};
pub use put::{Slot, create, put, replace};
pub use reign::{NewReign, outlive_restore, record_agent, reign};
pub use snapshot::{Past, earliest, snapshot};

type Result<T> = std::result::Result<T, Error>;

/// Who asked, and when.
pub struct Asked<'a> {
    pub actor: &'a Actor,
    pub at: Timestamp,
}

/// The largest number that a column of SQL holds.
const MOST: u64 = i64::MAX as u64;

fn fits(what: &str, number: u64) -> Result<()> {
    at_most(MOST, what, number)
}

/// For a counter that may be set to what somebody else claims to know. A leap ends half-way, a step is always free: so
/// it can be counted on from, and never gets to `MOST`.
fn counts_on(what: &str, from: u64, to: u64) -> Result<()> {
    if to <= from + 1 { Ok(()) } else { at_most(MOST / 2, what, to) }
}

fn at_most(most: u64, what: &str, number: u64) -> Result<()> {
    if number <= most {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{what} {number} is above {most}, farther than anybody counts; who claims it is broken"
    )))
}
