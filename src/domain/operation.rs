//! What is an operation: an operator's action that takes time, and where it stands?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Actor, ClusterName, Decision, GroupWanted, HumanDuration, NodeName, NodeWanted};

/// Which action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Move a group to a node, or to the best one.
    Move,
    /// Want a group online.
    Online,
    /// Want a group offline.
    Offline,
    /// Forget that a group failed, and its spent budget.
    Reset,
    /// Place nothing new on a node.
    Pause,
    /// Move everything off a node.
    Drain,
    /// Let a node run groups again.
    Resume,
    /// An operator's word that a silent node runs nothing.
    ConfirmDown,
}

impl OperationKind {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Reset => "reset",
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Resume => "resume",
            Self::ConfirmDown => "confirm_down",
        }
    }

    /// Whether its target is a node; else it is a group.
    pub const fn targets_node(self) -> bool {
        matches!(self, Self::Pause | Self::Drain | Self::Resume | Self::ConfirmDown)
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Accepted and not yet done.
    Running,
    Succeeded,
    Failed,
    /// Something newer was asked for before it was done.
    Superseded,
    /// An operator took it back before anything was stopped for it.
    Cancelled,
}

impl OperationState {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far an operation has come. What is asked of several groups is where the first of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationPhase {
    /// It is stored, and no plan has looked at it yet.
    #[default]
    Accepted,
    /// Something else has to come first; the message says what.
    Waiting,
    /// An owner is told to let go, or is lost; that it has stopped is not proven yet.
    Releasing,
    /// It has its owner, and is not online there yet.
    Starting,
    /// It has ended, as its state says.
    Ended,
}

impl OperationPhase {
    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Waiting => "waiting",
            Self::Releasing => "releasing",
            Self::Starting => "starting",
            Self::Ended => "ended",
        }
    }
}

/// When an operation came into a phase. It lasts until the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PhaseBegun {
    pub phase: OperationPhase,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// How many groups are done, of all that it is about. A drain counts those that have left the node, and finds more to do
/// where groups arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    pub done: u32,
    pub total: u32,
}

/// What was wanted of a node or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    Node(NodeWanted),
    Group(GroupWanted),
}

/// No operation waits longer, unless it is told to.
pub const DEFAULT_TIMEOUT: HumanDuration = HumanDuration::from_secs(24 * 60 * 60);

/// An operation that goes back and forth notes this many phases; from then on the last one is overwritten.
const MOST_PHASES: usize = 100;

/// An action that takes time. Its final state is stored with the plan that reached it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    pub id: Uuid,
    pub cluster: ClusterName,
    pub kind: OperationKind,
    /// The name of the group or node that it is about.
    pub target: String,
    /// For a move: where to; null for the best node.
    pub to: Option<NodeName>,
    pub reason: Option<String>,
    pub actor: Actor,
    pub state: OperationState,
    /// Where it is now: the last of `phases`.
    #[serde(default)]
    #[schema(required = true)]
    pub phase: OperationPhase,
    /// Every phase that it went through, and when that began.
    #[serde(default)]
    #[schema(required = true)]
    pub phases: Vec<PhaseBegun>,
    /// How far it has come; null where there is nothing to count.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// What it waits for, what it did, or why it failed.
    pub message: String,
    /// What to do now that it has failed; null unless it has.
    #[serde(default)]
    pub next_step: Option<String>,
    /// The decision that accepted it.
    pub decision: Decision,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// It fails if it is still running then. That ends the waiting, and changes nothing that is wanted.
    #[serde(default = "never")]
    #[schema(required = true, value_type = String, format = DateTime)]
    pub times_out_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// What was wanted of its target before, where it changed that: to cancel it goes back there.
    #[serde(skip)]
    pub wanted_before: Option<Wanted>,
}

impl Operation {
    pub fn is_running(&self) -> bool {
        self.state == OperationState::Running
    }

    /// That it has ended, as a sentence for whoever wants to take it back.
    pub fn over(&self) -> Option<String> {
        let Self { kind, target, state, .. } = self;
        let what = || format!("{} of {target} has ended already ({})", kind.as_str(), state.as_str());
        (!self.is_running()).then(|| format!("{}: ask for the opposite instead", what()))
    }

    /// Whether its time is over. From then on no plan does anything for it.
    pub fn is_timed_out(&self, now: Timestamp) -> bool {
        self.times_out_at <= now
    }

    /// Comes into a phase, unless it is in it.
    pub fn enter(&mut self, phase: OperationPhase, now: Timestamp) {
        let last = self.phases.last().copied();
        if last.is_some_and(|last| last.phase == phase) {
            return;
        }
        self.phases.truncate(MOST_PHASES - 1);
        // Wall clocks may be set back.
        let at = last.map_or(now, |last| now.max(last.at));
        self.phases.push(PhaseBegun { phase, at });
        self.phase = phase;
    }

    /// Reaches a final state.
    pub fn end(&mut self, state: OperationState, message: String, now: Timestamp) {
        self.state = state;
        self.message = message;
        self.ended_at = Some(now);
        self.enter(OperationPhase::Ended, now);
    }
}

/// Of what was kept before operations had an end by time.
const fn never() -> Timestamp {
    Timestamp::MAX
}
