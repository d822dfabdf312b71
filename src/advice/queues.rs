//! Do messages survive their node, and stay in order?

use std::collections::BTreeSet;

use super::Severity::{Advice, Error, Warning};
use super::adapters::{CONSIDERATIONS, named};
use super::rule::Rule;
use super::verdict::need;
use super::view::{Group, Host, View};
use super::words::{by, group, handler, handlers, host, list, node, objects};
use super::{HostVerdict, RuleFinding};
use crate::domain::{Adapter, Direction, HandlerSpec, NodeName, QueuePlace, ResourceClass};

const R32: Rule = Rule::new(
    "R32",
    &[Error, Warning],
    "An MSMQ handler's host is clustered in the group of its queue service, and depends on that.",
    CONSIDERATIONS,
);
const R33: Rule = Rule::new(
    "R33",
    &[Warning, Advice],
    "Beside the clustered queue service, a local one runs on every node that may own the host of an MSMQ receive handler.",
    CONSIDERATIONS,
);
const R34: Rule = Rule::new(
    "R34",
    &[Warning, Advice],
    "An MSMQ receive handler of remote queues only needs no cluster.",
    CONSIDERATIONS,
);
const R35: Rule = Rule::new(
    "R35",
    &[Warning],
    "An MSMQ send handler is clustered, so that its outgoing queue survives.",
    CONSIDERATIONS,
);
const R36: Rule = Rule::new(
    "R36",
    &[Warning],
    "An MSMQ handler in a clustered host uses transactions.",
    "core/reliable-messaging-with-the-msmq-adapter",
);
const R37: Rule = Rule::new(
    "R37",
    &[Error, Warning],
    "A handler that keeps the order of messages runs in one instance: its host is clustered.",
    CONSIDERATIONS,
);

pub(super) const RULES: &[Rule] = &[R32, R33, R34, R35, R36, R37];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    for (on, of) in view.clustered() {
        findings.extend(queue_of_group(on, of));
        findings.extend(local_service(view, on, of));
        findings.extend(remote_only(on));
        findings.extend(no_transaction(on));
    }
    for on in view.unclustered().filter(|on| !on.enabled.is_empty()) {
        findings.extend(lost_queue(on));
        findings.extend(outgoing(on));
        findings.extend(out_of_order(on));
    }
}

fn some<'a>(on: &Host<'a>, wanted: impl Fn(&HandlerSpec) -> bool) -> Vec<&'a HandlerSpec> {
    on.handlers.iter().copied().filter(|handler| wanted(handler)).collect()
}

fn is_remote(handler: &HandlerSpec) -> bool {
    handler.options.queue == Some(QueuePlace::Remote)
}

/// Whether the queue that it uses is the node's own: where it reads, and always where it sends.
fn is_local_msmq(handler: &HandlerSpec) -> bool {
    handler.adapter == Adapter::Msmq && (handler.direction == Direction::Send || !is_remote(handler))
}

fn is_receive(handler: &HandlerSpec) -> bool {
    handler.direction == Direction::Receive
}

/// R32, clustered.
fn queue_of_group(on: &Host<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    let some = some(on, is_local_msmq);
    if some.is_empty() {
        return None;
    }
    let (name, group_name, what) = (on.name, of.name, handlers(&some));
    let objects = objects(host(name), std::iter::once(group(group_name)).chain(some.iter().map(|h| handler(&h.name))));
    let queues: Vec<_> = of.of_class(ResourceClass::Queue).map(|resource| &resource.name).collect();
    if queues.is_empty() {
        let message = format!(
            "The {what} of {name} {} queues of the node, but {group_name} has no queue service: after a failover the messages \
             are left on the old node.",
            by(some.len(), "uses", "use")
        );
        let fix = format!(
            "Add the clustered queue service to {group_name} (a resource of class queue) and let {name} depend on it; if \
             {name} only reads queues of other machines, write `queue: remote`."
        );
        return Some(R32.error(objects, message, fix));
    }
    let resource = of.runs.resources.iter().find(|resource| resource.name.as_str() == name.as_str())?;
    (!of.needs(&resource.name, ResourceClass::Queue)).then(|| {
        let queue = list(queues);
        R32.error(
            objects,
            format!(
                "{name} does not depend on the queue service of {group_name} ({queue}): it may start before it, and runs on \
                 when that stops."
            ),
            format!("Write {queue} into `depends_on` of {name}."),
        )
    })
}

