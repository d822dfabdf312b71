//! Is every rule needed? Each is broken, alone or with the second rule that would catch the same, and the checker must
//! find where that leads.

use super::bounds::Bounds;
use super::rules::Rule::{self, *};
use super::state::{EVERYONE, Faults};

/// A protocol with a fault.
pub struct Mutant {
    pub broken: &'static [Rule],
    /// What it does instead, as a sentence.
    pub what: &'static str,
    pub world: Bounds,
}

/// Two decisions after the group runs, one order under way at a time; nodes keep their names.
const PLAIN: Bounds = Bounds { decisions: 3, requests: 1, nameless: false, ..Bounds::small() };
const SLOW: Bounds = Bounds { slow: &[1], ..PLAIN };
/// With what is under way kept, though by the rules it can matter no more.
const WHOLE: Bounds = Bounds { reduced: false, ..PLAIN };
const RESTORE: Bounds = Bounds { faults: Faults { restores: 1, ..NONE }, decisions: 4, ..PLAIN };
const PEERS: Bounds = Bounds { peer_hold: true, peer_words: 2, ..PLAIN };
const NONE: Faults = Faults { restarts: 0, reboots: 0, reigns: 0, restores: 0, edits: 0 };
const RESTART: Faults = Faults { restarts: 1, ..NONE };
const REBOOT: Faults = Faults { reboots: 1, ..NONE };
const REIGN: Faults = Faults { reigns: 1, ..NONE };
const EDITS: Faults = Faults { edits: 2, ..NONE };

const fn mutant(broken: &'static [Rule], what: &'static str, world: Bounds) -> Mutant {
    Mutant { broken, what, world }
}

pub const MUTANTS: &[Mutant] = &[
    mutant(&[LeaseCountsFromTheStamp], "a lease counts from the receipt of the grant, not from the stamp", PLAIN),
    mutant(&[StampsEndWithTheProcess], "a stamp of an agent process that is gone counts", Bounds { faults: REBOOT, ..WHOLE }),
    mutant(&[GrantsNameTheDecision], "a heartbeat extends the lease whatever was applied", Bounds { idle_leases: true, ..PLAIN }),
    mutant(&[TermsAreCompared], "a lower term is obeyed", Bounds { reduced: false, ..RESTORE }),
    mutant(&[ReignsAreCompared], "the same term under another reign is obeyed", Bounds { reduced: false, ..RESTORE }),
    mutant(&[DecisionsAreOrdered], "an older assignment is applied", WHOLE),
    mutant(&[EpochsAreOrdered, EpochsAreRaisedAboveWhatIsHeard], "a lower epoch is applied", RESTORE),
    mutant(&[AssignmentsEchoAStamp], "an assignment from before a restart is applied", Bounds { faults: RESTART, ..WHOLE }),
    mutant(&[AppliedIsOnDisk], "the applied decision is forgotten with the process", Bounds { faults: RESTART, ..WHOLE }),
    mutant(&[StartsNeedALease], "a group is started without a lease", PLAIN),
    mutant(&[TheGuardKills], "nobody kills what outlives the lease", PLAIN),
    mutant(&[TheNodesMargin], "the kill comes at the end of the lease, without the margin", PLAIN),
    mutant(&[GrantsAreCounted], "a grant does not move the time at which the node is proven stopped", PLAIN),
    mutant(&[DriftIsCounted], "the wait for a lease ignores that clocks drift", SLOW),
    mutant(&[TheControlPlanesMargin], "the wait for a lease has no margin", SLOW),
    mutant(&[EarlierReignsAreCounted], "a new reign waits for no lease of the one before", Bounds { faults: REIGN, ..PLAIN }),
    mutant(&[TheOldReignHasEnded], "the reign before goes on granting", Bounds { faults: REIGN, ..PLAIN }),
    mutant(&[ALapseEndsTheDecision], "a node that was counted down is granted its old decision when it is back", Bounds { fine: true, ..PLAIN }),
    mutant(&[ReleaseNeedsAProof], "the owner is taken for stopped", PLAIN),
    mutant(&[AcknowledgedByThatDecision], "any report that it is stopped counts as an acknowledgement", PLAIN),
    mutant(&[AcknowledgedUnderThisReign], "what was said to another reign counts", Bounds { faults: REIGN, answers: 1, ..PLAIN }),
    mutant(&[AcknowledgedAsStopped, EveryoneIsHeardBeforeAStart], "having applied the decision counts as having stopped", PLAIN),
    mutant(&[EveryoneIsHeardBeforeAStart], "a group is placed though another node may run it", RESTORE),
    mutant(&[AYoungReignChangesNothing], "a reign acts on what is stored before everyone was heard", RESTORE),
    mutant(&[NumbersAreRaisedAboveWhatIsHeard], "a restored database goes on with its old numbers", RESTORE),
    mutant(&[EpochsAreRaisedAboveWhatIsHeard], "a restored database gives epochs that were given before", RESTORE),
    mutant(&[TakeoverClaimsTheTarget], "the lease's end alone is the proof", PEERS),
    mutant(&[ClaimsAreWithdrawn], "a claim is left behind when the owner is back", PEERS),
    mutant(&[TheClaimedPromiseNothing], "the claimed node goes on promising", PEERS),
    mutant(&[ClaimsWaitForPromises], "a claim is good before what was promised has run out", PEERS),
    mutant(&[PromisesSurviveARestart], "a promise is forgotten at a restart", Bounds { faults: RESTART, ..PEERS }),
    mutant(&[PromisesCountDrift], "a promise ignores that clocks drift", Bounds { slow: &[1], ..PEERS }),
    mutant(&[HoldCountsFromTheStamp], "a promise counts from its receipt", PEERS),
    mutant(&[HoldNeedsEveryPromise], "one promise is enough", PEERS),
    mutant(&[HoldStartsNothing], "a group is started under promises alone", PEERS),
    mutant(&[HoldsEndWithTheirOwnerSet], "a hold goes on when the owner set has changed", Bounds { faults: EDITS, sets: &[0b011, EVERYONE], ..PEERS }),
    mutant(&[TargetsAreInEveryOwnerSet], "the target need only be in the owner set that was acknowledged", Bounds { faults: EDITS, sets: &[EVERYONE, 0b011], decisions: 5, ..PEERS }),
];
