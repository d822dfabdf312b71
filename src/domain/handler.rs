//! What is an adapter handler: an adapter in one direction, bound to a host?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HandlerName, HostName};

/// An adapter in one direction, bound to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandlerSpec {
    pub name: HandlerName,
    pub adapter: Adapter,
    pub direction: Direction,
    /// The host that runs it.
    pub host: HostName,
    #[serde(default, skip_serializing_if = "HandlerOptions::is_default")]
    pub options: HandlerOptions,
}

/// What speaks to the outside: the protocol or system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    AzureBlob,
    File,
    Ftp,
    Http,
    Mqseries,
    Msmq,
    Oracle,
    Pop3,
    Sap,
    Sftp,
    Sharepoint,
    Smtp,
    Soap,
    Sql,
    WcfBasichttp,
    WcfCustom,
    WcfCustomisolated,
    WcfNamedpipe,
    WcfNetmsmq,
    WcfNettcp,
    WcfSap,
    WcfSql,
    WcfWebhttp,
    WcfWshttp,
    /// Any other: rules say nothing of it.
    Other,
}

/// Which way messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Receive,
    Send,
}

/// What rules need to know of how a handler is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HandlerOptions {
    /// POP3: whether the server allows several connections to one mailbox. Absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mailbox_allows_concurrent: Option<bool>,
    /// Whether messages must be handed on in the order in which they came. Absent: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ordered_delivery: Option<bool>,
    /// Queues: where the queue is. Absent: not known, which counts as local.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queue: Option<QueuePlace>,
    /// Queues: whether it takes part in a transaction. Absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub transactional: Option<bool>,
}

impl HandlerOptions {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueuePlace {
    /// On the node itself, or clustered in the host's group.
    Local,
    /// On another machine.
    Remote,
}
