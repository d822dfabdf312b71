//! Which handlers need a host of which one instance runs, and which gain nothing by it?

use super::Severity::{Advice, Error, Warning};
use super::rule::Rule;
use super::verdict::{Need, need};
use super::view::{Host, View};
use super::words::{by, handler, handlers, host, kind, list, objects};
use super::{HostVerdict, RuleFinding, secret_server};
use crate::domain::{Adapter, Direction, HandlerSpec, OcfSpec, QueuePlace, ResourceClass, ResourceSpec, RunSpec};

const CONSIDERATIONS: &str = "core/considerations-for-running-adapter-handlers-within-a-clustered-host1";
const PLANNING: &str = "technical-guides/planning-for-high-availability2";

const R30: Rule = Rule::new(
    "R30",
    &[Error, Warning],
    "An FTP or SFTP receive handler runs in one instance at a time: its host is clustered.",
    CONSIDERATIONS,
);
const R31: Rule = Rule::new(
    "R31",
    &[Error, Warning, Advice],
    "A POP3 receive handler is clustered if the mailbox lets in several connections at once, and only then.",
    CONSIDERATIONS,
);
const R38: Rule = Rule::new(
    "R38",
    &[Error],
    "An SAP receive handler is clustered, always: it takes part in two-phase commits.",
    PLANNING,
);
const R39: Rule = Rule::new("R39", &[Warning], "An SQL receive handler is clustered.", PLANNING);
const R40: Rule = Rule::new(
    "R40",
    &[Warning],
    "A WCF-NetMsmq receive handler of a local queue is clustered, with its queue.",
    "core/scaled-out-receiving-hosts",
);
const R41: Rule =
    Rule::new("R41", &[Warning, Advice], "A host is clustered only for handlers that gain by it.", CONSIDERATIONS);
const R42: Rule = Rule::new(
    "R42",
    &[Warning],
    "The COM+ application MQSAgent is on each node, not in a group.",
    "core/mqseries-adapter-high-availability",
);

pub(super) const RULES: &[Rule] = &[R30, R31, R38, R39, R40, R41, R42];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    for on in view.unclustered() {
        findings.extend(files(on));
        findings.extend(mailboxes(on));
        findings.extend(always(on));
        findings.extend(polling(on));
        findings.extend(messages(on));
    }
    for (on, group) in view.clustered() {
        findings.extend(locked_mailboxes(on));
        if !group.has(ResourceClass::Queue) {
            findings.extend(left_queue(on));
        }
        if !secret_server::wants_clustered(view, on) {
            findings.extend(no_benefit(on));
        }
    }
    findings.extend(view.groups.values().flat_map(|group| {
        let written = group.written.resources.iter();
        written.filter(|resource| is_agent(resource)).map(|resource| {
            let at = super::words::resource(group.name, &resource.name);
            R42.warning(
                vec![at],
                format!(
                    "{} of {} looks like the COM+ application MQSAgent, which serves its own node only and is not to be \
                     clustered.",
                    resource.name, group.name
                ),
                "Take it out of the group, install it on each node, and cluster the queue manager instead.".to_owned(),
            )
        })
    }));
}

/// Whether a second instance on another node is all that the host wants, for all that is known.
pub(super) fn second_instance_helps(on: &Host<'_>) -> bool {
    on.handlers
        .iter()
        .map(|handler| need(handler))
        .all(|need| need.verdict != HostVerdict::MustBeClustered && !need.two_may_harm)
}

/// The receive handlers of a host that are of these adapters.
pub(super) fn receiving<'a>(on: &Host<'a>, adapters: &[Adapter]) -> Vec<&'a HandlerSpec> {
    let wanted = |handler: &HandlerSpec| handler.direction == Direction::Receive && adapters.contains(&handler.adapter);
    on.handlers.iter().copied().filter(|handler| wanted(handler)).collect()
}

/// The host first, then these handlers of it.
pub(super) fn named(on: &Host<'_>, some: &[&HandlerSpec]) -> Vec<String> {
    objects(host(on.name), some.iter().map(|one| handler(&one.name)))
}

