//! Is every rule needed? Each is broken, alone or with the second rule that would catch the same, and the checker must
//! find where that leads.
#![allow(clippy::match_like_matches_macro)] // a line for each part of a story

use super::bounds::{Bounds, Timers};
use super::protocol::Action;
use super::rules::Rule::{self, *};
use super::state::{EVERYONE, Faults};

/// A protocol with a fault.
pub struct Mutant {
    pub broken: &'static [Rule],
    /// What it does instead, as a sentence.
    pub what: &'static str,
    pub world: Bounds,
}

/// One decision after the group runs, one order under way at a time; nodes keep their names.
const PLAIN: Bounds = Bounds { decisions: 2, requests: 1, nameless: false, ..Bounds::small() };
const SLOW: Bounds = Bounds { slow: &[1], ..PLAIN };
/// With what is under way kept, though by the rules it can matter no more.
const WHOLE: Bounds = PLAIN;
const RESTORE: Bounds = Bounds { faults: Faults { restores: 1, ..NONE }, decisions: 4, ..PLAIN };
/// A takeover by the last node from an owner that goes on through its peers.
const PEERS: Bounds = Bounds { peer_hold: true, timers: Timers::HOLDING, decisions: 3, may: takeover, ..PLAIN };

/// What a second reign, a restored database or an agent that restarts leads to, without what idles.
fn succession(action: &Action) -> bool {
    use Action::{Deliver, GiveWay, Haunt, Hear, Place, Push, Reign, Release, Restart, Restore, Start, Stop, Tick};
    match action {
        Tick | Deliver(_) | Push(0 | 1) | Start(_) | Stop(0) | Place(0 | 1) | Release | Restart(0) => true,
        Reign | Restore | Haunt(0) | Hear(_) | GiveWay(0) | Action::Answer(_) | Action::Died(0) => true,
        Action::Greet(_) | Action::Listen(_) | Action::Lapse(0 | 2) => true,
        _ => false,
    }
}

/// A group that is placed for the first time, and a database that is put back to before.
fn unheard(action: &Action) -> bool {
    use Action::{Deliver, Greet, Lapse, Listen, Place, Push, Restore, Start};
    match action {
        Deliver(_) | Push(0 | 1) | Start(_) | Place(0 | 1) | Lapse(_) | Restore => true,
        Greet(0 | 1) | Listen(0 | 1) => true,
        _ => false,
    }
}

/// A takeover by the second node, and a restored database that knows nothing of it.
pub fn forgotten(action: &Action) -> bool {
    use Action::{Answer, Deliver, Greet, Hear, Lapse, Listen, Place, Push, Reign, Restore, Start, Tick};
    match action {
        Tick | Deliver(_) | Push(0 | 1) | Start(_) | Place(1) | Lapse(0 | 2) | Reign | Restore => true,
        Greet(0 | 1) | Listen(0 | 1) | Answer(0 | 1) | Hear(_) => true,
        _ => false,
    }
}

pub fn takeover(action: &Action) -> bool {
    use Action::{Ask, Confirm, Consult, Count, Deliver, Edit, NoteSet, Promise, Push, Restart, Start, Stop, Tick};
    match action {
        Tick | Deliver(_) | Push(_) | Restart(_) | Edit(_) | NoteSet | Stop(_) => true,
        Ask(0) | Promise { .. } | Count(_) | Consult { owner: 0, .. } | Start(_) | Confirm(0) => true,
        Action::Lapse(0) | Action::Listen(0 | 2) | Action::Claim(2) | Action::Place(2) | Action::LosePeerWord(_) => {
            true
        }
        _ => false,
    }
}

const NONE: Faults = Faults { restarts: 0, reboots: 0, reigns: 0, restores: 0, edits: 0 };
const RESTART: Faults = Faults { restarts: 1, ..NONE };
const REBOOT: Faults = Faults { reboots: 1, ..NONE };
const REIGN: Faults = Faults { reigns: 1, ..NONE };
const EDITS: Faults = Faults { edits: 2, ..NONE };

const LASTING: Timers = Timers { hold: 4, ..Timers::SHORT };
const LONGER: Timers = Timers { ttl: 3, ..Timers::SHORT };

const fn mutant(broken: &'static [Rule], what: &'static str, world: Bounds) -> Mutant {
    Mutant { broken, what, world }
}

