//! Is the secret server safe where it is: one, active on one node, with every host beside it in its group?

use std::collections::BTreeSet;

use super::RuleFinding;
use super::Severity::{Advice, Error, Warning};
use super::rule::{LooksAt, Rule};
use super::view::{Group, Host, View};
use super::words::{by, common, group, host, list, node, objects, resource};
use crate::domain::{CommonDependencyKind, GroupName, NodeName, ResourceClass, ResourceName};

const INSTALLING: &str = "core/considerations-for-installing-biztalk-server-on-a-windows-server-cluster2";
const WITH_HOSTS: &str = "core/how-to-cluster-sso-and-a-biztalk-host-in-the-same-cluster-group1";
const MASTER: &str = "core/how-to-cluster-the-master-secret-server1";

const R50: Rule = Rule::new(
    "R50",
    &[Error],
    "Where the secret server is clustered, every host is clustered in the same group.",
    INSTALLING,
);
const R51: Rule = Rule::new(
    "R51",
    &[Error],
    "No host that is not clustered runs where a clustered secret server may be active.",
    WITH_HOSTS,
);
const R52: Rule = Rule::new(
    "R52",
    &[Error],
    "Where the secret server is clustered beside isolated hosts, the web server is in the same group.",
    WITH_HOSTS,
);
const R53: Rule = Rule::new(
    "R53",
    &[Error],
    "There is one master secret server, active on one node at a time.",
    "core/sso-security-recommendations",
);
const R54: Rule = Rule::new("R54", &[Error], "The secret server is not on a load-balanced node.", MASTER);
const R55: Rule = Rule::new("R55", &[Warning], "The secret server depends on the network name of its group.", MASTER);
const R61: Rule = Rule::new(
    "R61",
    &[Warning],
    "The secret server and the message box's database are active on different nodes.",
    "technical-guides/clustering-the-master-secret-server",
)
.looking_at(LooksAt::Seen);
const R63: Rule = Rule::new(
    "R63",
    &[Advice],
    "The secret server is clustered: otherwise every host of a node fails with that node's.",
    WITH_HOSTS,
);

pub(super) const RULES: &[Rule] = &[R50, R51, R52, R53, R54, R55, R61, R63];

/// A secret server in a group.
struct Server<'v, 'a> {
    group: &'v Group<'a>,
    name: &'v ResourceName,
    object: String,
}

/// By their groups' names, then in the order of the group.
fn servers<'v, 'a>(view: &'v View<'a>) -> Vec<Server<'v, 'a>> {
    let of_group = |group: &'v Group<'a>| {
        group.of_class(ResourceClass::SecretServer).map(move |server| {
            let is_host = group.hosts.iter().any(|host| host.name.as_str() == server.name.as_str());
            let object = if is_host { host(&server.name) } else { resource(group.name, &server.name) };
            Server { group, name: &server.name, object }
        })
    };
    view.groups.values().flat_map(of_group).collect()
}

/// The groups in which a secret server is clustered on a node where this host has an instance.
pub(super) fn beside<'v>(view: &'v View<'_>, on: &Host<'_>) -> BTreeSet<&'v GroupName> {
    if !on.is_plain() || on.is_isolated() {
        return BTreeSet::new();
    }
    let servers = servers(view).into_iter().filter(|server| !shared(server, on).is_empty());
    servers.map(|server| server.group.name).collect()
}

/// Whether a host is clustered where it is because of a secret server beside it.
pub(super) fn wants_clustered(view: &View<'_>, on: &Host<'_>) -> bool {
    on.spec.clustered_in.as_ref().is_some_and(|group| beside(view, on).contains(group))
}

/// The nodes of a host on which the secret server may be active.
fn shared<'a>(server: &Server<'_, '_>, on: &Host<'a>) -> Vec<&'a NodeName> {
    on.enabled.iter().copied().filter(|name| server.group.owners.contains(name)).collect()
}

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    let servers = servers(view);
    for server in &servers {
        findings.extend(view.ground.hosts.values().filter_map(|on| elsewhere(server, on)));
        findings.extend(unclustered_beside(view, server));
        findings.extend(web(view, server));
        findings.extend(balanced(view, server));
        findings.extend(no_name(server));
        findings.extend(beside_database(view, server));
    }
    findings.extend(several(view, &servers));
    findings.extend(view.unclustered().filter_map(|on| on_each_node(on, &servers)));
}

