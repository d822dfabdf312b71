//! Are load balancers, disks, transaction coordinators and shared databases where clustered hosts need them?

use super::RuleFinding;
use super::Severity::{Advice, Error, Warning};
use super::rule::{LooksAt, Rule};
use super::view::{Ground, Group, View};
use super::words::{by, common, group, host, list, node, objects, resource};
use crate::domain::{Adapter, CommonDependency, CommonDependencyKind, GroupState, NodeName, ResourceClass};

const R21: Rule = Rule::new(
    "R21",
    &[Advice],
    "A clustered queue service has a disk in its group.",
    "core/how-to-create-a-cluster-group-with-a-disk-ip-address-and-name-resource1",
);
const R43: Rule = Rule::new(
    "R43",
    &[Error],
    "No node that may own a clustered host has a load balancer's driver.",
    "core/migrating-from-the-msmqt-adapter-to-the-msmq-adapter",
);
const R60: Rule = Rule::new(
    "R60",
    &[Warning, Advice],
    "While the secret server is down, no host is restarted or failed over.",
    "core/high-availability-for-enterprise-single-sign-on",
)
.looking_at(LooksAt::Seen);
const R70: Rule = Rule::new(
    "R70",
    &[Warning],
    "A transaction coordinator depends on a disk and a network name of its group.",
    "core/considerations-for-installing-biztalk-server-on-a-windows-server-cluster2",
);
const R73: Rule = Rule::new(
    "R73",
    &[Advice],
    "A host that needs a database outlasts a failover of that of a minute.",
    "core/host-instance-service-properties-in-services",
);
const R74: Rule = Rule::new(
    "R74",
    &[Advice],
    "A group whose hosts need a shared database names it, so that it does not fail over for its sake.",
    "core/behavior-of-biztalk-server-host-instances-during-sql-server-failover",
);
const R75: Rule = Rule::new(
    "R75",
    &[Warning],
    "A group may fail over by itself: a budget of none is for a drill.",
    "technical-guides/maintaining-reliability",
);

pub(super) const RULES: &[Rule] = &[R21, R43, R60, R70, R73, R74, R75];

/// How long a failover of a database may take that hosts should live through.
const DATABASE_FAILOVER: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(undeclared(view));
    findings.extend(secrets_down(view));
    findings.extend(short_breath(view));
}

pub(super) fn judge_group(ground: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(balanced(ground, of));
    findings.extend(coordinators(of));
    findings.extend(queue_without_disk(ground, of));
    findings.extend(no_budget(of));
    findings.extend(unnamed(ground, of, CommonDependencyKind::Database));
    findings.extend(unnamed(ground, of, CommonDependencyKind::SecretServer));
}

/// R43.
fn balanced(ground: &Ground<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    if !of.has_plain_host() {
        return None;
    }
    let is_balanced = |name: &NodeName| ground.nodes.get(name).is_some_and(|node| node.load_balanced);
    let nodes: Vec<&NodeName> = of.owners.iter().copied().filter(|name| is_balanced(name)).collect();
    (!nodes.is_empty()).then(|| {
        let (group_name, names) = (of.name, list(&nodes));
        let hosts = list(of.hosts.iter().map(|host| &host.name));
        R43.error(
            objects(group(group_name), nodes.iter().map(node)),
            format!(
                "{names} {} a network load balancer's driver and may own {group_name} with the clustered {hosts}: the two \
                 are not supported on one node.",
                by(nodes.len(), "has", "have")
            ),
            format!("Take {names} out of the possible owners of {group_name}, or the load balancer off {names}."),
        )
    })
}

