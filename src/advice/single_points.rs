//! What single loss takes something down for good?

use super::RuleFinding;
use super::Severity::{Advice, Warning};
use super::rule::{LooksAt, Rule};
use super::view::{Ground, Group, View};
use super::words::{common, counted, group, list, node, objects};
use crate::domain::{NodeName, NodeSpec, NodeState, NodeWanted};

const SOURCE: &str = "Locum: single points of failure";

const S01: Rule = Rule::new("S01", &[Warning], "A group has two possible owners at least.", SOURCE);
const S02: Rule =
    Rule::new("S02", &[Warning], "The possible owners of a group are in two fault domains at least.", SOURCE);
const S03: Rule =
    Rule::new("S03", &[Warning], "What several groups need comes back by itself when its node is lost.", SOURCE);
const S04: Rule = Rule::new("S04", &[Warning], "A cluster has two nodes at least.", SOURCE);
const S05: Rule =
    Rule::new("S05", &[Warning], "A group has a node to fail over to now.", SOURCE).looking_at(LooksAt::Seen);
const S06: Rule = Rule::new("S06", &[Advice], "Every node says in which fault domain it is, or none does.", SOURCE);

pub(super) const RULES: &[Rule] = &[S01, S02, S03, S04, S05, S06];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    if view.ground.nodes.is_empty() && !view.groups.is_empty() {
        findings.push(S04.warning(
            vec!["cluster".to_owned()],
            "There is no node: nothing can run.".to_owned(),
            "Add two nodes at least.".to_owned(),
        ));
    } else if let (Some(only), true) =
        (view.ground.nodes.keys().next(), view.ground.nodes.len() == 1 && !view.groups.is_empty())
    {
        findings.push(S04.warning(
            vec!["cluster".to_owned(), node(only)],
            format!("{only} is the only node: when it is lost, everything is down until it is back."),
            "Add a second node.".to_owned(),
        ));
    }
    findings.extend(unprotected(view));
    findings.extend(domains_in_part(view));
}

pub(super) fn judge_group(ground: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    if ground.nodes.len() > 1 {
        findings.extend(one_owner(of));
    }
    if ground.domains.len() > 1 {
        findings.extend(one_domain(ground, of));
    }
    findings.extend(nowhere_to_go(ground, of));
}

/// S01. A group with a clustered host has R02 for it.
fn one_owner(of: &Group<'_>) -> Option<RuleFinding> {
    let only = of.owners.first().filter(|_| of.owners.len() == 1 && of.hosts.is_empty())?;
    let name = of.name;
    Some(S01.warning(
        vec![group(name), node(only)],
        format!("{only} is the only possible owner of {name}: when {only} is lost, {name} is down until it is back."),
        format!("Let every resource of {name} run on a second node (`possible_owners`)."),
    ))
}

/// S02.
fn one_domain(ground: &Ground<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    let domain = |name: &NodeName| ground.nodes.get(name).and_then(|node| node.fault_domain.as_deref());
    let mut owners = of.owners.iter().map(|name| domain(name));
    let one = owners.next().flatten()?;
    if of.owners.len() < 2 || owners.any(|other| other != Some(one)) {
        return None;
    }
    let (name, names) = (of.name, list(of.owners.iter()));
    Some(S02.warning(
        objects(group(name), of.owners.iter().map(node)),
        format!("All possible owners of {name} ({names}) are in {one}: when {one} is lost as a whole, {name} is down."),
        format!("Let {name} run on a node outside of {one} as well."),
    ))
}

/// S03.
fn unprotected(view: &View<'_>) -> Vec<RuleFinding> {
    let mut all: Vec<_> = view.topology.common_dependencies.iter().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let weak = all.into_iter().filter_map(|dependency| {
        let of = view.groups.get(&dependency.resource.as_ref()?.group)?;
        let (name, home) = (&dependency.name, of.name);
        let mut users: Vec<_> =
            view.groups.values().filter(|user| user.written.common_dependencies.contains(name)).collect();
        users.retain(|user| user.name != home);
        let (why, fix) = if of.owners.len() < 2 {
            let why = format!("has only {}", counted(of.owners.len(), "possible owner"));
            (why, format!("Let {home} run on a second node."))
        } else if !of.starts_by_itself() {
            let why = "is not started by Locum, nor failed over".to_owned();
            (why, format!("Set `wanted: online` for {home}, and a priority other than no_auto_start."))
        } else if of.written.failover.max_failovers == Some(0) {
            let why = "may not fail over by itself".to_owned();
            (why, format!("Take `max_failovers: 0` away from {home}."))
        } else {
            return None;
        };
        let needed = match users.len() {
            0 => "what needs it".to_owned(),
            _ => format!("{} ({})", counted(users.len(), "group"), list(users.iter().map(|user| user.name))),
        };
        Some(S03.warning(
            vec![common(name), group(home)],
            format!(
                "{name} is in {home}, which {why}: when its node is lost, {needed} can't be helped by any failover."
            ),
            fix,
        ))
    });
    weak.collect()
}

/// S05.
fn nowhere_to_go(ground: &Ground<'_>, of: &Group<'_>) -> Option<RuleFinding> {
    if of.owners.len() < 2 || !of.starts_by_itself() {
        return None;
    }
    let owner = ground.seen.groups.get(of.name)?.owner.as_ref()?;
    let known = |name: &NodeName| ground.seen.nodes.contains_key(name);
    let can_take = |name: &NodeName| {
        let up = ground.seen.nodes.get(name).is_some_and(|seen| seen.state == NodeState::Up);
        let active = ground.nodes.get(name).is_some_and(|node| node.wanted.unwrap_or_default() == NodeWanted::Active);
        up && active
    };
    let others = || of.owners.iter().copied().filter(|name| *name != owner);
    let none = !others().any(can_take) && of.owners.iter().all(|name| known(name));
    none.then(|| {
        let (name, names) = (of.name, list(others()));
        S05.warning(
            objects(group(name), std::iter::once(node(owner))),
            format!(
                "{name} runs on {owner} and has nowhere to go: {names} can't take it now (not up, paused or drained)."
            ),
            format!("Bring back or resume one of {names} before anything happens to {owner}."),
        )
    })
}

/// S06.
fn domains_in_part(view: &View<'_>) -> Option<RuleFinding> {
    let (with, without): (Vec<&NodeSpec>, Vec<&NodeSpec>) =
        view.ground.nodes.values().copied().partition(|node| node.fault_domain.is_some());
    (!with.is_empty() && !without.is_empty()).then(|| {
        let names = list(without.iter().map(|node| &node.name));
        S06.advice(
            without.iter().map(|one| node(&one.name)).collect(),
            format!("{names} does not say in which fault domain it is, as other nodes do: failovers can't avoid a shared fault."),
            format!("Write `fault_domain` of {names}."),
        )
    })
}
