//! Which finding does somebody take upon himself, why, and until when?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A finding that is known and accepted: it refuses nothing and warns of nothing until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The rule's id.
    #[schema(pattern = "^[A-Z][A-Z0-9]{1,7}$", example = "R33")]
    pub rule: String,
    /// The object that the finding names first, as findings spell it: `hosts/FtpReceive`. Absent: all of that rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "hosts/FtpReceive")]
    pub object: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    pub reason: String,
    /// Who accepts it.
    #[schema(min_length = 1, max_length = 256)]
    pub actor: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}
