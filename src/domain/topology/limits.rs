//! Which lengths of time, addresses, commands, units and agents are allowed?

use std::sync::LazyLock;
use std::time::Duration;

use jiff::tz::TimeZoneDatabase;

use crate::domain::{
    Brake, Finding, HumanDuration, OcfSpec, ProbeSpec, ProcessSpec, Quarantine, RestartPolicy, RunSpec, Settings,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Periods stay below 2^32 ms, which other cluster managers keep to as well.
const LONGEST_PERIOD: Duration = secs(1193 * HOUR);

/// A duration outside of `least..=most` is a finding.
fn range(at: String, value: HumanDuration, (least, most): (Duration, Duration), findings: &mut Vec<Finding>) {
    if !(least..=most).contains(&value.get()) {
        let (least, most) = (HumanDuration::from(least), HumanDuration::from(most));
        findings.push(Finding::new(at, "out_of_range", format!("{value} is not in the range {least} to {most}")));
    }
}

/// The timers of a cluster: their ranges and the inequalities between them.
pub(super) fn settings(settings: &Settings, findings: &mut Vec<Finding>) {
    let Settings { heartbeat, lease, stop_budget, margin, .. } = *settings;
    range("/settings/heartbeat".into(), heartbeat, (ms(50), secs(MINUTE)), findings);
    range("/settings/lease".into(), lease, (ms(500), secs(10 * MINUTE)), findings);
    range("/settings/margin".into(), margin, (ms(10), secs(10)), findings);
    let mut broken = |field: &str, detail: String| {
        findings.push(Finding::new(format!("/settings/{field}"), "timer_inequality", detail));
    };
    if stop_budget >= lease {
        broken("stop_budget", format!("stop_budget ({stop_budget}) must be less than lease ({lease})"));
    } else if heartbeat.get().saturating_mul(3) > lease.get().saturating_sub(stop_budget.get()) {
        let room = HumanDuration::from(lease.get().saturating_sub(stop_budget.get()));
        let detail = format!("three heartbeats of {heartbeat} must fit in lease - stop_budget, which is {room}");
        broken("heartbeat", detail);
    }
    if margin >= stop_budget {
        broken("margin", format!("margin ({margin}) must be less than stop_budget ({stop_budget})"));
    }
}

/// The period in which a group's failovers are counted.
pub(super) fn failover_period(period: HumanDuration, at: String, findings: &mut Vec<Finding>) {
    range(at, period, (secs(1), LONGEST_PERIOD), findings);
}

/// What holds for a whole cluster.
pub(super) fn policy(
    quarantine: Option<Quarantine>,
    brake: Option<Brake>,
    retention: Option<HumanDuration>,
    findings: &mut Vec<Finding>,
) {
    if let Some(Quarantine { period, duration, .. }) = quarantine {
        range("/policy/quarantine/period".into(), period, (secs(1), LONGEST_PERIOD), findings);
        range("/policy/quarantine/duration".into(), duration, (ms(0), LONGEST_PERIOD), findings);
    }
    if let Some(Brake { hold, .. }) = brake {
        range("/policy/brake/hold".into(), hold, (ms(0), secs(DAY)), findings);
    }
    if let Some(retention) = retention {
        range("/policy/retention".into(), retention, (secs(DAY), secs(10 * 365 * DAY)), findings);
    }
}

/// Whether the program knows a time zone of that name. It brings its own: a document is right or wrong on every machine.
pub(super) fn is_time_zone(name: &str) -> bool {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    ZONES.get(name).is_ok()
}

/// Of a resource or a host.
pub(super) fn pending_timeout(timeout: HumanDuration, at: &str, findings: &mut Vec<Finding>) {
    range(format!("{at}/pending_timeout"), timeout, (ms(100), secs(HOUR)), findings);
}

/// Of a resource or a host.
pub(super) fn restart(restart: &RestartPolicy, at: &str, findings: &mut Vec<Finding>) {
    range(format!("{at}/restart/period"), restart.period, (secs(1), LONGEST_PERIOD), findings);
    range(format!("{at}/restart/delay"), restart.delay, (ms(0), secs(10 * MINUTE)), findings);
    let retry = format!("{at}/restart/retry_after");
    range(retry.clone(), restart.retry_after, (ms(0), LONGEST_PERIOD), findings);
    if restart.retry_after < restart.period {
        let (after, period) = (restart.retry_after, restart.period);
        let detail = format!("retry_after ({after}) must not be less than period ({period})");
        findings.push(Finding::new(retry, "timer_inequality", detail));
    }
}

/// The fields of a type, which stand at `at`.
pub(super) fn run(run: &RunSpec, at: &str, findings: &mut Vec<Finding>) {
    match run {
        RunSpec::Process(spec) => process(spec, at, findings),
        RunSpec::Systemd(spec) => {
            if let Err(detail) = check_unit(&spec.unit) {
                findings.push(Finding::new(format!("{at}/unit"), "bad_unit", detail));
            }
        }
        RunSpec::Ocf(spec) => ocf(spec, at, findings),
        RunSpec::Unspecified => {}
    }
}

/// The suffixes of units that can be started and stopped.
const SUFFIXES: [&str; 7] = ["service", "socket", "mount", "automount", "timer", "target", "path"];

fn check_unit(unit: &str) -> Result<(), String> {
    let right = "write it like \"vsftpd.service\"";
    let good = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if let Some(bad) = unit.chars().find(|c| !good(*c)) {
        return Err(format!("the name of a unit has no {bad:?} in it; {right}"));
    }
    match unit.rsplit_once('.') {
        Some((name, suffix)) if SUFFIXES.contains(&suffix) => match name {
            "" => Err(format!("{unit:?} is a suffix without a name; {right}")),
            _ if name.starts_with('-') => Err(format!("the name of a unit does not begin with '-'; {right}")),
            _ if name.ends_with('@') => {
                Err(format!("{unit:?} is a template; write which instance of it, like \"{name}main.{suffix}\""))
            }
            _ => Ok(()),
        },
        _ => Err(format!("{unit:?} does not end with the kind of unit (.{}); {right}", SUFFIXES.join(", ."))),
    }
}

/// Properties are handed over as environment variables.
fn ocf(spec: &OcfSpec, at: &str, findings: &mut Vec<Finding>) {
    for (name, value) in &spec.properties {
        let pointer = format!("{at}/properties/{}", super::token(name));
        let mut bad = |detail: &str| findings.push(Finding::new(pointer.clone(), "bad_property", detail));
        if name.is_empty() || name.contains(['=', '\0']) {
            bad("the name of a property is not empty and has no '=' or NUL in it");
        } else if value.contains('\0') {
            bad("the value of a property has no NUL in it");
        }
    }
}

fn process(spec: &ProcessSpec, at: &str, findings: &mut Vec<Finding>) {
    command(&spec.command, &format!("{at}/command"), findings);
    for (name, value) in &spec.env {
        let pointer = format!("{at}/env/{}", super::token(name));
        let mut bad = |detail: &str| findings.push(Finding::new(pointer.clone(), "bad_env", detail));
        if name.is_empty() || name.contains(['=', '\0']) {
            bad("the name of an environment variable is not empty and has no '=' or NUL in it");
        } else if name.starts_with("LOCUM_") {
            bad("names that begin with LOCUM_ are set by Locum; choose another name");
        } else if value.contains('\0') {
            bad("the value of an environment variable has no NUL in it");
        }
    }
    if let Some(dir) = spec.working_dir.as_ref().filter(|dir| !dir.starts_with('/') || dir.contains('\0')) {
        let detail = format!("{dir:?} is not an absolute path; begin with '/', like \"/var/lib/receive\"");
        findings.push(Finding::new(format!("{at}/working_dir"), "bad_path", detail));
    }
    range(format!("{at}/stop_timeout"), spec.stop_timeout, (ms(0), secs(10 * MINUTE)), findings);
    let probes = [("readiness", &spec.readiness), ("looks_alive", &spec.looks_alive), ("is_alive", &spec.is_alive)];
    for (field, spec) in probes {
        if let Some(spec) = spec {
            probe(spec, &format!("{at}/{field}"), findings);
        }
    }
}

fn command(command: &[String], at: &str, findings: &mut Vec<Finding>) {
    if command.first().is_some_and(String::is_empty) {
        findings.push(Finding::new(format!("{at}/0"), "bad_command", "the program's name is empty; name the program"));
    }
    for (i, _) in command.iter().enumerate().filter(|(_, word)| word.contains('\0')) {
        findings.push(Finding::new(
            format!("{at}/{i}"),
            "bad_command",
            "a program and its arguments have no NUL in them",
        ));
    }
}

fn probe(spec: &ProbeSpec, at: &str, findings: &mut Vec<Finding>) {
    let ways = [spec.exec.is_some(), spec.tcp.is_some(), spec.http.is_some()];
    let named = ways.iter().filter(|way| **way).count();
    if named != 1 {
        let detail = format!("a probe has exactly one of `exec`, `tcp` and `http`; this one has {named}");
        findings.push(Finding::new(at, "bad_probe", detail));
    }
    if let Some(words) = &spec.exec {
        command(words, &format!("{at}/exec"), findings);
    }
    if let Some(address) = spec.tcp.as_ref().filter(|address| !is_host_and_port(address)) {
        let detail = format!("{address:?} is not an address to connect to; write host:port, like \"127.0.0.1:2121\"");
        findings.push(Finding::new(format!("{at}/tcp"), "bad_address", detail));
    }
    if let Some(address) = &spec.http {
        let good = url::Url::parse(address).is_ok_and(|url| url.scheme() == "http" && url.has_host());
        if !good {
            let detail =
                format!("{address:?} is not an address to ask; write it like \"http://127.0.0.1:8080/health\"");
            findings.push(Finding::new(format!("{at}/http"), "bad_address", detail));
        }
    }
    if let Some(interval) = spec.interval {
        range(format!("{at}/interval"), interval, (ms(100), secs(HOUR)), findings);
    }
    range(format!("{at}/timeout"), spec.timeout, (ms(10), secs(10 * MINUTE)), findings);
}

fn is_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    url::Host::parse(host).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// The address of an agent in its one spelling, or what is wrong with it.
pub(super) fn agent_address(text: &str) -> Result<String, String> {
    let right = "write it like \"http://10.0.0.11:7441\"";
    let url = url::Url::parse(text).map_err(|_| format!("{text:?} is not an address; {right}"))?;
    match url.scheme() {
        "http" => {}
        "https" => return Err(format!("{text:?} asks for TLS, which is not there yet; {right}")),
        other => return Err(format!("{text:?} begins with {other}:, which agents don't speak; {right}")),
    }
    let (Some(host), authority) = (url.host_str(), text.split("://").nth(1).unwrap_or_default()) else {
        return Err(format!("{text:?} names no host; {right}"));
    };
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || authority.contains('@') {
        return Err(format!("{text:?} has more than a host and a port; {right}"));
    }
    let written = authority.trim_end_matches('/').rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match url.port_or_known_default() {
        Some(port) if written && port > 0 => Ok(format!("http://{host}:{port}")),
        _ => Err(format!("{text:?} names no port; {right}")),
    }
}
