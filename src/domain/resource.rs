//! What is a resource: something that the agent starts, stops and probes, and what is seen of it?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use std::collections::BTreeMap;

use super::{Dependency, HumanDuration, NodeName, ProcessSpec, ResourceName};

/// A resource of a group. Resources start in the order of the document, each once the one before is online, and stop
/// in the reverse order; one that says what it depends on starts once that is online.
///
/// Its `type` and the fields of that type stand beside the common ones; `topology::schema` describes the flat shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceSpec {
    /// Unique in its group.
    pub name: ResourceName,
    /// The only nodes on which it can run; absent: every node. A group can run where all its resources can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible_owners: Option<Vec<NodeName>>,
    /// What rules take it for; absent: what its type says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ResourceClass>,
    /// Whether its failure is the group's. Without it, it stays failed and the group goes on.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub critical: bool,
    /// Resources of the group that are online before it starts, and whose stop stops it. Absent: it starts after the one
    /// before it in the document, and does not stop with it. Empty: it waits for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Dependency>,
    #[serde(default)]
    pub restart: RestartPolicy,
    /// How long it may be on its way online before that counts as a failure. 100 ms to 1 h, default 3m.
    #[serde(default = "default_pending_timeout")]
    pub pending_timeout: HumanDuration,
    /// What it is, by type.
    #[serde(flatten)]
    pub run: RunSpec,
}

const fn yes() -> bool {
    true
}

pub(super) const fn default_pending_timeout() -> HumanDuration {
    HumanDuration::from_secs(180)
}

impl ResourceSpec {
    /// Its type's name: which driver it needs.
    pub fn resource_type(&self) -> ResourceType {
        self.run.resource_type()
    }

    /// Whether what was started as `self` can go on as `wanted`: they differ at most in how it is restarted, probed and
    /// timed, and in what it depends on.
    pub fn goes_on_as(&self, wanted: &Self) -> bool {
        self.name == wanted.name
            && match (&self.run, &wanted.run) {
                (RunSpec::Process(run), RunSpec::Process(wanted)) => run.goes_on_as(wanted),
                (run, wanted) => run == wanted,
            }
    }

    /// What rules take it for: what it says, or else what its type says.
    pub fn class(&self) -> ResourceClass {
        self.class.unwrap_or_else(|| self.run.class())
    }
}

/// The fields that belong to a resource's type, told apart by `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most are processes: a box would cost them an allocation each")]
pub enum RunSpec {
    Process(ProcessSpec),
    Systemd(SystemdSpec),
    Ocf(OcfSpec),
    /// A clustered host of which nothing says what it runs: no driver can. Not to be written in a document.
    Unspecified,
}

impl RunSpec {
    /// Which driver it needs.
    pub const fn resource_type(&self) -> ResourceType {
        match self {
            Self::Process(_) => ResourceType::Process,
            Self::Systemd(_) => ResourceType::Systemd,
            Self::Ocf(_) => ResourceType::Ocf,
            Self::Unspecified => ResourceType::Unspecified,
        }
    }

    /// Its fields, if it is a plain process.
    pub const fn process(&self) -> Option<&ProcessSpec> {
        match self {
            Self::Process(spec) => Some(spec),
            _ => None,
        }
    }

    /// What rules take it for, as far as the type tells.
    pub fn class(&self) -> ResourceClass {
        match self {
            Self::Process(_) | Self::Unspecified => ResourceClass::Other,
            Self::Systemd(spec) => spec.class(),
            Self::Ocf(spec) => spec.class(),
        }
    }
}

/// A unit of the machine's service manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemdSpec {
    /// The unit's name, with its suffix.
    #[schema(max_length = 255, example = "vsftpd.service")]
    pub unit: String,
}

impl SystemdSpec {
    fn class(&self) -> ResourceClass {
        let unit = self.unit.to_ascii_lowercase();
        let begins = |names: &[&str]| names.iter().any(|name| unit.starts_with(name));
        if begins(&["rabbitmq", "activemq", "artemis", "msmq", "ibmmq", "mqseries"]) {
            ResourceClass::Queue
        } else if begins(&["nginx", "apache2", "httpd", "caddy", "lighttpd", "w3svc", "iis"]) {
            ResourceClass::Web
        } else if begins(&["entsso"]) {
            ResourceClass::SecretServer
        } else if begins(&["msdtc"]) {
            ResourceClass::TransactionCoordinator
        } else if unit.ends_with(".mount") {
            ResourceClass::Disk
        } else {
            ResourceClass::Other
        }
    }
}

