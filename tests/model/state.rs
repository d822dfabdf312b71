//! What is there to know of the modelled world at one moment? Time is relative: what is left of a lease, how old a stamp
//! is; so runs of any length have finitely many states.

/// Nodes of the model.
pub const NODES: usize = 3;
pub type Node = usize;

/// A set of nodes, one bit each.
pub type Set = u8;
pub const fn only(node: Node) -> Set {
    1 << node
}
pub const fn has(set: Set, node: Node) -> bool {
    set & only(node) != 0
}
pub const EVERYONE: Set = (1 << NODES) - 1;

/// Whose orders: the number of the term, and which reign it is that bears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bond {
    pub term: u8,
    pub reign: u8,
}

/// What an order echoes of the stamps of the node that it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Echo {
    #[default]
    None,
    /// A stamp of an agent process that is gone.
    Dead,
    /// That old by the clock of the node that stamped it, as far as age still matters.
    Age(u8),
}

/// What a node is assigned of the one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Content {
    #[default]
    Nothing,
    Run {
        epoch: u8,
        set: Set,
    },
    /// It is to take over under this epoch once the old owner is proven stopped.
    Claim {
        epoch: u8,
    },
}

impl Content {
    pub const fn epoch(self) -> Option<u8> {
        match self {
            Self::Nothing => None,
            Self::Run { epoch, .. } | Self::Claim { epoch } => Some(epoch),
        }
    }
}

/// Whether the service runs on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Run {
    #[default]
    Off,
    On {
        epoch: u8,
    },
    /// It was told to stop, or killed, and is gone within that many ticks.
    Dying {
        epoch: u8,
        left: u8,
    },
}

impl Run {
    pub const fn epoch(self) -> Option<u8> {
        match self {
            Self::Off => None,
            Self::On { epoch } | Self::Dying { epoch, .. } => Some(epoch),
        }
    }
}

/// A node: what is on its disk, what its agent and guard know, and what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeState {
    pub bond: Bond,
    /// Term and decision of the assignment that it applied last.
    pub applied: (u8, u8),
    pub content: Content,
    /// The highest epoch that it ever applied.
    pub top: u8,
    /// Ticks left of the lease, by its own clock.
    pub lease: u8,
    /// The lease is the one that the guard kept over a restart. The new agent process knows it less the margin, and so
    /// does the guard from the first order on.
    pub inherited: bool,
    pub run: Run,
    /// As an owner: ticks left of what each peer promised.
    pub held: [u8; NODES],
    /// As a peer: ticks until it may start the group, by its own clock.
    pub promised: u8,
}

/// What a control plane knows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Account {
    /// The newest stamp, and how many ticks ago it came.
    pub echo: Echo,
    pub since: u8,
    /// Ticks until every lease that was ever granted has passed.
    pub bound: u8,
    pub down: bool,
    /// An operator has said so, which is true, since it was last heard.
    pub confirmed: bool,
    pub seen: Option<Seen>,
    /// The decision that grants name, and what it assigns.
    pub naming: Option<(u8, Content)>,
}

/// What a node said last, under this reign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seen {
    /// The decision that it has applied under this term; 0 for none.
    pub applied: u8,
    /// The epoch of what is alive there.
    pub running: Option<u8>,
    /// The epoch of what is alive there or may be started there at any moment, since it is assigned.
    pub holds: Option<u8>,
    pub top: u8,
    /// Whether what it promised to others has run out.
    pub free: bool,
}

/// A control plane that reigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Control {
    pub bond: Bond,
    pub accounts: [Account; NODES],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Phase {
    #[default]
    Never,
    Held,
    Releasing {
        decision: u8,
    },
    Released,
}

/// What is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Database {
    pub term: u8,
    pub decision: u8,
    pub phase: Phase,
    pub owner: u8,
    pub epoch: u8,
    /// The possible owners.
    pub set: Set,
    /// The nodes that are in every owner set that the owner may have applied.
    pub common: Set,
    /// The node that is to take over, and the decision that told it so.
    pub claim: Option<(u8, u8)>,
    /// The decision at which each node's assignment last changed.
    pub at: [u8; NODES],
}

impl Database {
    /// The owner, whether it is told to let go or not.
    pub fn owner(&self) -> Option<Node> {
        matches!(self.phase, Phase::Held | Phase::Releasing { .. }).then_some(usize::from(self.owner))
    }

    /// What `node` is assigned.
    pub fn content(&self, node: Node) -> Content {
        match self.claim {
            _ if self.phase == Phase::Held && usize::from(self.owner) == node => {
                Content::Run { epoch: self.epoch, set: self.set }
            }
            Some((target, _)) if usize::from(target) == node => Content::Claim { epoch: self.epoch + 1 },
            _ => Content::Nothing,
        }
    }
}

/// An order to a node: a heartbeat, or with `push` an assignment, both with a grant on `decision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    pub to: u8,
    pub bond: Bond,
    pub decision: u8,
    pub push: Option<Content>,
    pub echo: Echo,
}

/// A node's answer, with a stamp of that age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer {
    pub from: u8,
    pub bond: Bond,
    pub echo: Echo,
    pub seen: Seen,
}

/// An owner asks its peers not to start the group for a while, or one of them promises so. `age` is that of the owner's
/// stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerWord {
    pub owner: u8,
    /// None: a question to all; else who promises.
    pub promiser: Option<u8>,
    pub epoch: u8,
    pub age: u8,
}

/// How often each fault may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// An agent process ends and begins anew; its guard goes on.
    pub restarts: u8,
    /// A machine loses its power and begins anew.
    pub reboots: u8,
    /// A control plane ends and another begins.
    pub reigns: u8,
    /// The database is put back to an earlier state.
    pub restores: u8,
    /// The possible owners are edited.
    pub edits: u8,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub database: Database,
    /// As it was in the beginning, if it can be put back to that.
    pub backup: Option<Database>,
    /// How many reigns there ever were.
    pub reigns: u8,
    pub control: Control,
    /// One that no longer reigns and does not know it. It matters only if the rule that it has ended is broken.
    pub deposed: Option<Control>,
    pub nodes: [NodeState; NODES],
    /// The highest epoch that ever ran, and whether a lower one was started after it.
    pub newest: u8,
    pub went_back: bool,
    /// Sorted, without repetition: any of them may arrive any number of times, at any time, or never.
    pub requests: Vec<Request>,
    /// In the order in which they were sent: what was overtaken means nothing.
    pub answers: Vec<Answer>,
    /// Sorted.
    pub peer_words: Vec<PeerWord>,
    /// Which clocks are slow, and where in the cycle time is: a slow clock skips the first tick of each.
    pub slow: Set,
    pub beat: u8,
    pub left: Faults,
}