/// R30.
fn files(on: &Host<'_>) -> Option<RuleFinding> {
    let some = receiving(on, &[Adapter::Ftp, Adapter::Sftp]);
    if some.is_empty() {
        return None;
    }
    let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
    let receive = by(some.len(), "receives", "receive");
    match on.enabled.len() {
        0 => None,
        1 => Some(R30.warning(
            named(on, &some),
            format!("{what} of {name} {receive} on {nodes} only, and {name} is not clustered: when {nodes} is lost, nothing fetches."),
            format!(
                "Cluster {name} in a group and give it an enabled instance on a second node; a second instance without \
                 clustering would fetch files twice."
            ),
        )),
        _ => Some(R30.error(
            named(on, &some),
            format!(
                "{what} of {name} {receive} on {nodes} at once, and FTP and SFTP lock no files: files are fetched twice."
            ),
            format!("Cluster {name} in a group; until then, leave one of its instances enabled."),
        )),
    }
}

/// R31, unclustered.
fn mailboxes(on: &Host<'_>) -> Option<RuleFinding> {
    let mut some = receiving(on, &[Adapter::Pop3]);
    some.retain(|handler| handler.options.mailbox_allows_concurrent != Some(false));
    if some.is_empty() || on.enabled.is_empty() {
        return None;
    }
    let known: Vec<&HandlerSpec> =
        some.iter().copied().filter(|handler| handler.options.mailbox_allows_concurrent == Some(true)).collect();
    let (name, nodes) = (on.name, list(&on.enabled));
    let twice = on.enabled.len() > 1;
    if known.is_empty() {
        let what = handlers(&some);
        let message = if twice {
            format!(
                "{what} of {name} read mail on {nodes} at once. If the mail server lets several connections into one \
                 mailbox, mail is fetched twice; `mailbox_allows_concurrent` does not say."
            )
        } else {
            format!(
                "{what} of {name} read mail on {nodes} only. Whether a second instance may help depends on the mail server; \
                 `mailbox_allows_concurrent` does not say."
            )
        };
        let fix = format!(
            "Find out and write `mailbox_allows_concurrent`: true, then cluster {name}; false, then two instances on \
             different nodes are right."
        );
        return Some(R31.warning(named(on, &some), message, fix));
    }
    let what = handlers(&known);
    Some(if twice {
        R31.error(
            named(on, &known),
            format!(
                "{what} of {name} read mail on {nodes} at once, from mailboxes that let in several connections: mail is \
                 fetched twice."
            ),
            format!("Cluster {name} in a group; until then, leave one of its instances enabled."),
        )
    } else {
        R31.warning(
            named(on, &known),
            format!("{what} of {name} read mail on {nodes} only, and {name} is not clustered: when {nodes} is lost, nothing reads."),
            format!(
                "Cluster {name} in a group and give it an enabled instance on a second node; a second instance without \
                 clustering would fetch mail twice."
            ),
        )
    })
}

/// R31, clustered.
fn locked_mailboxes(on: &Host<'_>) -> Vec<RuleFinding> {
    let some = receiving(on, &[Adapter::Pop3]);
    let answer = |answer: Option<bool>| -> Vec<&HandlerSpec> {
        some.iter().copied().filter(|handler| handler.options.mailbox_allows_concurrent == answer).collect()
    };
    let name = on.name;
    let mut findings = Vec::new();
    let locked = answer(Some(false));
    if !locked.is_empty() {
        let what = handlers(&locked);
        findings.push(R31.warning(
            named(on, &locked),
            format!(
                "{name} is clustered, but {what} read mailboxes that let in one connection at a time: the mail server itself \
                 keeps two instances apart, and clustering only adds the time of a failover."
            ),
            format!("Uncluster {name} and give it an instance on two nodes, or bind {what} to a host that is not clustered."),
        ));
    }
    let unknown = answer(None);
    if !unknown.is_empty() {
        let what = handlers(&unknown);
        findings.push(R31.advice(
            named(on, &unknown),
            format!(
                "{name} is clustered for {what}; that is right only if the mail server lets several connections into one \
                 mailbox, and `mailbox_allows_concurrent` does not say."
            ),
            format!("Write `mailbox_allows_concurrent: true` for {what}, or uncluster {name} if the server locks mailboxes."),
        ));
    }
    findings
}

/// R38.
fn always(on: &Host<'_>) -> Option<RuleFinding> {
    let some = receiving(on, &[Adapter::Sap, Adapter::WcfSap]);
    (!some.is_empty() && !on.enabled.is_empty()).then(|| {
        let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
        R38.error(
            named(on, &some),
            format!(
                "{what} of {name} receive from SAP on {nodes} and {name} is not clustered: a two-phase commit that a lost \
                 instance leaves open can't be brought to its end."
            ),
            format!("Cluster {name} in a group."),
        )
    })
}

