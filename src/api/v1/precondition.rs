//! Does a writer say what it overwrites, where the cluster asks for that?

use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::domain::Generation;
use crate::store::{Expect, Stored};

/// Why a write is refused that does not say it. `found` gives the generation that last changed what is overwritten, if that is
/// there: it is told to who has to say it.
pub fn unsaid(stored: &Stored, asked: &Edit, found: impl FnOnce() -> Option<Generation>) -> Option<ApiError> {
    let silent = asked.replaces && asked.expect == Expect::Anything && stored.spec.policy.require_if_match;
    silent.then(|| ApiError::precondition_required(found()))
}
