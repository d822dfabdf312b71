//! What happened in a world? Facts in the order of true time, as whoever stands outside of it sees them.

use std::sync::Arc;

use locum::agent::ledger::Ledger;
use locum::domain::ResourceName;
use locum::domain::{Actor, Change, Epoch, Event, FailoverRecord, Generation, GroupName, NodeName, Operation};
use locum::planner::{Effects, Snapshot};
use locum::store::Reign;
use uuid::Uuid;

/// A fact, and its place among the story's lines, which tell when it became true.
#[derive(Debug, Clone)]
pub struct Happening {
    pub number: u64,
    pub fact: Fact,
}

/// One process of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Which machine: two may go by one node's name.
    pub machine: String,
    pub node: NodeName,
    pub group: GroupName,
    pub resource: ResourceName,
    pub epoch: Epoch,
}

/// What somebody asked the control plane for.
#[derive(Debug, Clone)]
pub enum Wish {
    Topology,
    Operation(Uuid),
    /// That this operation is taken back.
    Cancel(Uuid),
}

/// What the asker heard.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It is written: a topology that changed something made this generation.
    Written(Option<Generation>),
    Refused(String),
    /// The control plane or its database went away meanwhile: it may be written or not.
    Unknown,
}

/// Everything that is stored and seen at the end.
#[derive(Debug, Clone)]
pub struct Rows {
    /// As the control plane's board shows it.
    pub seen: Snapshot,
    /// As the store has it.
    pub stored: Snapshot,
    pub changes: Vec<Change>,
    pub operations: Vec<Operation>,
    pub failovers: Vec<FailoverRecord>,
    pub events: Vec<Event>,
}

#[derive(Debug, Clone)]
pub enum Fact {
    Started(Run),
    Ended(Run),
    /// An agent's disk holds this from now on.
    Written {
        machine: String,
        ledger: Arc<Ledger>,
    },
    /// An agent's disk holds nothing from now on.
    Wiped {
        machine: String,
    },
    Reigned(Reign),
    /// Desired state that differs was written, as this generation.
    Accepted(Generation),
    Committed(Arc<Effects>),
    /// The control plane's view right after a commit.
    Planned(Arc<Snapshot>),
    /// An assignment left the control plane.
    Pushed {
        node: NodeName,
        groups: Vec<(GroupName, Epoch)>,
    },
    Answered {
        who: Actor,
        wish: Wish,
        reply: Reply,
    },
    /// A copy of the database was put aside; the first is number 0.
    BackedUp,
    /// The database holds again what it held when that copy was made.
    Restored(usize),
    /// From now on nothing goes wrong but the control plane and its database, or no longer so.
    OnlyOutages(bool),
    /// Faults are over, and so is the time that the world had to settle.
    Settled(Box<Rows>),
}
