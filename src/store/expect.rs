//! What does a writer expect to find, and is it so?

use super::Error;
use crate::domain::{Generation, Policy};

/// What a writer of desired state expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expect {
    /// Nothing: the last writer wins.
    #[default]
    Anything,
    /// That it does not exist (`If-None-Match: *`).
    Absent,
    /// That it is still at this generation (`If-Match`).
    At(Generation),
}

impl Expect {
    /// Refuses what is not as expected; `found` is the generation of the `kind` of this name, if it is there.
    pub fn check(self, kind: &'static str, name: &str, found: Option<Generation>) -> Result<(), Error> {
        let name = || name.to_owned();
        match (self, found) {
            (Self::Absent, Some(actual)) => Err(Error::Exists { kind, name: name(), actual: Some(actual) }),
            (Self::At(expected), None) => Err(Error::Gone { kind, name: name(), expected }),
            (Self::At(expected), Some(actual)) if expected != actual => Err(Error::Conflict { expected, actual }),
            _ => Ok(()),
        }
    }

    /// Refuses who expects nothing to overwrite what is at this generation, where the cluster asks for that.
    pub fn demand(self, policy: &Policy, actual: Generation) -> Result<(), Error> {
        if self == Self::Anything && policy.require_if_match { Err(Error::Unsaid { actual }) } else { Ok(()) }
    }
}
