//! How much of history was removed?

/// How much was removed because it is older than the retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    pub failovers: u64,
    pub operations: u64,
    pub events: u64,
}

impl Pruned {
    pub fn any(self) -> bool {
        self != Self::default()
    }

    pub fn and(self, more: Self) -> Self {
        Self {
            failovers: self.failovers + more.failovers,
            operations: self.operations + more.operations,
            events: self.events + more.events,
        }
    }
}
