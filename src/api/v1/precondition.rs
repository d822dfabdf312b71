//! Is what is there what its writer expects, and does the writer say so where the cluster asks for that?

use crate::api::extract::Edit;
use crate::api::problem::ApiError;
use crate::domain::Generation;
use crate::store::{Expect, Stored};

/// Why a write is refused that says nothing of what it expects to find, where the cluster asks for that. `found` is the
/// generation that last changed what it overwrites, if that is there.
pub fn unsaid(stored: &Stored, asked: &Edit, found: Option<Generation>) -> Option<ApiError> {
    let silent = asked.replaces && asked.expect == Expect::Anything && stored.spec.policy.require_if_match;
    silent.then(|| ApiError::precondition_required(found))
}
