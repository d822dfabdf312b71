//! What must happen at least once in a thousand seeds? What never happens is not proven.
//!
//! Not among them: `other_node` and `other_cluster`, which need a second cluster or a mistyped address; `stale_epoch`,
//! since decisions outnumber epochs; and `never_started`, which no plan gives.

use crate::story::Tally;

const EXPECTED: &[(&str, &[&str])] = &[
    (
        "cause",
        &[
            "anti_affinity",
            "drain",
            "failback",
            "node_lost",
            "operator_move",
            "resource_failed",
            "start_failed",
            "topology_change",
        ],
    ),
    ("outcome", &["blocked", "failed", "in_progress", "succeeded", "superseded"]),
    ("proof", &["acknowledged", "lease_expired", "operator_confirmed"]),
    ("refusal", &["content_differs", "other_reign", "stale_decision", "stale_stamp", "stale_term"]),
    ("commit", &["outrun"]),
    ("database", &["failed before it did anything", "failed after it did what was asked"]),
    (
        "network",
        &[
            "a request arrived after its sender gave up",
            "a request was lost",
            "a request was repeated",
            "an answer was lost",
        ],
    ),
    (
        "operation",
        &[
            "confirm_down succeeded",
            "drain succeeded",
            "move failed",
            "move succeeded",
            "offline succeeded",
            "online failed",
            "online succeeded",
            "pause succeeded",
            "reset succeeded",
            "resume succeeded",
        ],
    ),
    (
        "wish",
        &[
            "acknowledged",
            "refused",
            "unknown",
            "document refused: duplicate_address",
            "document refused: timer_inequality",
            "document refused: unknown_field",
        ],
    ),
    (
        "fault",
        &[
            "AgentAndGuardKilled",
            "AgentFrozen",
            "AgentKilled",
            "AgentStopped",
            "ControlKilled",
            "ControlKilledAt",
            "ControlStopped",
            "CutOff",
            "CutOffBack",
            "CutOffThere",
            "DatabaseAway",
            "DatabaseRestored",
            "DatabaseRough",
            "DiskFails",
            "DiskReplaced",
            "DiskSlow",
            "EverybodyCutOff",
            "GuardFrozen",
            "GuardKilled",
            "NetworkRough",
            "PowerCut",
        ],
    ),
];

/// What was expected and never happened.
pub fn missing(tally: &Tally) -> Vec<String> {
    let all = EXPECTED.iter().flat_map(|(kind, whats)| whats.iter().map(move |what| format!("{kind}: {what}")));
    all.filter(|what| !tally.contains_key(what)).collect()
}