/// R50.
fn elsewhere(server: &Server<'_, '_>, on: &Host<'_>) -> Option<RuleFinding> {
    let nodes = shared(server, on);
    let together = on.spec.clustered_in.as_ref() == Some(server.group.name);
    if !on.is_plain() || on.is_isolated() || together || nodes.is_empty() {
        return None;
    }
    let (name, secrets, home, names) = (on.name, server.name, server.group.name, list(&nodes));
    let how = match &on.spec.clustered_in {
        Some(other) => format!("is clustered in {other}"),
        None => "is not clustered".to_owned(),
    };
    Some(R50.error(
        objects(host(name), std::iter::once(server.object.clone()).chain(nodes.iter().map(node))),
        format!(
            "{name} {how}, and has an instance on {names}, where the secret server {secrets} of {home} may be active: its \
             instance fails there whenever {secrets} is on another node."
        ),
        format!(
            "Cluster {name} in {home}; or keep the secret server and {name} on different nodes, which is simpler when there \
             are many hosts."
        ),
    ))
}

/// R51.
fn unclustered_beside(view: &View<'_>, server: &Server<'_, '_>) -> Option<RuleFinding> {
    let mut nodes = BTreeSet::new();
    let mut hosts = Vec::new();
    for on in view.unclustered().filter(|on| on.is_plain() && !on.is_isolated()) {
        let here = shared(server, on);
        if !here.is_empty() {
            hosts.push(on.name);
            nodes.extend(here);
        }
    }
    (!hosts.is_empty()).then(|| {
        let (secrets, home, names, on) = (server.name, server.group.name, list(&hosts), list(&nodes));
        R51.error(
            objects(server.object.clone(), hosts.iter().map(host)),
            format!(
                "The secret server {secrets} of {home} can't be failed over safely: on {on} {names} {} without being \
                 clustered, and what runs beside it there holds it back or fails with it.",
                by(hosts.len(), "runs", "run")
            ),
            format!("Cluster {names} in {home}, or move {secrets} to nodes on which no host runs."),
        )
    })
}

/// R52.
fn web(view: &View<'_>, server: &Server<'_, '_>) -> Option<RuleFinding> {
    if server.group.has(ResourceClass::Web) {
        return None;
    }
    let isolated = view.ground.hosts.values().filter(|on| on.is_plain() && on.is_isolated());
    let hosts: Vec<&Host<'_>> = isolated.filter(|on| !shared(server, on).is_empty()).collect();
    (!hosts.is_empty()).then(|| {
        let (secrets, home, names) = (server.name, server.group.name, list(hosts.iter().map(|on| on.name)));
        let nodes: BTreeSet<&NodeName> = hosts.iter().flat_map(|on| shared(server, on)).collect();
        R52.error(
            objects(server.object.clone(), hosts.iter().map(|on| host(on.name))),
            format!(
                "{names} {} inside the web server of {}, where the secret server {secrets} is clustered, but the web server is \
                 not in its group {home}: requests fail where {secrets} is not.",
                by(hosts.len(), "runs", "run"),
                list(nodes)
            ),
            format!(
                "Add the web server to {home} (a resource of class web), or keep the secret server and isolated hosts on \
                 different nodes."
            ),
        )
    })
}

/// R53.
fn several(view: &View<'_>, servers: &[Server<'_, '_>]) -> Vec<RuleFinding> {
    let mut findings = Vec::new();
    if let [first, others @ ..] = servers
        && !others.is_empty()
    {
        let names = list(servers.iter().map(|server| format!("{} of {}", server.name, server.group.name)));
        findings.push(R53.error(
            objects(first.object.clone(), others.iter().map(|server| server.object.clone())),
            format!("There are several clustered secret servers ({names}), but one master keeps the secret of all."),
            "Keep one of them. If one of these is something else, give it another `class`.".to_owned(),
        ));
    }
    let mut kept: Vec<_> = view.topology.common_dependencies.iter().collect();
    kept.retain(|dependency| dependency.kind == CommonDependencyKind::SecretServer);
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    if let [first, others @ ..] = kept.as_slice()
        && !others.is_empty()
    {
        let names = list(kept.iter().map(|dependency| &dependency.name));
        findings.push(R53.error(
            objects(common(&first.name), others.iter().map(|dependency| common(&dependency.name))),
            format!("{names} are all said to be the master secret server, but there is one."),
            "Keep `kind: secret_server` for the master and give the others kind other.".to_owned(),
        ));
    }
    findings
}

