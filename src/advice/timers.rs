//! Do the lengths of time fit together, beyond what a document must keep?

use std::time::Duration;

use super::RuleFinding;
use super::Severity::{Advice, Warning};
use super::rule::Rule;
use super::view::{Ground, Group, View};
use super::words::resource;
use crate::domain::{HumanDuration, ProcessSpec, ResourceSpec, Settings};

const SOURCE: &str = "Locum: timers";

/// Renewals that may be lost in a row before groups are stopped: fewer make a busy network look like a lost node.
const RENEWALS: u128 = 4;
/// A takeover that takes longer than this will surprise somebody.
const LONG_TAKEOVER: Duration = Duration::from_secs(60);
/// Likewise a group that tries to start in one place.
const LONG_START: Duration = Duration::from_secs(30 * 60);
/// Likewise a service that hangs unnoticed.
const LONG_BLINDNESS: Duration = Duration::from_secs(10 * 60);
/// What a process is given to stop when nobody thought of it.
const DEFAULT_STOP: Duration = Duration::from_secs(10);

const T1: Rule =
    Rule::new("T1", &[Advice], "Four heartbeats fit between a renewal and the moment when groups are stopped.", SOURCE);
const T2: Rule = Rule::new("T2", &[Advice], "A process has time to stop before its lease ends.", SOURCE);
const T3: Rule = Rule::new("T3", &[Warning], "Clocks may run at slightly different rates.", SOURCE);
const T5: Rule =
    Rule::new("T5", &[Warning], "All restarts of a failing resource fit in the period that counts them.", SOURCE);
const T7: Rule = Rule::new("T7", &[Advice], "The worst case of a failover is short.", SOURCE);
const T8: Rule = Rule::new(
    "T8",
    &[Warning, Advice],
    "A probe answers in time: before a start counts as failed, and soon after a service hangs.",
    SOURCE,
);

pub(super) const RULES: &[Rule] = &[T1, T2, T3, T5, T7, T8];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    let settings = &view.topology.settings;
    findings.extend(renewals(settings));
    findings.extend(drift(settings));
    findings.extend(takeover(settings));
}

pub(super) fn judge_group(ground: &Ground<'_>, of: &Group<'_>, findings: &mut Vec<RuleFinding>) {
    for resource in &of.runs.resources {
        findings.extend(never_exhausted(of, resource));
        findings.extend(slow_to_give_up(of, resource));
        if let Some(process) = resource.run.process() {
            findings.extend(cut_short(ground.settings, of, resource, process));
            findings.extend(late_readiness(of, resource, process));
            findings.extend(blind(of, resource, process));
        }
    }
}

fn human(duration: Duration) -> HumanDuration {
    HumanDuration::from(duration)
}

/// T1. At least three are a rule of the document.
fn renewals(settings: &Settings) -> Option<RuleFinding> {
    let Settings { heartbeat, lease, stop_budget, .. } = *settings;
    let room = lease.get().saturating_sub(stop_budget.get());
    let fit = room.as_micros() / heartbeat.get().as_micros().max(1);
    (fit < RENEWALS).then(|| {
        T1.advice(
            vec!["cluster".to_owned()],
            format!(
                "Only {fit} heartbeats of {heartbeat} fit in the {} from a renewal to the moment when a node stops its groups: \
                 a few late answers stop everything.",
                human(room)
            ),
            "Send heartbeats more often, or lengthen `lease`.".to_owned(),
        )
    })
}

/// T3.
fn drift(settings: &Settings) -> Option<RuleFinding> {
    (settings.drift.ppm() == 0).then(|| {
        T3.warning(
            vec!["cluster".to_owned()],
            "`drift: 0` assumes that all clocks run at exactly the same rate; if the clock of a lost node is slow, its groups \
             are started elsewhere while it still runs them."
                .to_owned(),
            "Take `drift` away for the usual 1 %, or write what the machines keep to.".to_owned(),
        )
    })
}

/// T7, of the cluster.
fn takeover(settings: &Settings) -> Option<RuleFinding> {
    let worst = settings.worst_case_takeover();
    (worst > LONG_TAKEOVER).then(|| {
        T7.advice(
            vec!["cluster".to_owned()],
            format!(
                "When a node is lost, its groups are started elsewhere after up to {}, then take their own time.",
                human(worst)
            ),
            "Shorten `lease` (and `heartbeat` with it) if that is too long.".to_owned(),
        )
    })
}