/// A resource agent of the Open Cluster Framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OcfSpec {
    /// Provider and agent.
    #[schema(max_length = 255, pattern = "^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$", example = "heartbeat:IPaddr2")]
    pub agent: String,
    /// The agent's parameters, without their prefix.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

impl OcfSpec {
    fn class(&self) -> ResourceClass {
        let agent = self.agent.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        match agent.as_str() {
            "ipaddr" | "ipaddr2" | "ipsrcaddr" | "ipv6addr" | "awsvip" | "azure-lb" => ResourceClass::IpAddress,
            "dnsupdate" | "dns-update" | "aws-vpc-route53" => ResourceClass::NetworkName,
            "filesystem" | "lvm" | "lvm-activate" | "drbd" | "raid1" | "zfs" | "iscsi" => ResourceClass::Disk,
            "rabbitmq-cluster" | "rabbitmq-server-ha" | "activemq" | "ibm-mq" => ResourceClass::Queue,
            "apache" | "nginx" | "tomcat" => ResourceClass::Web,
            _ => ResourceClass::Other,
        }
    }
}

/// What rules reason on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceClass {
    IpAddress,
    NetworkName,
    Disk,
    Queue,
    SecretServer,
    TransactionCoordinator,
    Web,
    Host,
    #[default]
    Other,
}

/// The name of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    Process,
    Systemd,
    Ocf,
    /// Nothing says what it is: see `RunSpec::Unspecified`.
    Unspecified,
}

impl ResourceType {
    /// How many there are: `Unspecified` stays the last one.
    pub const COUNT: usize = Self::Unspecified as usize + 1;

    /// The word as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Systemd => "systemd",
            Self::Ocf => "ocf",
            Self::Unspecified => "unspecified",
        }
    }
}

/// What happens when a resource fails: restarts on the same node, then a failover of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "RestartFields", deny_unknown_fields)]
pub struct RestartPolicy {
    /// The field's documented numbers for `max_restarts` and `period`; what is written beside it comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, required = false)]
    pub profile: Option<RestartProfile>,
    /// Restarts on the same node within `period`. 0 to 1000.
    #[schema(default = 1, minimum = 0, maximum = 1000, required = false)]
    pub max_restarts: u32,
    /// Failures older than this are forgotten. 1 s to 1193 h.
    #[schema(default = "15m", required = false)]
    pub period: HumanDuration,
    /// Wait before a restart. 0s to 10 min.
    #[schema(default = "500ms", required = false)]
    pub delay: HumanDuration,
    /// Beyond `max_restarts`, whether the group fails over; without it the resource stays `failed`.
    #[schema(default = true, required = false)]
    pub fail_over: bool,
    /// What failed and could not fail over begins again after this. Not below `period`, at most 1193 h.
    #[schema(default = "1h", required = false)]
    pub retry_after: HumanDuration,
}

/// A restart policy of the field, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartProfile {
    /// One restart in 15 minutes.
    Standard,
    /// Three restarts in 15 minutes, as before 2008.
    Legacy,
}

/// A restart policy as it may be written: everything can be left away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartFields {
    profile: Option<RestartProfile>,
    max_restarts: Option<u32>,
    period: Option<HumanDuration>,
    delay: Option<HumanDuration>,
    fail_over: Option<bool>,
    retry_after: Option<HumanDuration>,
}

impl From<RestartFields> for RestartPolicy {
    fn from(fields: RestartFields) -> Self {
        let RestartFields { profile, max_restarts, period, delay, fail_over, retry_after } = fields;
        let of_profile = match profile {
            Some(RestartProfile::Legacy) => 3,
            Some(RestartProfile::Standard) | None => 1,
        };
        let default = Self::default();
        Self {
            profile,
            max_restarts: max_restarts.unwrap_or(of_profile),
            period: period.unwrap_or(default.period),
            delay: delay.unwrap_or(default.delay),
            fail_over: fail_over.unwrap_or(default.fail_over),
            retry_after: retry_after.unwrap_or(default.retry_after),
        }
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            profile: None,
            max_restarts: 1,
            period: HumanDuration::from_secs(15 * 60),
            delay: HumanDuration::from_millis(500),
            fail_over: true,
            retry_after: HumanDuration::from_secs(60 * 60),
        }
    }
}

/// What is seen of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceState {
    Offline,
    OnlinePending,
    Online,
    OfflinePending,
    Failed,
    Unknown,
}

/// How far a resource is beyond its restart policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It was online under this placement, and failed.
    ResourceFailed,
    /// It never came online under this placement.
    StartFailed,
}

/// What ends a resource for certain by the end of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bounded {
    /// The guard kills its whole cgroup.
    Cgroup,
    /// The guard kills its process group; a process that leaves the group escapes.
    ProcessGroup,
}