/// R54.
fn balanced(view: &View<'_>, server: &Server<'_, '_>) -> Option<RuleFinding> {
    let is_balanced = |name: &NodeName| view.ground.nodes.get(name).is_some_and(|node| node.load_balanced);
    let nodes: Vec<&NodeName> = server.group.owners.iter().copied().filter(|name| is_balanced(name)).collect();
    (!nodes.is_empty()).then(|| {
        let (secrets, names) = (server.name, list(&nodes));
        R54.error(
            objects(server.object.clone(), nodes.iter().map(node)),
            format!(
                "The secret server {secrets} may be active on {names}, which {} load-balanced: requests for secrets would be \
                 sent to nodes where it is not.",
                by(nodes.len(), "is", "are")
            ),
            format!("Take {names} out of the possible owners of {}, or the load balancer off {names}.", server.group.name),
        )
    })
}

/// R55.
fn no_name(server: &Server<'_, '_>) -> Option<RuleFinding> {
    let (secrets, home) = (server.name, server.group.name);
    let names = list(server.group.of_class(ResourceClass::NetworkName).map(|resource| &resource.name));
    let (message, fix) = if names.is_empty() {
        (
            format!(
                "The group {home} of the secret server {secrets} has no network name: clients would ask the node, not the \
                 secret server, and get error 0x800706D9."
            ),
            format!("Add a resource of class network_name to {home} and let {secrets} depend on it."),
        )
    } else if server.group.needs(server.name, ResourceClass::NetworkName) {
        return None;
    } else {
        (
            format!(
                "The secret server {secrets} does not depend on the network name of {home} ({names}): it may start under the \
                 name of the node, and clients get error 0x800706D9."
            ),
            format!("Write {names} into `depends_on` of {secrets}."),
        )
    };
    Some(R55.warning(objects(server.object.clone(), [group(home)]), message, fix))
}

/// R61.
fn beside_database(view: &View<'_>, server: &Server<'_, '_>) -> Vec<RuleFinding> {
    let owner = |group: &GroupName| view.ground.seen.groups.get(group).and_then(|seen| seen.owner.as_ref());
    let (secrets, home) = (server.name, server.group.name);
    let mut databases: Vec<_> = view.topology.common_dependencies.iter().collect();
    databases.retain(|dependency| dependency.kind == CommonDependencyKind::Database);
    databases.sort_by(|a, b| a.name.cmp(&b.name));
    let beside = databases.into_iter().filter_map(|database| {
        let place = database.resource.as_ref()?;
        let objects = objects(server.object.clone(), [common(&database.name)]);
        if place.group == *home {
            let message = format!(
                "The secret server {secrets} and the database {} are in one group, {home}, and so on one node always: when it \
                 is lost, both are away at once.",
                database.name
            );
            return Some(R61.warning(objects, message, format!("Put {secrets} into a group of its own.")));
        }
        let node = owner(home).filter(|node| owner(&place.group) == Some(node))?;
        let message = format!(
            "The secret server {secrets} and the database {} are both active on {node}: when it is lost, both are away at \
             once.",
            database.name
        );
        let fix = format!(
            "Move {home} to another node, and give {home} and {} a common class in `anti_affinity`, so that it stays so.",
            place.group
        );
        Some(R61.warning(objects, message, fix))
    });
    beside.collect()
}

/// R63, and R53 where a clustered one is on the same node.
fn on_each_node(on: &Host<'_>, servers: &[Server<'_, '_>]) -> Option<RuleFinding> {
    if on.spec.class != ResourceClass::SecretServer || on.enabled.is_empty() {
        return None;
    }
    let (name, nodes) = (on.name, list(&on.enabled));
    for server in servers {
        let both = shared(server, on);
        if !both.is_empty() {
            let (secrets, both_names) = (server.name, list(&both));
            return Some(R53.error(
                objects(host(name), std::iter::once(server.object.clone()).chain(both.iter().map(node))),
                format!(
                    "{name} runs on {both_names} beside the clustered secret server {secrets} of {}: one machine runs one \
                     secret server, and there it is the clustered one.",
                    server.group.name
                ),
                format!("Remove the instance of {name} on {both_names}."),
            ));
        }
    }
    if servers.is_empty() {
        return Some(R63.advice(
            vec![host(name)],
            format!(
                "The secret server {name} runs on {nodes} and none is clustered: hosts of a node fail with its secret server, \
                 and when the master's node is lost no host that restarts gets its secrets."
            ),
            format!("Cluster the master in a group of its own, on nodes without hosts; {name} may stay where hosts are."),
        ));
    }
    None
}