pub const MUTANTS: &[Mutant] = &[
    mutant(
        &[LeaseCountsFromTheStamp],
        "a lease counts from the receipt of the grant, not from the stamp",
        Bounds { decisions: 3, ..PLAIN },
    ),
    mutant(
        &[StampsEndWithTheProcess],
        "a stamp of an agent process that is gone counts",
        Bounds { faults: REBOOT, ..WHOLE },
    ),
    mutant(
        &[GrantsNameTheDecision],
        "a heartbeat extends the lease whatever was applied",
        Bounds { idle_leases: true, ..PLAIN },
    ),
    mutant(&[TermsAreCompared], "a lower term is obeyed", Bounds { decisions: 2, may: succession, ..RESTORE }),
    mutant(
        &[ReignsAreCompared],
        "the same term under another reign is obeyed",
        Bounds {
            decisions: 2,
            requests: 2,
            faults: Faults { restores: 1, reigns: 1, ..NONE },
            may: forgotten,
            ..RESTORE
        },
    ),
    mutant(&[DecisionsAreOrdered], "an older assignment is applied", Bounds { decisions: 3, requests: 2, ..PLAIN }),
    mutant(&[EpochsAreOrdered], "a lower epoch is applied", Bounds { decisions: 5, may: succession, ..RESTORE }),
    mutant(
        &[AssignmentsEchoAStamp, AppliedIsOnDisk],
        "after a restart an assignment from before it is applied",
        Bounds { faults: RESTART, decisions: 3, requests: 2, timers: LONGER, may: succession, ..PLAIN },
    ),
    mutant(&[StartsNeedALease], "a group is started without a lease", PLAIN),
    mutant(&[TheGuardKills], "nobody kills what outlives the lease", PLAIN),
    mutant(&[TheNodesMargin], "the kill comes at the end of the lease, without the margin", SLOW),
    mutant(&[GrantsAreCounted], "a grant does not move the time at which the node is proven stopped", PLAIN),
    mutant(&[DriftIsCounted], "the wait for a lease ignores that clocks drift", SLOW),
    mutant(&[TheControlPlanesMargin], "the wait for a lease has no margin", SLOW),
    mutant(
        &[EarlierReignsAreCounted],
        "a new reign waits for no lease of the one before",
        Bounds { faults: REIGN, ..PLAIN },
    ),
    mutant(
        &[TheOldReignHasEnded],
        "the reign before goes on granting",
        Bounds { faults: REIGN, may: succession, ..PLAIN },
    ),
    mutant(
        &[ALapseEndsTheDecision],
        "a node that was counted down is granted its old decision when it is back",
        Bounds { fine: true, ..PLAIN },
    ),
    mutant(&[ReleaseNeedsAProof], "the owner is taken for stopped", PLAIN),
    mutant(
        &[AcknowledgedByThatDecision],
        "any report that it is stopped counts as an acknowledgement",
        Bounds { decisions: 3, ..PLAIN },
    ),
    mutant(
        &[AcknowledgedUnderThisReign],
        "what was said to another reign counts",
        Bounds { answers: 1, decisions: 2, may: forgotten, ..RESTORE },
    ),
    mutant(
        &[AcknowledgedAsStopped, EveryoneIsHeardBeforeAStart],
        "having applied the decision counts as having stopped",
        Bounds { decisions: 3, ..PLAIN },
    ),
    mutant(
        &[EveryoneIsHeardBeforeAStart],
        "a group is placed though another node may run it",
        Bounds { blank: true, decisions: 1, may: unheard, ..RESTORE },
    ),
    mutant(
        &[WhatIsAssignedMayRun],
        "a node that does not run what it was assigned counts as idle",
        Bounds { decisions: 2, may: forgotten, ..RESTORE },
    ),
    mutant(
        &[AHigherEpochElsewhereIsHeeded],
        "the stored owner is renewed though another node has a higher epoch",
        Bounds { decisions: 2, may: forgotten, ..RESTORE },
    ),
    mutant(
        &[AYoungReignChangesNothing],
        "a reign acts on what is stored before everyone was heard",
        Bounds { decisions: 2, may: forgotten, ..RESTORE },
    ),
    mutant(
        &[NumbersAreRaisedAboveWhatIsHeard],
        "a restored database goes on with its old numbers",
        Bounds { decisions: 2, ..RESTORE },
    ),
    mutant(&[TakeoverClaimsTheTarget], "the lease's end alone is the proof", PEERS),
    mutant(&[ClaimsAreWithdrawn], "a claim is left behind when the owner is back", Bounds { may: |_| true, ..PEERS }),
    mutant(&[TheClaimedPromiseNothing], "the claimed node goes on promising", PEERS),
    mutant(&[ClaimsWaitForPromises], "a claim is good before what was promised has run out", PEERS),
    mutant(&[PromisesSurviveARestart], "a promise is forgotten at a restart", Bounds { faults: RESTART, ..PEERS }),
    mutant(&[PromisesCountDrift], "a promise ignores that clocks drift", Bounds { slow: &[1], ..PEERS }),
    mutant(&[HoldNeedsEveryPromise], "one promise is enough", PEERS),
    mutant(
        &[HoldStartsNothing],
        "a group is started under promises alone",
        Bounds { faults: Faults { edits: 1, reboots: 1, ..NONE }, sets: &[0b011, EVERYONE], ..PEERS },
    ),
    mutant(
        &[OwnerSetsChangeUnderALease],
        "an owner that lives on a hold alone goes over to another owner set",
        Bounds { faults: Faults { edits: 1, ..NONE }, sets: &[0b011, EVERYONE], decisions: 4, ..PEERS },
    ),
    mutant(
        &[HoldsEndWithTheirOwnerSet],
        "a hold goes on when the owner set has changed",
        Bounds {
            faults: Faults { edits: 1, ..NONE },
            sets: &[0b011, EVERYONE],
            decisions: 4,
            timers: LASTING,
            ..PEERS
        },
    ),
    mutant(
        &[TargetsAreInEveryOwnerSet],
        "the target need only be in the owner set that was acknowledged",
        Bounds { faults: EDITS, sets: &[EVERYONE, 0b011], decisions: 5, ..PEERS },
    ),
];