/// R33.
fn local_service(view: &View<'_>, on: &Host<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    let some = some(on, |handler| handler.adapter == Adapter::Msmq && is_receive(handler));
    if some.is_empty() || of.owners.is_empty() {
        return None;
    }
    let services: Vec<&Host<'_>> =
        view.unclustered().filter(|other| other.spec.class == ResourceClass::Queue).collect();
    let covered: BTreeSet<&NodeName> = services.iter().flat_map(|service| service.enabled.iter().copied()).collect();
    let missing: Vec<&NodeName> = of.owners.iter().copied().filter(|name| !covered.contains(name)).collect();
    if missing.is_empty() {
        return None;
    }
    let (name, what, nodes) = (on.name, handlers(&some), list(&missing));
    let objects = objects(host(name), missing.iter().map(node));
    let need = by(some.len(), "needs", "need");
    Some(match services.first() {
        Some(service) => R33.warning(
            objects,
            format!(
                "The {what} of {name} {need} a local queue service, not clustered, on every node that may own {}; {nodes} has \
                 none: after a failover there it can't receive.",
                of.name
            ),
            format!("Give {} an enabled instance on {nodes}.", service.name),
        ),
        None => R33.advice(
            objects,
            format!(
                "The {what} of {name} {need} a local queue service, not clustered, on every node that may own {}: {nodes}. \
                 The topology does not tell whether it runs there.",
                of.name
            ),
            "Describe it as a host of class queue that is not clustered, with an instance on each of these nodes; or check \
             that it runs there, and waive R33."
                .to_owned(),
        ),
    })
}

/// R34: worse where nothing else needs the cluster.
fn remote_only(on: &Host<'_>) -> Option<RuleFinding> {
    let some = some(on, |handler| {
        let ordered = handler.options.ordered_delivery == Some(true);
        handler.adapter == Adapter::Msmq && is_receive(handler) && is_remote(handler) && !ordered
    });
    (!some.is_empty()).then(|| {
        let (name, what) = (on.name, handlers(&some));
        let others = on.handlers.iter().any(|handler| need(handler).verdict != HostVerdict::NoBenefit);
        R34.finding(
            if others { Advice } else { Warning },
            named(on, &some),
            format!(
                "The {what} of {name} {} remote queues only: several instances at once can do that. What must be clustered is the \
                 remote queue service.",
                by(some.len(), "reads", "read")
            ),
            format!(
                "Bind the {what} to a host that is not clustered, with instances on two nodes. For transactions the remote \
                 service must be MSMQ 4.0 or newer."
            ),
        )
    })
}

/// R36.
fn no_transaction(on: &Host<'_>) -> Option<RuleFinding> {
    let some = some(on, |handler| handler.adapter == Adapter::Msmq && handler.options.transactional == Some(false));
    (!some.is_empty()).then(|| {
        let (name, what) = (on.name, handlers(&some));
        R36.warning(
            named(on, &some),
            format!(
                "The {what} of the clustered host {name} {} no transactions: messages can be lost when the group fails over.",
                by(some.len(), "uses", "use")
            ),
            format!("Use transactional queues and write `transactional: true` for the {what}."),
        )
    })
}

/// R32, unclustered.
fn lost_queue(on: &Host<'_>) -> Option<RuleFinding> {
    let some = some(on, |handler| is_receive(handler) && is_local_msmq(handler));
    (!some.is_empty()).then(|| {
        let cluster = on.clustering();
        let (name, what) = (on.name, handlers(&some));
        R32.warning(
            named(on, &some),
            format!(
                "The {what} of {name} {} queues of the node itself, and {name} is not clustered: when a node is lost, the \
                 messages in its queues wait there.",
                by(some.len(), "reads", "read")
            ),
            format!(
                "{cluster} in the group of a clustered queue service (a resource of class queue) and let it depend on \
                 that; if it reads queues of other machines, write `queue: remote`."
            ),
        )
    })
}

/// R35.
fn outgoing(on: &Host<'_>) -> Option<RuleFinding> {
    let some = some(on, |handler| handler.adapter == Adapter::Msmq && !is_receive(handler));
    (!some.is_empty()).then(|| {
        let cluster = on.clustering();
        let (name, what) = (on.name, handlers(&some));
        R35.warning(
            named(on, &some),
            format!(
                "The {what} of {name} {} through the outgoing queue of its node, and {name} is not clustered: when the node is \
                 lost, messages that were not sent yet are lost or late.",
                by(some.len(), "sends", "send")
            ),
            format!("{cluster} in the group of a clustered queue service (a resource of class queue)."),
        )
    })
}

/// R37.
fn out_of_order(on: &Host<'_>) -> Option<RuleFinding> {
    let some = some(on, |handler| {
        let queue = matches!(handler.adapter, Adapter::Msmq | Adapter::Mqseries);
        handler.options.ordered_delivery == Some(true) && (queue || is_receive(handler))
    });
    (!some.is_empty()).then(|| {
        let cluster = on.clustering();
        let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
        let fix = format!("{cluster} in a group with two possible owners; until then, leave one of its instances enabled.");
        if on.enabled.len() > 1 {
            let message = format!(
                "The {what} of {name} must keep messages in order, but {name} runs on {nodes} at once: they overtake each other."
            );
            R37.error(named(on, &some), message, fix)
        } else {
            let message = format!(
                "The {what} of {name} must keep messages in order, so one instance is right, but {name} is not clustered: when \
                 {nodes} is lost, nothing takes over."
            );
            R37.warning(named(on, &some), message, fix)
        }
    })
}
