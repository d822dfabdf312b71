//! How are objects and lists of names spelled in findings?

use std::fmt::Display;

use crate::domain::{Adapter, Direction, HandlerSpec};

/// More names than these are counted, not listed: the finding's objects have them all.
const LISTED: usize = 5;

pub(super) fn host(name: impl Display) -> String {
    format!("hosts/{name}")
}

pub(super) fn group(name: impl Display) -> String {
    format!("groups/{name}")
}

pub(super) fn resource(group: impl Display, name: impl Display) -> String {
    format!("groups/{group}/resources/{name}")
}

pub(super) fn node(name: impl Display) -> String {
    format!("nodes/{name}")
}

pub(super) fn handler(name: impl Display) -> String {
    format!("handlers/{name}")
}

pub(super) fn common(name: impl Display) -> String {
    format!("common_dependencies/{name}")
}

/// `first` and all of `rest`, as objects of a finding.
pub(super) fn objects(first: String, rest: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(first).chain(rest).collect()
}

/// "a", "a and b", "a, b and c", "a, b, c, d, e and 4 more".
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut names: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if names.len() > LISTED + 1 {
        let more = names.len() - LISTED;
        names.truncate(LISTED);
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// "1 node", "2 nodes".
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `one` or `many`, as the number asks.
pub(super) const fn by<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// "handler ftp-in", "handlers ftp-in and ftp-in-2".
pub(super) fn handlers(handlers: &[&HandlerSpec]) -> String {
    format!("{} {}", by(handlers.len(), "handler", "handlers"), list(handlers.iter().map(|handler| &handler.name)))
}

/// "FTP receive".
pub(super) fn kind(handler: &HandlerSpec) -> String {
    let direction = match handler.direction {
        Direction::Receive => "receive",
        Direction::Send => "send",
    };
    format!("{} {direction}", adapter(handler.adapter))
}

pub(super) const fn adapter(adapter: Adapter) -> &'static str {
    match adapter {
        Adapter::AzureBlob => "Azure Blob",
        Adapter::File => "File",
        Adapter::Ftp => "FTP",
        Adapter::Http => "HTTP",
        Adapter::Mqseries => "MQSeries",
        Adapter::Msmq => "MSMQ",
        Adapter::Oracle => "Oracle",
        Adapter::Pop3 => "POP3",
        Adapter::Sap => "SAP",
        Adapter::Sftp => "SFTP",
        Adapter::Sharepoint => "SharePoint",
        Adapter::Smtp => "SMTP",
        Adapter::Soap => "SOAP",
        Adapter::Sql => "SQL",
        Adapter::WcfBasichttp => "WCF-BasicHttp",
        Adapter::WcfCustom => "WCF-Custom",
        Adapter::WcfCustomisolated => "WCF-CustomIsolated",
        Adapter::WcfNamedpipe => "WCF-NetNamedPipe",
        Adapter::WcfNetmsmq => "WCF-NetMsmq",
        Adapter::WcfNettcp => "WCF-NetTcp",
        Adapter::WcfSap => "WCF-SAP",
        Adapter::WcfSql => "WCF-SQL",
        Adapter::WcfWebhttp => "WCF-WebHttp",
        Adapter::WcfWshttp => "WCF-WSHttp",
        Adapter::Other => "other adapter's",
    }
}
