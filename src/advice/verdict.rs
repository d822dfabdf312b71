//! Should a host be clustered? From what its adapters do when two instances run at once, or none.

use super::view::{Host, View};
use super::words::{kind, list};
use super::{HostAdvice, HostVerdict, secret_server};
use crate::domain::{Adapter, Direction, HandlerSpec, QueuePlace, ResourceClass};

/// What a handler asks of its host.
pub(super) struct Need {
    pub verdict: HostVerdict,
    /// Why, after the handler's name.
    pub why: &'static str,
    /// Whether two instances at once do harm, or may do so for all that is known.
    pub two_may_harm: bool,
}

const fn must(why: &'static str) -> Need {
    Need { verdict: HostVerdict::MustBeClustered, why, two_may_harm: true }
}

/// Two instances do no harm, but unclustered it loses what it holds.
const fn must_to_keep(why: &'static str) -> Need {
    Need { verdict: HostVerdict::MustBeClustered, why, two_may_harm: false }
}

const fn may(why: &'static str) -> Need {
    Need { verdict: HostVerdict::MayBeClustered, why, two_may_harm: false }
}

const fn no_benefit(why: &'static str) -> Need {
    Need { verdict: HostVerdict::NoBenefit, why, two_may_harm: false }
}

/// What a handler asks of its host.
pub(super) fn need(handler: &HandlerSpec) -> Need {
    let ordered = handler.options.ordered_delivery == Some(true);
    let queue = matches!(handler.adapter, Adapter::Msmq | Adapter::Mqseries);
    if ordered && (queue || handler.direction == Direction::Receive) {
        return must("order is kept by a single instance only");
    }
    match handler.direction {
        Direction::Receive => receive(handler),
        Direction::Send if handler.adapter == Adapter::Msmq => must_to_keep(
            "the outgoing queue must survive its node: cluster the queue service and the host in one group",
        ),
        Direction::Send => no_benefit("any number of instances can send at once"),
    }
}

fn receive(handler: &HandlerSpec) -> Need {
    let remote = handler.options.queue == Some(QueuePlace::Remote);
    match handler.adapter {
        Adapter::Ftp | Adapter::Sftp => must("the protocol locks no files, so two instances fetch a file twice"),
        Adapter::Pop3 => match handler.options.mailbox_allows_concurrent {
            Some(true) => must("the mailbox lets in several connections, so two instances fetch mail twice"),
            Some(false) => no_benefit("the mailbox lets in one connection at a time, which keeps instances apart"),
            None => Need {
                two_may_harm: true,
                ..may("it must be if the mailbox lets in several connections at once, and need not be otherwise")
            },
        },
        Adapter::Msmq if remote => no_benefit("its queues are remote, so any number of instances can read them"),
        Adapter::Msmq => must_to_keep(
            "its queue is local: cluster the queue service and the host in one group, or it is lost with its node",
        ),
        Adapter::WcfNetmsmq if remote => may("its queues are remote, so several instances can read them as well"),
        Adapter::WcfNetmsmq => must_to_keep("its queue is local, and is lost with its node unless both are clustered"),
        Adapter::Mqseries => {
            no_benefit("without ordered delivery, any number of instances can read from the queue manager")
        }
        Adapter::Sap | Adapter::WcfSap => {
            must("it takes part in two-phase commits, which one instance must bring to their end")
        }
        Adapter::Sql | Adapter::WcfSql => must("two instances read rows twice, unless the statement locks them"),
        Adapter::WcfNettcp | Adapter::WcfCustom => {
            may("either a load balancer before several instances, or one clustered instance")
        }
        Adapter::Oracle | Adapter::WcfNamedpipe | Adapter::Smtp | Adapter::Other => {
            may("nothing is known of it: cluster it if two instances at once would do harm")
        }
        Adapter::Http
        | Adapter::Soap
        | Adapter::WcfBasichttp
        | Adapter::WcfCustomisolated
        | Adapter::WcfWebhttp
        | Adapter::WcfWshttp => no_benefit("a load balancer spreads requests over several instances"),
        Adapter::File => no_benefit("the file system locks files, which keeps instances apart"),
        Adapter::Sharepoint => no_benefit("documents are checked out, which keeps instances apart"),
        Adapter::AzureBlob => no_benefit("blobs are leased, which keeps instances apart"),
    }
}

/// A verdict for each host, by name.
pub(super) fn verdicts(view: &View<'_>) -> Vec<HostAdvice> {
    view.ground.hosts.values().map(|host| of_host(view, host)).collect()
}

fn of_host(view: &View<'_>, host: &Host<'_>) -> HostAdvice {
    let needs: Vec<(&HandlerSpec, Need)> = host.handlers.iter().map(|handler| (*handler, need(handler))).collect();
    let says = |(handler, need): &(&HandlerSpec, Need)| format!("{} ({}): {}", handler.name, kind(handler), need.why);
    let forced = secret_server::beside(view, host);
    let any = |verdict: HostVerdict| needs.iter().any(|(_, need)| need.verdict == verdict);
    let (verdict, reasons) = if host.is_isolated() {
        let harmed = needs.iter().filter(|(_, need)| need.verdict == HostVerdict::MustBeClustered);
        let why = "it is isolated: it runs inside a web server, which no cluster starts or stops".to_owned();
        let others = harmed.map(|one| format!("{}; bind it to an in-process host", says(one)));
        (HostVerdict::MustNotBeClustered, std::iter::once(why).chain(others).collect())
    } else if !forced.is_empty() {
        let why = format!(
            "a secret server is clustered on nodes of this host: it must be in the same group ({})",
            list(&forced)
        );
        (HostVerdict::MustBeClustered, std::iter::once(why).chain(needs.iter().map(says)).collect())
    } else if needs.is_empty() {
        (HostVerdict::MayBeClustered, vec![without_handlers(host).to_owned()])
    } else {
        let order = [HostVerdict::MustBeClustered, HostVerdict::MayBeClustered];
        let verdict = order.into_iter().find(|verdict| any(*verdict)).unwrap_or(HostVerdict::NoBenefit);
        let deciding = needs.iter().filter(|(_, need)| need.verdict == verdict);
        (verdict, deciding.map(says).collect())
    };
    HostAdvice { host: host.name.clone(), verdict, clustered: host.spec.clustered_in.is_some(), reasons }
}

const fn without_handlers(host: &Host<'_>) -> &'static str {
    match host.spec.class {
        ResourceClass::SecretServer => {
            "it is a secret server: the master is clustered, active on one node; others run on every node"
        }
        ResourceClass::Queue => {
            "it is a queue service: cluster the one whose queues must survive a node; others run on every node"
        }
        _ => "it has no handlers that would decide it",
    }
}