/// R70.
fn coordinators(of: &Group<'_>) -> Vec<RuleFinding> {
    let group_name = of.name;
    let needed = [(ResourceClass::Disk, "disk"), (ResourceClass::NetworkName, "network name")];
    let coordinators = of.of_class(ResourceClass::TransactionCoordinator).filter_map(|coordinator| {
        let absent: Vec<&str> = needed.iter().filter(|(class, _)| !of.has(*class)).map(|(_, word)| *word).collect();
        let loose = needed.iter().filter(|(class, _)| of.has(*class) && !of.needs(&coordinator.name, *class));
        let loose: Vec<String> =
            loose.flat_map(|(class, _)| of.of_class(*class).map(|resource| resource.name.to_string())).collect();
        let name = &coordinator.name;
        let objects = vec![resource(group_name, name)];
        if !absent.is_empty() {
            let message = format!(
                "The transaction coordinator {name} needs a disk for its log and a network name; {group_name} has no {}.",
                absent.join(" and no ")
            );
            let fix = format!(
                "Add {} to {group_name}, and let {name} depend on {}.",
                absent.iter().map(|word| format!("a {word}")).collect::<Vec<_>>().join(" and "),
                by(absent.len(), "it", "both")
            );
            return Some(R70.warning(objects, message, fix));
        }
        (!loose.is_empty()).then(|| {
            let names = list(&loose);
            let message = format!(
                "The transaction coordinator {name} of {group_name} does not depend on {names}: it may start before, and \
                 find no log or no name."
            );
            R70.warning(objects, message, format!("Write {} into `depends_on` of {name}.", loose.join(" and ")))
        })
    });
    coordinators.collect()
}

/// R21.
fn queue_without_disk(ground: &Ground<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    let uses = of.hosts.iter().filter_map(|host| ground.hosts.get(&host.name));
    let msmq = uses.flat_map(|host| &host.handlers).any(|handler| handler.adapter == Adapter::Msmq);
    let queue = of.of_class(ResourceClass::Queue).next()?;
    (msmq && !of.has(ResourceClass::Disk)).then(|| {
        let (group_name, name) = (of.name, &queue.name);
        R21.advice(
            vec![resource(group_name, name)],
            format!(
                "The queue service {name} has no disk in its group {group_name}: unless its messages are on storage that \
                 every node sees, they stay on the old node after a failover."
            ),
            format!(
                "Add the disk with its messages to {group_name} (a resource of class disk) and let {name} depend on it; \
                 waive R21 if they are elsewhere."
            ),
        )
    })
}

/// R75.
fn no_budget(of: &Group<'_>) -> Option<RuleFinding> {
    let none = of.written.failover.max_failovers == Some(0);
    (none && of.starts_by_itself() && of.owners.len() > 1).then(|| {
        let group_name = of.name;
        R75.warning(
            vec![group(group_name)],
            format!(
                "The group {group_name} has `max_failovers: 0`: it never fails over by itself, and stays down when its node is lost."
            ),
            "After a drill, take `max_failovers` away again, or set it to 1 or more.".to_owned(),
        )
    })
}

fn of_kind<'a>(ground: &Ground<'a>, kind: CommonDependencyKind) -> Vec<&'a CommonDependency> {
    let mut some: Vec<_> = ground.common_dependencies.iter().filter(|one| one.kind == kind).collect();
    some.sort_by(|a, b| a.name.cmp(&b.name));
    some
}

/// R60 and R74: hosts that need what their group does not name.
fn unnamed(ground: &Ground<'_>, of: &Group<'_>, kind: CommonDependencyKind) -> Option<RuleFinding> {
    let some = of_kind(ground, kind);
    let named = some.iter().any(|one| of.written.common_dependencies.contains(&one.name));
    let inside = some.iter().any(|one| one.resource.as_ref().is_some_and(|place| place.group == *of.name));
    if some.is_empty() || named || inside || !of.has_plain_host() {
        return None;
    }
    let (group_name, names) = (of.name, list(some.iter().map(|one| &one.name)));
    let hosts = list(of.hosts.iter().map(|host| &host.name));
    let objects = objects(group(group_name), some.iter().map(|one| common(&one.name)));
    let name = some.first().map(|one| one.name.to_string()).unwrap_or_default();
    let fix = format!("Write {name} into `common_dependencies` of {group_name}.");
    Some(if kind == CommonDependencyKind::SecretServer {
        let message = format!(
            "The group {group_name} does not name the secret server {names}: while it is down, {hosts} would be failed over and then \
             can't get secrets, though they still had them where they ran."
        );
        R60.advice(objects, message, fix)
    } else {
        let message = format!(
            "The group {group_name} names none of the shared databases ({names}): while one is down, {hosts} would be failed over from \
             node to node, which can't help, until the failover budget is spent."
        );
        R74.advice(objects, message, fix)
    })
}

