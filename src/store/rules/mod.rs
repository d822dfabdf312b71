//! What does each verb change, and what does it refuse? Pure functions on a `State`, the same for every backend.

mod begin;
mod commit;
mod delete;
mod put;
mod reign;
mod snapshot;

use jiff::Timestamp;

use super::Error;
use crate::domain::Actor;

pub use begin::begin;
pub use commit::commit;
pub use delete::delete;
pub use put::put;
pub use reign::{NewReign, reign};
pub use snapshot::{Past, earliest, snapshot};

type Result<T> = std::result::Result<T, Error>;

/// Who asked, and when.
pub struct Asked<'a> {
    pub actor: &'a Actor,
    pub at: Timestamp,
}

/// The largest number that may come from outside. SQL's end at 2^63; counting on from here never gets there.
const LARGEST: u64 = 1 << 62;

fn countable(what: &str, number: u64) -> Result<()> {
    if number <= LARGEST {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{what} {number} is above {LARGEST}, farther than anybody counts; who claims it is broken"
    )))
}
