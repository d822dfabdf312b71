//! What is known of one resource or instance, and what follows from a start, an exit, a probe, or time passing?

use serde::{Deserialize, Serialize};

use super::life::{Beyond, Life, Stop, StopWhy, Took, Up};
use super::probing::{Asked, interval, kinds, probe_spec};
use super::{Action, Probe, ProbeKind, Whose};
use crate::agent::guard::client::{Exit, Guarded, LeaseEnd};
use crate::domain::{Epoch, ResourceSpec, Ticks};

/// A resource of a group, or an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Member {
    /// As it was started; it may no longer be what is wanted.
    pub spec: ResourceSpec,
    pub life: Life,
    /// When it failed, oldest first, as far as its policy remembers.
    pub failures: Vec<Ticks>,
    /// Not started before this.
    pub start_at: Ticks,
    /// Whether it was ever online under its group's epoch.
    pub was_online: bool,
    /// Set when it is beyond its restart policy.
    pub beyond: Option<Beyond>,
    /// What happened last, as a sentence.
    pub message: Option<String>,
}

impl Member {
    pub fn new(spec: ResourceSpec) -> Self {
        Self {
            spec,
            life: Life::Dead,
            failures: Vec::new(),
            start_at: Ticks(0),
            was_online: false,
            beyond: None,
            message: None,
        }
    }

    /// Whether anything of it may be alive.
    pub fn is_alive(&self) -> bool {
        !matches!(self.life, Life::Dead)
    }

    pub fn is_online(&self) -> bool {
        matches!(&self.life, Life::Up(up) if up.online && up.stop.is_none())
    }

    /// Whether a restart is due some time.
    pub fn waits_to_restart(&self) -> bool {
        matches!(self.life, Life::Dead) && self.beyond.is_none() && !self.failures.is_empty()
    }

    /// Forgets that it failed for good.
    pub fn absolve(&mut self) {
        if self.beyond.take().is_some() {
            self.failures.clear();
            self.start_at = Ticks(0);
        }
    }

    /// Takes on what is wanted now, if what runs can go on as that. What is dead or dying begins anew as that.
    pub fn go_on_as(&mut self, wanted: &ResourceSpec, now: Ticks) {
        if self.spec == *wanted || !self.spec.goes_on_as(wanted) {
            return;
        }
        match &mut self.life {
            Life::Dead => return,
            Life::Up(Up { stop: Some(_), .. }) => {
                // What it needs stops after it all the same.
                self.spec.depends_on = wanted.depends_on.clone();
                return;
            }
            Life::Starting { .. } => {}
            Life::Up(up) => {
                up.change(&self.spec, wanted, now);
                self.was_online |= up.online;
            }
        }
        self.spec = wanted.clone();
    }

    pub fn may_start(&mut self, now: Ticks) -> bool {
        if self.retry_at().is_some_and(|at| at <= now) {
            self.absolve();
        }
        matches!(self.life, Life::Dead) && self.beyond.is_none() && self.start_at <= now
    }

    /// When a resource that has given up begins another series of restarts.
    fn retry_at(&self) -> Option<Ticks> {
        let retry_after = self.spec.restart.retry_after.get();
        self.beyond.as_ref().filter(|_| !self.fails_over()).map(|beyond| beyond.at.plus(retry_after))
    }

    /// Whether its group is to leave the node once it is beyond its policy.
    pub fn fails_over(&self) -> bool {
        self.spec.restart.fail_over && self.spec.critical
    }

    /// Says what it waits for, unless something has gone wrong that is worth more.
    pub fn waits_for(&mut self, what: &str) {
        if matches!(self.life, Life::Dead) && self.failures.is_empty() {
            self.message = Some(format!("it waits for {what}"));
        }
    }

    pub fn start(&mut self, whose: Whose<'_>, epoch: Epoch, lease_stop_at: Ticks, actions: &mut Vec<Action>) {
        self.life = Life::Starting { lease_stop_at, exited: None };
        actions.push(Action::Start { key: whose.key(self), epoch, spec: Box::new(self.spec.clone()) });
    }