/// R60: a secret server that no common dependency names.
fn undeclared(view: &View<'_>) -> Option<RuleFinding> {
    let servers = view
        .groups
        .values()
        .flat_map(|of| of.of_class(ResourceClass::SecretServer).map(move |server| (of, &server.name)));
    let (home, name) = servers.into_iter().next()?;
    let others = view.groups.values().any(|of| of.name != home.name && of.has_plain_host());
    (others && of_kind(&view.ground, CommonDependencyKind::SecretServer).is_empty()).then(|| {
        R60.advice(
            vec![resource(home.name, name)],
            format!(
                "{name} of {} is a secret server, but no common dependency: while it is down, hosts of other groups would be \
                 failed over and then can't get their secrets.",
                home.name
            ),
            format!(
                "Add it to `common_dependencies` (kind secret_server, resource {name} of group {}) and name that in the groups \
                 of hosts.",
                home.name
            ),
        )
    })
}

/// R60: it is down now.
fn secrets_down(view: &View<'_>) -> Vec<RuleFinding> {
    let down = of_kind(&view.ground, CommonDependencyKind::SecretServer).into_iter().filter_map(|one| {
        let said = one.down.as_ref().filter(|mark| mark.until > view.now);
        let seen = one.resource.as_ref().and_then(|place| Some((place, view.ground.seen.groups.get(&place.group)?)));
        let is_down = |state: GroupState| matches!(state, GroupState::Failed | GroupState::Unplaced | GroupState::Offline);
        let why = match (said, seen) {
            (Some(mark), _) => format!("says {}: {}", mark.owner, mark.reason),
            (None, Some((place, group))) if is_down(group.state) => {
                let state = match group.state {
                    GroupState::Failed => "failed",
                    GroupState::Unplaced => "unplaced",
                    _ => "offline",
                };
                format!("its group {} is {state}", place.group)
            }
            _ => return None,
        };
        let name = &one.name;
        Some(R60.warning(
            vec![common(name)],
            format!(
                "The secret server {name} is down ({why}): hosts go on with the secrets that they have until they restart; one \
                 that restarts or moves now can't start again."
            ),
            format!("Bring {name} back first; until then restart, move and drain no host."),
        ))
    });
    down.collect()
}

/// R73.
fn short_breath(view: &View<'_>) -> Option<RuleFinding> {
    if of_kind(&view.ground, CommonDependencyKind::Database).is_empty() {
        return None;
    }
    let short = view.unclustered().filter(|on| {
        let restart = on.spec.restart;
        let lasts = restart.delay.get().saturating_mul(restart.max_restarts);
        on.is_plain() && !on.is_isolated() && on.spec.run.is_some() && lasts < DATABASE_FAILOVER
    });
    let names: Vec<_> = short.map(|on| on.name).collect();
    (!names.is_empty()).then(|| {
        let names_listed = list(&names);
        R73.advice(
            names.iter().map(host).collect(),
            format!(
                "{names_listed} {} up restarting in less than a minute: when the database is away for longer, {} until \
                 `retry_after` has passed.",
                by(names.len(), "gives", "give"),
                by(names.len(), "its instances stay stopped", "their instances stay stopped")
            ),
            format!(
                "Raise `restart` of {names_listed}, for instance max_restarts: 6 and delay: 20s; and stop {} before a planned \
                 failover of the database.",
                by(names.len(), "it", "them")
            ),
        )
    })
}
