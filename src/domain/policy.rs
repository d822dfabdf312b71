//! What holds for all groups of a cluster: anti-affinity, quarantine of flapping nodes, the brake on mass failure?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HumanDuration;

/// What holds for a whole cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub anti_affinity: AntiAffinity,
    pub quarantine: Quarantine,
    pub brake: Brake,
    /// Whether a PUT, PATCH, DELETE, revert or each of several changes has to say, by `If-Match` or `If-None-Match`, what it expects to
    /// overwrite. Operators' actions and marks (POST) are exempt.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false, required = false)]
    pub require_if_match: bool,
    /// How long history is kept: failovers and operations that have ended, and events. What a failover budget counts, and what is
    /// under way, is kept for longer. 24 h to 87600 h, which is ten years.
    #[schema(default = "9600h")]
    pub retention: HumanDuration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            anti_affinity: AntiAffinity::default(),
            quarantine: Quarantine::default(),
            brake: Brake::default(),
            require_if_match: false,
            retention: HumanDuration::from_secs(400 * 24 * 60 * 60),
        }
    }
}

/// What groups that share an anti-affinity class do when no node is left without another of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AntiAffinity {
    /// They share a node rather than not run.
    #[default]
    Soft,
    /// They never share a node.
    Enforced,
}

/// A node that is lost again and again is given nothing for a while. Never more than a quarter of the nodes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quarantine {
    /// Losses within `period` that begin it; 0 turns it off. 0 to 100.
    #[schema(default = 3, minimum = 0, maximum = 100)]
    pub losses: u32,
    /// 1 s to 1193 h.
    #[schema(default = "1h")]
    pub period: HumanDuration,
    /// How long after the last loss it lasts. 0s to 1193 h.
    #[schema(default = "2h")]
    pub duration: HumanDuration,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { losses: 3, period: HumanDuration::from_secs(60 * 60), duration: HumanDuration::from_secs(2 * 60 * 60) }
    }
}

/// When many nodes are lost at once, the rest is given time before it takes over everything: it may be too much for them,
/// or the fault may be the network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Brake {
    /// It holds when more than this share of the nodes is lost, in percent; 100 turns it off. 1 to 100.
    #[schema(default = 50, minimum = 1, maximum = 100)]
    pub percent: u32,
    /// And at least this many. 2 to 1000.
    #[schema(default = 4, minimum = 2, maximum = 1000)]
    pub nodes: u32,
    /// How long after the newest loss it holds. 0s to 24 h.
    #[schema(default = "5m")]
    pub hold: HumanDuration,
}

impl Brake {
    /// Whether it holds when `lost` of `total` nodes are lost.
    pub fn stops(&self, lost: u64, total: u64) -> bool {
        lost * 100 > u64::from(self.percent) * total && lost >= u64::from(self.nodes)
    }
}

impl Default for Brake {
    fn default() -> Self {
        Self { percent: 50, nodes: 4, hold: HumanDuration::from_secs(5 * 60) }
    }
}
