//! Do placement rules work together, or does one make another useless?

use std::collections::{BTreeMap, BTreeSet};

use super::RuleFinding;
use super::Severity::{Advice, Warning};
use super::rule::Rule;
use super::view::{Ground, Group, View};
use super::words::{counted, group, list, objects, resource};
use crate::domain::{AntiAffinity, FailbackPolicy, NodeName, Priority};

const SOURCE: &str = "Locum: placement";

const P01: Rule = Rule::new(
    "P01",
    &[Warning, Advice],
    "Groups that never share a node have a node for each of them, and one to spare.",
    SOURCE,
);
const P02: Rule = Rule::new("P02", &[Advice], "A group has no higher priority than a group that it waits for.", SOURCE);
const P03: Rule = Rule::new("P03", &[Advice], "A group that fails back has a preferred owner.", SOURCE);
const P04: Rule =
    Rule::new("P04", &[Warning], "A group that starts by itself waits for none that an operator must start.", SOURCE);
const P05: Rule = Rule::new("P05", &[Advice], "A failed resource lets its group fail over.", SOURCE);
const P06: Rule = Rule::new("P06", &[Warning], "A group has a critical resource.", SOURCE);
const P07: Rule = Rule::new(
    "P07",
    &[Advice],
    "A group that is never failed over without an operator has no failover budget.",
    SOURCE,
);

pub(super) const RULES: &[Rule] = &[P01, P02, P03, P04, P05, P06, P07];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(apart(view));
    findings.extend(view.groups.values().flat_map(|of| waits_for(view, of)));
}

pub(super) fn judge_group(_: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    findings.extend(no_way_back(of));
    findings.extend(stays(of));
    findings.extend(nothing_critical(of));
    findings.extend(budget_without_effect(of));
}

/// P01.
fn apart(view: &View<'_>) -> Vec<RuleFinding> {
    if view.topology.policy.anti_affinity != AntiAffinity::Enforced {
        return Vec::new();
    }
    let mut classes: BTreeMap<&str, Vec<&Group<'_>>> = BTreeMap::new();
    for of in view.groups.values().filter(|of| of.starts_by_itself()) {
        for class in of.written.anti_affinity.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            classes.entry(class).or_default().push(of);
        }
    }
    let finding = |(class, groups): (&str, Vec<&Group<'_>>)| {
        let nodes: BTreeSet<&NodeName> = groups.iter().flat_map(|of| of.owners.iter().copied()).collect();
        if groups.len() < 2 || groups.len() < nodes.len() {
            return None;
        }
        let names = list(groups.iter().map(|of| of.name));
        let chief = groups.first()?.name;
        let objects = objects(group(chief), groups.iter().skip(1).map(|of| group(of.name)));
        let (many, places) = (counted(groups.len(), "group"), counted(nodes.len(), "node"));
        let fix = format!(
            "Add a node that may own them, take a group out of the class {class:?}, or set `policy.anti_affinity: soft`."
        );
        Some(if groups.len() > nodes.len() {
            let message = format!(
                "{many} ({names}) never share a node because of the class {class:?}, but there are {places} for them: {} can't \
                 run.",
                groups.len() - nodes.len()
            );
            P01.warning(objects, message, fix)
        } else {
            let message = format!(
                "{many} ({names}) never share a node because of the class {class:?}, and there are {places} for them: when a \
                 node is lost, one of them is down."
            );
            P01.advice(objects, message, fix)
        })
    };
    classes.into_iter().filter_map(finding).collect()
}

/// P02 and P04.
fn waits_for(view: &View<'_>, of: &Group<'_>) -> Vec<RuleFinding> {
    let others: BTreeSet<_> =
        of.written.depends_on.iter().filter_map(|name| view.groups.get(name)).map(|g| g.name).collect();
    let judge = |other| {
        let other = view.groups.get(other)?;
        let (name, first) = (of.name, other.name);
        let objects = vec![group(name), group(first)];
        if !of.starts_by_itself() {
            return None;
        }
        if !other.starts_by_itself() {
            let why = if other.is_wanted() { "has the priority no_auto_start" } else { "is wanted offline" };
            return Some(P04.warning(
                objects,
                format!(
                    "The group {name} waits for {first}, which {why}: {name} does not start until an operator starts {first}."
                ),
                format!("Let {first} start by itself, or take it out of `depends_on` of {name}."),
            ));
        }
        (of.written.priority > other.written.priority).then(|| {
            P02.advice(
                objects,
                format!(
                    "The group {name} has the priority {} but waits for {first}, which has {}: it starts no sooner than {first}, after \
                     other groups.",
                    word(of.written.priority),
                    word(other.written.priority)
                ),
                format!("Give {first} the priority {} too.", word(of.written.priority)),
            )
        })
    };
    others.into_iter().filter_map(judge).collect()
}

const fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::NoAutoStart => "no_auto_start",
        Priority::Low => "low",
        Priority::Medium => "medium",
        Priority::High => "high",
    }
}

/// P03.
fn no_way_back(of: &Group<'_>) -> Option<RuleFinding> {
    let wanted = of.written.failback.policy != FailbackPolicy::Never;
    (wanted && of.written.preferred_owners.is_empty()).then(|| {
        let name = of.name;
        P03.advice(
            vec![group(name)],
            format!("The group {name} is to fail back but prefers no node: it stays where it is."),
            format!("Name the node to go back to in `preferred_owners` of {name}, or remove `failback`."),
        )
    })
}

/// P05.
fn stays(of: &Group<'_>) -> Vec<RuleFinding> {
    if of.owners.len() < 2 {
        return Vec::new();
    }
    let staying = of.runs.resources.iter().filter(|resource| resource.critical && !resource.restart.fail_over);
    let finding = |one: &crate::domain::ResourceSpec| {
        let (name, what) = (of.name, &one.name);
        P05.advice(
            vec![resource(name, what)],
            format!(
                "When {what} of {name} fails beyond its restarts, {name} stays there and failed, for {}, though another node \
                 could run it.",
                one.restart.retry_after
            ),
            format!("Set `restart.fail_over: true` for {what}, unless another node would not help."),
        )
    };
    staying.map(finding).collect()
}

/// P06.
fn nothing_critical(of: &Group<'_>) -> Option<RuleFinding> {
    let resources = &of.runs.resources;
    (!resources.is_empty() && !resources.iter().any(|resource| resource.critical)).then(|| {
        let name = of.name;
        P06.warning(
            vec![group(name)],
            format!(
                "No resource of {name} is critical: whatever fails, {name} goes on without it and never fails over."
            ),
            "Take `critical: false` away from the resource that the group is for.".to_owned(),
        )
    })
}

/// P07.
fn budget_without_effect(of: &Group<'_>) -> Option<RuleFinding> {
    let manual = of.written.priority == Priority::NoAutoStart;
    let budget = of.written.failover.max_failovers.filter(|budget| manual && *budget > 0)?;
    let name = of.name;
    Some(P07.advice(
        vec![group(name)],
        format!(
            "The group {name} has a budget of {}, but its priority is no_auto_start: an operator must fail it over.",
            counted(budget as usize, "failover")
        ),
        format!("Give {name} another priority, or remove `max_failovers`."),
    ))
}
