//! How is a plain process run, stopped and probed?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HumanDuration;

/// A program that the agent starts under its guard, in a cgroup or a process group of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessSpec {
    /// The program and its arguments, without a shell. A program without `/` is looked up in the agent's PATH.
    #[schema(min_items = 1, example = json!(["/opt/receive/run", "--queue", "ftp"]))]
    pub command: Vec<String>,
    /// Environment on top of the agent's; names beginning with `LOCUM_` are Locum's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Absolute path of the directory it starts in; absent: the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub working_dir: Option<String>,
    /// What asks it to stop. Default SIGTERM.
    #[serde(default)]
    pub stop_signal: StopSignal,
    /// How long it may take to stop before its whole tree is killed. 0s to 10 min, default 10s; near the end of a lease
    /// the stop budget is the bound.
    #[serde(default = "default_stop_timeout")]
    #[schema(default = "10s")]
    pub stop_timeout: HumanDuration,
    /// It counts as online when this first succeeds; absent: once it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub readiness: Option<ProbeSpec>,
    /// A cheap look while it is online; `interval` defaults to 5 s. A failed look asks `is_alive` at once, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub looks_alive: Option<ProbeSpec>,
    /// A thorough look while it is online; `interval` defaults to 60 s. When it fails the resource has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_alive: Option<ProbeSpec>,
}

impl ProcessSpec {
    /// Whether a process that was started as `self` can go on as `wanted`: what it was started with is the same.
    pub fn goes_on_as(&self, wanted: &Self) -> bool {
        let Self { command, env, working_dir, stop_signal, .. } = self;
        // The guard was told the signal at the start.
        *command == wanted.command
            && *env == wanted.env
            && *working_dir == wanted.working_dir
            && *stop_signal == wanted.stop_signal
    }
}

const fn default_stop_timeout() -> HumanDuration {
    HumanDuration::from_secs(10)
}

/// One question to a running program: exactly one of `exec`, `tcp` and `http`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeSpec {
    /// A command; exit code 0 is yes. Runs with the resource's environment and directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1)]
    pub exec: Option<Vec<String>>,
    /// `host:port`; a connection that opens is yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "127.0.0.1:2121")]
    pub tcp: Option<String>,
    /// An `http://` address; a status of 200 to 399 is yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri")]
    pub http: Option<String>,
    /// Time between two questions, 100 ms to 1 h. Default: readiness 500ms, looks_alive 5s, is_alive 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interval: Option<HumanDuration>,
    /// An answer later than this is no. 10 ms to 10 min, default 5s.
    #[serde(default = "default_probe_timeout")]
    #[schema(default = "5s")]
    pub timeout: HumanDuration,
}

const fn default_probe_timeout() -> HumanDuration {
    HumanDuration::from_secs(5)
}

/// The signal that asks a process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
pub enum StopSignal {
    #[default]
    #[serde(rename = "SIGTERM")]
    Term,
    #[serde(rename = "SIGINT")]
    Int,
    #[serde(rename = "SIGQUIT")]
    Quit,
    #[serde(rename = "SIGHUP")]
    Hup,
    #[serde(rename = "SIGUSR1")]
    Usr1,
    #[serde(rename = "SIGUSR2")]
    Usr2,
    #[serde(rename = "SIGKILL")]
    Kill,
}
