//! Which handlers need a host of which one instance runs, and which gain nothing by it?

use super::Severity::{Advice, Error, Warning};
use super::rule::Rule;
use super::verdict::{Need, need};
use super::view::{Ground, Group, Host, View};
use super::words::{by, handler, handlers, host, kind, list, objects};
use super::{HostVerdict, RuleFinding, secret_server};
use crate::domain::{Adapter, Direction, HandlerSpec, OcfSpec, QueuePlace, ResourceClass, ResourceSpec, RunSpec};

pub(super) const CONSIDERATIONS: &str = "core/considerations-for-running-adapter-handlers-within-a-clustered-host1";
const PLANNING: &str = "technical-guides/planning-for-high-availability2";

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

pub(super) const RULES: &[Rule] = &[R38, R39, R40, R41, R42];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    for on in view.unclustered() {
        findings.extend(always(on));
        findings.extend(polling(on));
        findings.extend(messages(on));
    }
    for (on, group) in view.clustered() {
        if !group.has(ResourceClass::Queue) {
            findings.extend(left_queue(on));
        }
        if !secret_server::wants_clustered(view, on) {
            findings.extend(no_benefit(on));
        }
    }
}

/// R42.
pub(super) fn judge_group(_: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    let agents = of.written.resources.iter().filter(|resource| is_agent(resource));
    findings.extend(agents.map(|resource| {
        R42.warning(
            vec![super::words::resource(of.name, &resource.name)],
            format!(
                "{} of {} looks like the COM+ application MQSAgent, which serves its own node only and is not to be \
                 clustered.",
                resource.name, of.name
            ),
            "Take it out of the group, install it on each node, and cluster the queue manager instead.".to_owned(),
        )
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

/// R38.
fn always(on: &Host<'_>) -> Option<RuleFinding> {
    let some = receiving(on, &[Adapter::Sap, Adapter::WcfSap]);
    (!some.is_empty() && !on.enabled.is_empty()).then(|| {
        let cluster = on.clustering();
        let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
        let receives = by(some.len(), "receives", "receive");
        R38.error(
            named(on, &some),
            format!(
                "The {what} of {name} {receives} from SAP on {nodes}, and {name} is not clustered: a two-phase commit that a lost \
                 instance leaves open can't be brought to its end."
            ),
            format!("{cluster} in a group."),
        )
    })
}

/// R39.
fn polling(on: &Host<'_>) -> Option<RuleFinding> {
    let some = receiving(on, &[Adapter::Sql, Adapter::WcfSql]);
    (!some.is_empty() && !on.enabled.is_empty()).then(|| {
        let cluster = on.clustering();
        let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
        let polls = by(some.len(), "polls", "poll");
        let message = if on.enabled.len() > 1 {
            format!("The {what} of {name} {polls} on {nodes} at once: unless the statement locks what it reads, rows are read twice.")
        } else {
            format!("The {what} of {name} {polls} on {nodes} only, and {name} is not clustered: when {nodes} is lost, nothing polls.")
        };
        let fix = format!(
            "{cluster} in a group with two possible owners. If the statement is safe with several readers, waive R39 \
             and run two instances."
        );
        R39.warning(named(on, &some), message, fix)
    })
}

/// R40, unclustered.
fn messages(on: &Host<'_>) -> Option<RuleFinding> {
    let some = local_netmsmq(on);
    (!some.is_empty() && !on.enabled.is_empty()).then(|| {
        let cluster = on.clustering();
        let (name, what, reads) = (on.name, handlers(&some), by(some.len(), "reads", "read"));
        R40.warning(
            named(on, &some),
            format!(
                "The {what} of {name} {reads} queues of the node itself, and {name} is not clustered: when a node is lost, the \
                 messages in its queues wait there."
            ),
            format!("{cluster} in a group together with its queue service (class queue), or read remote queues (`queue: remote`)."),
        )
    })
}

/// R40, clustered without its queue.
fn left_queue(on: &Host<'_>) -> Option<RuleFinding> {
    let some = local_netmsmq(on);
    (!some.is_empty()).then(|| {
        let (name, what, reads) = (on.name, handlers(&some), by(some.len(), "reads", "read"));
        R40.warning(
            named(on, &some),
            format!(
                "The {what} of {name} {reads} local queues, but no queue service is in the group of {name}: after a failover \
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
    if !on.is_plain() || on.is_isolated() || on.handlers.is_empty() {
        return None;
    }
    let needs: Vec<(&HandlerSpec, Need)> = on.handlers.iter().map(|handler| (*handler, need(handler))).collect();
    let gains_nothing = |need: &Need| need.verdict == HostVerdict::NoBenefit;
    let all = needs.iter().all(|(_, need)| gains_nothing(need));
    // R31 and R34 say it of theirs.
    let idle = needs.iter().filter(|(handler, need)| gains_nothing(need) && !is_told_apart(handler));
    let idle: Vec<&HandlerSpec> = idle.map(|(handler, _)| *handler).collect();
    if idle.is_empty() {
        return None;
    }
    let (name, what) = (on.name, handlers(&idle));
    let mut kinds: Vec<String> = Vec::new();
    for kind in idle.iter().map(|handler| kind(handler)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let kinds = list(kinds);
    let gain = by(idle.len(), "gains", "gain");
    if all {
        let message = format!(
            "{name} is clustered, but the {what} ({kinds}) {gain} nothing by it: several instances at once are right, and \
             clustered they pause at every failover."
        );
        let fix = format!("Uncluster {name} and give it an enabled instance on two nodes.");
        return Some(R41.warning(named(on, &idle), message, fix));
    }
    let message = format!(
        "{name} is clustered for other handlers; the {what} ({kinds}) {gain} nothing by it and {} at every failover.",
        by(idle.len(), "pauses", "pause")
    );
    let fix = format!("Bind the {what} to a host that is not clustered and has instances on two nodes.");
    Some(R41.advice(named(on, &idle), message, fix))
}

/// A receive handler whose own rule says when clustering it is useless.
fn is_told_apart(handler: &HandlerSpec) -> bool {
    handler.direction == Direction::Receive && matches!(handler.adapter, Adapter::Pop3 | Adapter::Msmq)
}

/// By its name, unit, agent or program.
fn is_agent(resource: &ResourceSpec) -> bool {
    let agent = b"mqsagent";
    let says = |text: &str| text.as_bytes().windows(agent.len()).any(|part| part.eq_ignore_ascii_case(agent));
    says(resource.name.as_str())
        || match &resource.run {
            RunSpec::Process(process) => process.command.iter().any(|word| says(word)),
            RunSpec::Systemd(systemd) => says(&systemd.unit),
            RunSpec::Ocf(OcfSpec { agent, properties }) => says(agent) || properties.values().any(|value| says(value)),
            RunSpec::Unspecified => false,
        }
}