    pub fn started(&mut self, guarded: Guarded, now: Ticks) -> Took {
        let Life::Starting { exited, .. } = self.life else {
            return Took::No;
        };
        let mut up = Up::new(&guarded, false, now);
        if probe_spec(&self.spec, ProbeKind::Readiness).is_none() {
            up.come_online(&self.spec, now);
            self.was_online = true;
        }
        self.message = None;
        self.life = Life::Up(up);
        match exited.or(guarded.exited.map(|exit| (guarded.pid, exit))) {
            Some((pid, exit)) if self.exited(pid, exit, now) => Took::Exited,
            _ => Took::Yes,
        }
    }

    /// A refusal at the end of the lease is no fault of the resource.
    pub fn start_refused(&mut self, reason: String, now: Ticks) {
        let Life::Starting { lease_stop_at, .. } = self.life else {
            return;
        };
        self.life = Life::Dead;
        if now < lease_stop_at {
            self.fail(format!("it could not be started: {reason}"), now);
        }
    }

    /// Whether it was this instance that ended.
    pub fn exited(&mut self, pid: u32, exit: Exit, now: Ticks) -> bool {
        match &mut self.life {
            Life::Starting { exited, .. } => {
                *exited = Some((pid, exit));
                false
            }
            Life::Up(up) if up.pid == pid => {
                let expected = up.stop.is_some();
                self.life = Life::Dead;
                if !expected {
                    self.fail(describe(exit), now);
                }
                true
            }
            Life::Up(_) | Life::Dead => false,
        }
    }

    /// It went with the guard: no fault of its own.
    pub fn guard_lost(&mut self) {
        if self.is_alive() {
            self.life = Life::Dead;
            self.message = Some("its guard was lost, and it was killed".to_owned());
        }
    }

    pub fn probed(&mut self, pid: u32, which: ProbeKind, answer: Result<(), String>, now: Ticks) {
        let spec = self.spec.clone();
        let Life::Up(up) = &mut self.life else {
            return;
        };
        if up.pid != pid {
            return;
        }
        let asked = up.asked(which);
        let outdated = asked.outdated;
        let next_at = if outdated { now } else { now.plus(interval(&spec, which)) };
        *asked = Asked { next_at, ..Asked::default() };
        if up.stop.is_some() || outdated {
            return;
        }
        match (which, answer) {
            (ProbeKind::Readiness, Ok(())) if !up.online => {
                up.come_online(&spec, now);
                self.was_online = true;
                self.message = None;
            }
            (ProbeKind::Readiness, Err(why)) if !up.online => self.message = Some(format!("it is not ready: {why}")),
            (ProbeKind::LooksAlive, Err(_)) if probe_spec(&spec, ProbeKind::IsAlive).is_some() => {
                up.is_alive.next_at = now
            }
            (ProbeKind::LooksAlive, Err(why)) => self.fail(format!("it does not look alive: {why}"), now),
            (ProbeKind::IsAlive, Err(why)) => self.fail(format!("it is not alive: {why}"), now),
            (ProbeKind::Readiness, _) | (_, Ok(())) => {}
        }
    }

    /// Counts a failure; `keep_time` then stops what is left of it.
    fn fail(&mut self, reason: String, now: Ticks) {
        if let Life::Up(up) = &mut self.life {
            up.stop = Some(Stop { why: StopWhy::Failed, kill_at: None, killed: false });
        }
        let policy = self.spec.restart;
        self.failures.retain(|at| at.plus(policy.period.get()) > now);
        self.failures.push(now);
        self.start_at = now.plus(policy.delay.get());
        self.message = Some(reason.clone());
        if self.failures.len() > policy.max_restarts as usize {
            if !self.fails_over() {
                self.message = Some(format!("{reason}; it begins again {} later", policy.retry_after));
            }
            self.beyond = Some(Beyond { at: now, reason });
        }
    }

    /// Asks it to stop, once.
    pub fn stop(&mut self, whose: Whose<'_>, why: StopWhy, now: Ticks, actions: &mut Vec<Action>) {
        let (key, process) = (whose.key(self), self.spec.run.process());
        let signal = process.map(|process| process.stop_signal).unwrap_or_default();
        let kill_at = now.plus(process.map(|process| process.stop_timeout.get()).unwrap_or_default());
        let Life::Up(up) = &mut self.life else {
            return;
        };
        let stop = up.stop.get_or_insert(Stop { why, kill_at: None, killed: false });
        if stop.kill_at.is_none() {
            stop.kill_at = Some(kill_at);
            actions.push(Action::Signal { key, signal });
        }
    }

