//! Which numbers only go up? Generations, decisions, terms, epochs, revisions and boot-relative ticks.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// Per cluster, counts accepted changes of desired state; an object's is that of its last change.
    Generation
);
counter!(
    /// Per cluster, counts accepted changes and committed plans; orders what is sent to agents.
    Decision
);
counter!(
    /// The number of a control plane's reign over a cluster.
    Term
);
counter!(
    /// A group's fencing token: goes up with every placement, never down.
    Epoch
);
counter!(
    /// An agent's count of changes in what it observes, since that agent process started.
    Revision
);

/// A moment on one machine's boot-relative clock, in microseconds since that machine booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Ticks(pub u64);

impl Ticks {
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// This moment and `duration` more; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This moment less `duration`, not before boot.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
