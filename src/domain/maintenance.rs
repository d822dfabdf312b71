//! Who keeps Locum from acting by itself, why, and until when?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// While it lasts, Locum moves and fails over nothing of it by itself; an operator's actions are carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Who is responsible.
    #[schema(min_length = 1, max_length = 256)]
    pub owner: String,
    #[schema(min_length = 1, max_length = 1024)]
    pub reason: String,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

impl Maintenance {
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.until > now
    }
}