    /// At the end of the lease the guard asks every service to stop and kills what is left; this keeps account of it,
    /// and kills too.
    pub fn keep_lease(&mut self, whose: Whose<'_>, now: Ticks, lease: LeaseEnd, actions: &mut Vec<Action>) {
        let key = whose.key(self);
        let Life::Up(up) = &mut self.life else {
            return;
        };
        let stop = up.stop.get_or_insert(Stop { why: StopWhy::Lease, kill_at: None, killed: false });
        if now >= lease.kill_at && !stop.killed {
            stop.killed = true;
            actions.push(Action::Kill { key, past_lease: true });
        }
    }

    /// Does what time demands: a stop that takes too long becomes a kill, a start that takes too long a failure.
    pub fn keep_time(&mut self, whose: Whose<'_>, now: Ticks, actions: &mut Vec<Action>) {
        let pending_timeout = self.spec.pending_timeout;
        if let Life::Up(up) = &self.life
            && up.stop.is_none()
            && !up.online
            && up.since.plus(pending_timeout.get()) <= now
        {
            self.fail(format!("it did not come online within {pending_timeout}"), now);
        }
        let key = whose.key(self);
        let Life::Up(Up { stop: Some(stop), .. }) = &mut self.life else {
            return;
        };
        match stop.kill_at {
            Some(at) if at <= now && !stop.killed => {
                stop.killed = true;
                actions.push(Action::Kill { key, past_lease: false });
            }
            None if stop.why != StopWhy::Lease => self.stop(whose, StopWhy::Failed, now, actions),
            _ => {}
        }
    }

    /// A stop that the guard should have begun is gone through with when the lease was renewed after all: whether the
    /// guard asked before it heard of the renewal is not known.
    pub fn finish_lease_stop(&mut self, whose: Whose<'_>, now: Ticks, actions: &mut Vec<Action>) {
        if let Life::Up(Up { stop: Some(Stop { why: StopWhy::Lease, .. }), .. }) = &self.life {
            self.stop(whose, StopWhy::Lease, now, actions);
        }
    }

    /// Asks the probes that are due.
    pub fn ask_due(&mut self, whose: Whose<'_>, epoch: Epoch, now: Ticks, actions: &mut Vec<Action>) {
        let (key, spec) = (whose.key(self), self.spec.clone());
        let Life::Up(up) = &mut self.life else {
            return;
        };
        for which in kinds(up) {
            let asked = up.asked(*which);
            if let Some(ask) = probe_spec(&spec, *which)
                && !asked.in_flight
                && asked.next_at <= now
            {
                asked.in_flight = true;
                let probe = Probe { key: key.clone(), pid: up.pid, which: *which, ask: ask.clone() };
                actions.push(Action::Probe { probe, spec: Box::new(spec.clone()), epoch });
            }
        }
    }

    /// When something is due, if nothing happens before. Probes and starts only matter while the lease lets it run.
    pub fn wake_at(&self, may_run: bool) -> Option<Ticks> {
        match &self.life {
            Life::Dead if !may_run => None,
            Life::Dead if self.beyond.is_some() => self.retry_at(),
            Life::Dead => Some(self.start_at),
            Life::Starting { .. } => None,
            Life::Up(Up { stop: Some(stop), .. }) => stop.kill_at.filter(|_| !stop.killed),
            Life::Up(up) => {
                let mut probe = up.clone();
                let asked = kinds(up).iter().filter(|which| probe_spec(&self.spec, **which).is_some());
                let due = asked.map(|which| *probe.asked(*which)).filter(|a| !a.in_flight).map(|a| a.next_at);
                let timeout = (!up.online).then(|| up.since.plus(self.spec.pending_timeout.get()));
                due.chain(timeout).min()
            }
        }
    }
}

fn describe(exit: Exit) -> String {
    match (exit.code, exit.signal) {
        (_, Some(signal)) => format!("it was ended by signal {signal}"),
        (Some(code), None) => format!("it exited with code {code}"),
        (None, None) => "it ended".to_owned(),
    }
}
