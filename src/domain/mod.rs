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
pub mod common_dependency;
pub mod dependency;
pub mod difference;
pub mod event;
pub mod failover;
pub mod finding;
pub mod group;
pub mod handler;
pub mod host;
pub mod human_duration;
pub mod maintenance;
pub mod name;
pub mod node;
pub mod number;
pub mod operation;
pub mod owner_set;
pub mod placement;
pub mod policy;
pub mod process;
pub mod remains;
mod resource;
pub mod resource_list;
pub mod settings;
pub mod statistics;
pub mod topology;
pub mod waiver;

pub use assignment::{Assignment, GroupAssignment, InstanceAssignment, LeaseTimers, Leaving, Ran};
pub use change::{Actor, Change, ChangeAction};
pub use common_dependency::{CommonDependency, CommonDependencyKind, DownMark, ResourceRef};
pub use dependency::Dependency;
pub use difference::{Difference, differences};
pub use event::{Event, EventKind, NewEvent};
pub use failover::{Cause, FailoverRecord, FailoverStep, Outcome, ReleaseProof};
pub use finding::Finding;
pub use group::{Failback, FailbackPolicy, FailoverBudget, GroupSpec, GroupState, GroupWanted, Priority};
pub use handler::{Adapter, Direction, HandlerOptions, HandlerSpec, QueuePlace};
pub use host::{ClusterInstanceType, HostKind, HostSpec, InstanceSpec, ServiceState};
pub use human_duration::HumanDuration;
pub use maintenance::Maintenance;
pub use name::{ClusterName, DependencyName, GroupName, HandlerName, HostName, NameError, NodeName, ResourceName};
pub use node::{Confirmation, Edition, Losses, NodeSpec, NodeState, NodeWanted, Software};
pub use number::{Decision, Epoch, Generation, Revision, Term, Ticks};
pub use operation::{Operation, OperationKind, OperationPhase, OperationState, PhaseBegun, Progress, Wanted};
pub use owner_set::OwnerSet;
pub use placement::{FailedMark, HeldBy, Placement, PlacementPhase};
pub use policy::{AntiAffinity, Brake, Policy, Quarantine};
pub use process::{ProbeSpec, ProcessSpec, StopSignal};
pub use remains::still_runs;
pub use resource::{
    Bounded, FailureKind, OcfSpec, ResourceClass, ResourceSpec, ResourceState, ResourceType, RestartPolicy,
    RestartProfile, RunSpec, SystemdSpec,
};
pub use resource_list::ResourceList;
pub use settings::{Drift, Settings};
pub use topology::TopologySpec;
pub use waiver::Waiver;

/// A word as the API spells it.
pub fn spelled<T: serde::Serialize>(word: T) -> String {
    serde_json::to_value(word).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
