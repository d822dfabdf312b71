//! Which rules of the protocol can be broken on purpose, to see that the checker notices?

/// A rule. Each is broken alone; what is caught then is in the table of `docs/safety.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    // -- a node's
    LeaseCountsFromTheStamp,
    StampsEndWithTheProcess,
    GrantsNameTheDecision,
    TermsAreCompared,
    ReignsAreCompared,
    DecisionsAreOrdered,
    EpochsAreOrdered,
    AssignmentsEchoAStamp,
    AppliedIsOnDisk,
    StartsNeedALease,
    TheGuardKills,
    TheNodesMargin,
    // -- the control plane's
    GrantsAreCounted,
    DriftIsCounted,
    TheControlPlanesMargin,
    EarlierReignsAreCounted,
    TheOldReignHasEnded,
    ALapseEndsTheDecision,
    ReleaseNeedsAProof,
    AcknowledgedByThatDecision,
    AcknowledgedUnderThisReign,
    AcknowledgedAsStopped,
    EveryoneIsHeardBeforeAStart,
    WhatIsAssignedMayRun,
    AHigherEpochElsewhereIsHeeded,
    AYoungReignChangesNothing,
    NumbersAreRaisedAboveWhatIsHeard,
    // -- of peer hold
    TakeoverClaimsTheTarget,
    ClaimsAreWithdrawn,
    TheClaimedPromiseNothing,
    ClaimsWaitForPromises,
    PromisesSurviveARestart,
    PromisesCountDrift,
    HoldNeedsEveryPromise,
    HoldStartsNothing,
    HoldsEndWithTheirOwnerSet,
    OwnerSetsChangeUnderALease,
    TargetsAreInEveryOwnerSet,
}

/// The rules that hold: all but those that are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    broken: &'static [Rule],
}

impl Rules {
    pub const ALL: Self = Self { broken: &[] };

    pub const fn but(broken: &'static [Rule]) -> Self {
        Self { broken }
    }

    pub fn hold(self, rule: Rule) -> bool {
        !self.broken.contains(&rule)
    }
}