/// T5. A start that hangs takes the pending timeout before it counts.
fn never_exhausted(of: &Group<'_>, one: &ResourceSpec) -> Option<RuleFinding> {
    let restart = one.restart;
    let round = one.pending_timeout.get() + restart.delay.get();
    let all = round.saturating_mul(restart.max_restarts);
    (all > restart.period.get()).then(|| {
        let (name, group_name) = (&one.name, of.name);
        T5.warning(
            vec![resource(group_name, name)],
            format!(
                "If {name} of {group_name} hangs at every start, {} restarts take {} (each `pending_timeout` and `delay`), longer \
                 than the period of {} that counts them: it is restarted for ever and {group_name} never fails over.",
                restart.max_restarts,
                human(all),
                restart.period
            ),
            format!("Lengthen `restart.period` of {name} beyond {}, or allow fewer restarts, or a shorter `pending_timeout`.", human(all)),
        )
    })
}

/// T7, of a resource.
fn slow_to_give_up(of: &Group<'_>, one: &ResourceSpec) -> Option<RuleFinding> {
    let restart = one.restart;
    let starts = restart.max_restarts.saturating_add(1);
    let all =
        one.pending_timeout.get().saturating_mul(starts) + restart.delay.get().saturating_mul(restart.max_restarts);
    let counted = all.saturating_sub(one.pending_timeout.get()) <= restart.period.get();
    (all > LONG_START && counted && of.owners.len() > 1 && restart.fail_over).then(|| {
        let (name, group_name) = (&one.name, of.name);
        T7.advice(
            vec![resource(group_name, name)],
            format!(
                "If {name} of {group_name} hangs at every start, {group_name} tries for {} before it fails over.",
                human(all)
            ),
            format!("Shorten `pending_timeout` of {name}, or allow fewer restarts."),
        )
    })
}

/// T2.
fn cut_short(settings: &Settings, of: &Group<'_>, one: &ResourceSpec, process: &ProcessSpec) -> Option<RuleFinding> {
    let time = settings.stop_budget.get().saturating_sub(settings.margin.get());
    let asked = process.stop_timeout.get();
    (asked > time && asked != DEFAULT_STOP).then(|| {
        let (name, group_name) = (&one.name, of.name);
        T2.advice(
            vec![resource(group_name, name)],
            format!(
                "{name} of {group_name} may take {} to stop, but when its node is cut off it is killed after {} \
                 (`stop_budget` less `margin`).",
                process.stop_timeout,
                human(time)
            ),
            format!(
                "Raise `settings.stop_budget` (and `lease`) if {name} must not be killed while it works; else make sure that \
                 it can be killed at any moment."
            ),
        )
    })
}

/// T8, while it starts.
fn late_readiness(of: &Group<'_>, one: &ResourceSpec, process: &ProcessSpec) -> Option<RuleFinding> {
    let probe = process.readiness.as_ref()?;
    (probe.timeout >= one.pending_timeout).then(|| {
        let (name, group_name) = (&one.name, of.name);
        T8.warning(
            vec![resource(group_name, name)],
            format!(
                "The readiness probe of {name} of {group_name} may take {}, not less than `pending_timeout` ({}): one slow \
                 answer, and the start counts as failed.",
                probe.timeout, one.pending_timeout
            ),
            "Shorten the probe's `timeout`, or lengthen `pending_timeout`.".to_owned(),
        )
    })
}

/// T8, while it is online.
fn blind(of: &Group<'_>, one: &ResourceSpec, process: &ProcessSpec) -> Option<RuleFinding> {
    let probes = [(&process.looks_alive, Duration::from_secs(5)), (&process.is_alive, Duration::from_secs(60))];
    let waits = probes.into_iter().filter_map(|(probe, usual)| {
        let probe = probe.as_ref()?;
        Some(probe.interval.map_or(usual, HumanDuration::get) + probe.timeout.get())
    });
    let soonest = waits.min()?;
    (soonest > LONG_BLINDNESS).then(|| {
        let (name, group_name) = (&one.name, of.name);
        T8.advice(
            vec![resource(group_name, name)],
            format!("If {name} of {group_name} hangs, nobody notices for up to {}.", human(soonest)),
            "Ask more often: shorten `interval` and `timeout` of its probes.".to_owned(),
        )
    })
}