/// R39.
fn polling(on: &Host<'_>) -> Option<RuleFinding> {
    let some = receiving(on, &[Adapter::Sql, Adapter::WcfSql]);
    (!some.is_empty() && !on.enabled.is_empty()).then(|| {
        let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
        let message = if on.enabled.len() > 1 {
            format!("{what} of {name} poll on {nodes} at once: unless the statement locks what it reads, rows are read twice.")
        } else {
            format!("{what} of {name} poll on {nodes} only, and {name} is not clustered: when {nodes} is lost, nothing polls.")
        };
        let fix = format!(
            "Cluster {name} in a group with two possible owners. If the statement is safe with several readers, waive R39 \
             and run two instances."
        );
        R39.warning(named(on, &some), message, fix)
    })
}

/// R40, unclustered.
fn messages(on: &Host<'_>) -> Option<RuleFinding> {
    let some = local_netmsmq(on);
    (!some.is_empty() && !on.enabled.is_empty()).then(|| {
        let (name, what) = (on.name, handlers(&some));
        R40.warning(
            named(on, &some),
            format!(
                "{what} of {name} read queues of the node itself, and {name} is not clustered: when a node is lost, the \
                 messages in its queues wait there."
            ),
            format!("Cluster {name} in a group together with its queue service (class queue), or read remote queues (`queue: remote`)."),
        )
    })
}

/// R40, clustered without its queue.
fn left_queue(on: &Host<'_>) -> Option<RuleFinding> {
    let some = local_netmsmq(on);
    (!some.is_empty()).then(|| {
        let (name, what) = (on.name, handlers(&some));
        R40.warning(
            named(on, &some),
            format!(
                "{what} of {name} read local queues, but no queue service is in the group of {name}: after a failover \
                 the messages are left on the old node."
            ),
            format!(
                "Add the queue service to that group (class queue) and let {name} depend on it, or write `queue: remote` if \
                 the queues are elsewhere."
            ),
        )
    })
}

fn local_netmsmq<'a>(on: &Host<'a>) -> Vec<&'a HandlerSpec> {
    let mut some = receiving(on, &[Adapter::WcfNetmsmq]);
    some.retain(|handler| handler.options.queue != Some(QueuePlace::Remote));
    some
}

/// R41.
fn no_benefit(on: &Host<'_>) -> Option<RuleFinding> {
    if !on.is_plain() || on.handlers.is_empty() {
        return None;
    }
    let needs: Vec<(&HandlerSpec, Need)> = on.handlers.iter().map(|handler| (*handler, need(handler))).collect();
    let idle = needs.iter().filter(|(_, need)| need.verdict == HostVerdict::NoBenefit);
    let idle: Vec<&HandlerSpec> = idle.map(|(handler, _)| *handler).collect();
    if idle.is_empty() {
        return None;
    }
    let (name, what) = (on.name, handlers(&idle));
    let kinds = list(idle.iter().map(|handler| kind(handler)).collect::<std::collections::BTreeSet<_>>());
    let gain = by(idle.len(), "gains", "gain");
    if idle.len() == needs.len() {
        let message = format!(
            "{name} is clustered, but {what} ({kinds}) {gain} nothing by it: several instances at once are right, and \
             clustered they pause at every failover."
        );
        let fix = format!("Uncluster {name} and give it an enabled instance on two nodes.");
        return Some(R41.warning(named(on, &idle), message, fix));
    }
    let message = format!(
        "{name} is clustered for other handlers; {what} ({kinds}) {gain} nothing by it and {} at every failover.",
        by(idle.len(), "pauses", "pause")
    );
    let fix = format!("Bind {what} to a host that is not clustered and has instances on two nodes.");
    Some(R41.advice(named(on, &idle), message, fix))
}

/// By its name, unit, agent or program.
fn is_agent(resource: &ResourceSpec) -> bool {
    let says = |text: &str| text.to_ascii_lowercase().contains("mqsagent");
    says(resource.name.as_str())
        || match &resource.run {
            RunSpec::Process(process) => process.command.iter().any(|word| says(word)),
            RunSpec::Systemd(systemd) => says(&systemd.unit),
            RunSpec::Ocf(OcfSpec { agent, properties }) => says(agent) || properties.values().any(|value| says(value)),
            RunSpec::Unspecified => false,
        }
}
