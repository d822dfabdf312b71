//! What do the words mean? The desired topology, what is seen of it, and the rules both obey.
//!
//! A *cluster* is a set of *nodes* and *groups* that fail over among each other. A *group* is the
//! unit of failover: its *resources* run together on one node, its *owner*. A *placement* says which
//! node owns a group, with an *epoch* that only goes up. A node runs its groups only under a *lease*.
//! A *failover* is a recorded change of owner; its *release proof* says why the old owner is known to
//! have stopped before the new one began. What is wanted and what is seen are always two fields.
//!
//! Nothing here does IO, waits, or reads a clock.

pub mod assignment;
pub mod change;
pub mod event;
pub mod failover;
pub mod finding;
pub mod group;
pub mod human_duration;
pub mod name;
pub mod node;
pub mod number;
pub mod operation;
pub mod placement;
pub mod process;
pub mod resource;
pub mod settings;
pub mod topology;

pub use assignment::{Assignment, GroupAssignment, LeaseTimers};
pub use change::{Actor, Change, ChangeAction};
pub use event::{Event, EventKind, NewEvent};
pub use failover::{Cause, FailoverRecord, FailoverStep, Outcome, ReleaseProof};
pub use finding::Finding;
pub use group::{FailoverBudget, GroupSpec, GroupState, GroupWanted};
pub use human_duration::HumanDuration;
pub use name::{ClusterName, GroupName, NameError, NodeName, ResourceName};
pub use node::{Confirmation, NodeSpec, NodeState, NodeWanted};
pub use number::{Decision, Epoch, Generation, Revision, Term, Ticks};
pub use operation::{Operation, OperationKind, OperationState};
pub use placement::{FailedMark, Placement, PlacementPhase};
pub use process::{ProbeSpec, ProcessSpec, StopSignal};
pub use resource::{Bounded, FailureKind, ResourceSpec, ResourceState, ResourceType, RestartPolicy, RunSpec};
pub use settings::{Drift, Settings};
pub use topology::TopologySpec;
