//! What does the guard process do? It parents services, obeys one agent, and keeps their deadline without it.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{Expiration, TimerFd, TimerSetTimeFlags};

use super::client::{Exit, Guarded, LeaseEnd, ServiceKey, StartOrder};
use super::connection::Connection;
use super::protocol::{Call, Hello, Identity, Message, Request};
use super::service::{ExecVerdict, Service, Starting};
use super::{cgroup, child};
use crate::clock::boot_ticks;
use crate::domain::{Bounded, StopSignal, Ticks};

mod setup;

pub use setup::{GuardFailure, run};

/// How often a tree that is being killed is looked at; nothing else is polled for.
const DYING_LOOK_MILLIS: u16 = 2;

/// A guard that is itself told to stop gives its services this long.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// An agent that started a guard connects at once; one that died in between never does.
const FIRST_AGENT_WITHIN: Duration = Duration::from_secs(10);

/// When an instance's lease ends: it has none.
const NEVER: Ticks = Ticks(u64::MAX);

struct Guard {
    listener: UnixListener,
    signals: SignalFd,
    timer: TimerFd,
    agent: Option<Connection>,
    identity: Identity,
    services: BTreeMap<ServiceKey, Service>,
    lease_end: LeaseEnd,
    /// Set once the guard itself was told to stop.
    shutdown_kill_at: Option<Ticks>,
    first_agent_by: Option<Ticks>,
}

impl Guard {
    fn serve(&mut self) -> Result<(), Errno> {
        loop {
            self.reap();
            self.hear_children();
            self.expire(boot_ticks());
            self.settle();
            if self.agent.as_ref().is_some_and(Connection::is_broken) {
                self.agent = None;
            }
            if self.has_nothing_to_do(boot_ticks()) {
                return Ok(());
            }
            self.wait()?;
            // What has passed has passed, even if an extension came while this process was frozen.
            self.expire(boot_ticks());
            self.hear_signals();
            self.accept();
            self.hear_agent();
        }
    }

    fn wait(&self) -> Result<(), Errno> {
        match self.next_deadline() {
            Some(at) => {
                let at = TimeSpec::from_duration(Duration::from_micros(at.0.max(1)));
                self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            None => self.timer.unset()?,
        }
        let readable = PollFlags::POLLIN;
        let mut fds = vec![
            PollFd::new(self.listener.as_fd(), readable),
            PollFd::new(self.signals.as_fd(), readable),
            PollFd::new(self.timer.as_fd(), readable),
        ];
        if let Some(agent) = &self.agent {
            let flags = if agent.wants_to_write() { readable | PollFlags::POLLOUT } else { readable };
            fds.push(PollFd::new(agent.fd(), flags));
        }
        let starting = self.services.values().filter_map(|s| s.starting.as_ref());
        fds.extend(starting.map(|s| PollFd::new(s.verdict.as_fd(), readable)));
        let dying = self.services.values().any(|s| s.reaped.is_some() && !s.is_over());
        let timeout = if dying { PollTimeout::from(DYING_LOOK_MILLIS) } else { PollTimeout::NONE };
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn running(&self) -> impl Iterator<Item = &Service> {
        self.services.values().filter(|s| !s.is_over())
    }

    fn next_deadline(&self) -> Option<Ticks> {
        let of_services = self.running().filter(|s| !s.killed).flat_map(|s| {
            let end = s.guarded.key.is_leased().then_some(self.lease_end);
            let stop_at = end.filter(|_| !s.stop_sent).map(|end| end.stop_at);
            [stop_at, end.map(|end| end.kill_at), self.shutdown_kill_at]
        });
        of_services.chain([self.first_agent_by]).flatten().min()
    }

    /// Stops and kills what has reached its moment, whether an agent is there or not.
    fn expire(&mut self, now: Ticks) {
        let LeaseEnd { stop_at, kill_at } = self.lease_end;
        for service in self.services.values_mut().filter(|s| !s.is_over()) {
            let leased = service.guarded.key.is_leased();
            let stop = leased && now >= stop_at || self.shutdown_kill_at.is_some();
            let kill = leased && now >= kill_at || self.shutdown_kill_at.is_some_and(|at| now >= at);
            if kill && !service.killed {
                service.kill_tree(self.identity.pid);
            } else if stop && !service.stop_sent {
                service.signal(service.stop_signal);
            }
        }
    }

    fn has_nothing_to_do(&self, now: Ticks) -> bool {
        let guards_nothing = self.running().next().is_none();
        let awaits_first = self.first_agent_by.is_some_and(|by| now < by);
        guards_nothing && (self.shutdown_kill_at.is_some() || self.agent.is_none() && !awaits_first)
    }

    fn reap(&mut self) {
        while let Some((pid, code, signal)) = setup::reap_one() {
            let exit = Exit { code, signal, at: boot_ticks() };
            let main = self.services.values_mut().find(|s| s.guarded.pid == pid && s.reaped.is_none());
            if let Some(service) = main {
                service.reaped = Some(exit);
                service.kill_tree(self.identity.pid);
            }
        }
    }

    fn hear_children(&mut self) {
        let mut answers = Vec::new();
        for service in self.services.values_mut() {
            let verdict = service.exec_verdict();
            if verdict == ExecVerdict::Pending {
                continue;
            }
            let Some(Starting { seq, .. }) = service.starting.take() else { continue };
            match verdict {
                ExecVerdict::Failed(why) => service.failed = Some((seq, why)),
                _ => answers.push(Message::Done { seq, service: Some(service.guarded.clone()) }),
            }
        }
        for answer in answers {
            self.tell(&answer);
        }
    }

    /// Reports services of which nothing is left.
    fn settle(&mut self) {
        let session = self.identity.pid;
        let mut messages = Vec::new();
        self.services.retain(|key, service| {
            let Some(exit) = service.reaped.filter(|_| !service.is_over()) else { return true };
            if !service.is_empty(session) {
                service.kill_tree(session);
                return true;
            }
            if let Some(dir) = &service.cgroup {
                cgroup::remove(dir);
            }
            if let Some((seq, why)) = service.failed.take() {
                messages.push(Message::Refused { seq, why });
                return false;
            }
            service.guarded.exited = Some(exit);
            messages.push(Message::Exited { key: key.clone(), pid: service.guarded.pid, exit });
            true
        });
        for message in messages {
            self.tell(&message);
        }
    }

    fn tell(&mut self, message: &Message) {
        if let Some(agent) = &mut self.agent {
            agent.send(message);
        }
    }

    fn hear_signals(&mut self) {
        // Takes note of the timer; which deadline it was is looked up.
        let _ = self.timer.wait();
        while let Ok(Some(info)) = self.signals.read_signal() {
            let told_to_stop = [Signal::SIGTERM, Signal::SIGINT].iter().any(|s| *s as u32 == info.ssi_signo);
            if told_to_stop && self.shutdown_kill_at.is_none() {
                self.shutdown_kill_at = Some(boot_ticks().plus(SHUTDOWN_GRACE));
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let Ok(mut newest) = Connection::new(stream) else { continue };
            let services = self.services.values().filter(|s| s.failed.is_none()).map(|s| s.guarded.clone());
            newest.send(&Message::Hello(Hello::new(self.identity.clone(), services, self.lease_end)));
            if let Some(mut old) = self.agent.replace(newest) {
                old.send(&Message::Replaced {});
            }
            self.first_agent_by = None;
        }
    }

    fn hear_agent(&mut self) {
        let Some(agent) = &mut self.agent else { return };
        agent.flush();
        for line in agent.receive() {
            let Ok(request) = serde_json::from_slice::<Request<serde_json::Value>>(&line) else { continue };
            let seq = request.seq;
            let done = match serde_json::from_value::<Call>(request.call) {
                Ok(call) => self.obey(seq, call),
                Err(error) => Err(format!("this guard does not know the request ({error}): restart it with the agent")),
            };
            match done {
                Ok(true) => self.tell(&Message::Done { seq, service: None }),
                Ok(false) => {}
                Err(why) => self.tell(&Message::Refused { seq, why }),
            }
        }
    }

    /// `false`: the answer follows when the child has reached exec.
    fn obey(&mut self, seq: u64, call: Call) -> Result<bool, String> {
        match call {
            Call::SetLeaseEnd { end } => {
                self.lease_end = end;
                self.expire(boot_ticks());
            }
            Call::Start { order } => return self.start(seq, &order).map(|()| false),
            Call::Signal { key, signal } => self.signal(&key, signal)?,
            Call::Kill { key } => {
                let session = self.identity.pid;
                self.find(&key)?.kill_tree(session);
            }
            Call::Forget { key } => match self.services.get(&key) {
                Some(service) if !service.is_over() => {
                    return Err(format!("{key} still runs: kill it before it is forgotten"));
                }
                _ => drop(self.services.remove(&key)),
            },
        }
        Ok(true)
    }

    fn find(&mut self, key: &ServiceKey) -> Result<&mut Service, String> {
        let service = self.services.get_mut(key).filter(|s| !s.is_over());
        service.ok_or_else(|| format!("{key} does not run under this guard"))
    }

    fn signal(&mut self, key: &ServiceKey, signal: StopSignal) -> Result<(), String> {
        self.find(key)?.signal(signal);
        Ok(())
    }

    fn start(&mut self, seq: u64, order: &StartOrder) -> Result<(), String> {
        let StartOrder { key, .. } = order;
        let name = key.to_string();
        if self.shutdown_kill_at.is_some() {
            return Err(format!("{name} is not started: the guard was told to stop"));
        }
        if self.services.get(key).is_some_and(|s| !s.is_over()) {
            return Err(format!("{name} runs already: it is started again only once nothing of it is left"));
        }
        let stop_at = if key.is_leased() { self.lease_end.stop_at } else { NEVER };
        if boot_ticks() >= stop_at {
            return Err(format!("{name} is not started: there is no lease, or its stop moment has passed"));
        }
        let dir = self.identity.cgroup.as_ref().map(|base| cgroup::of_service(base, key));
        let procs = dir.as_deref().map(|dir| clean_cgroup(dir, &name)).transpose()?;
        let forked = child::spawn(order, procs, stop_at).map_err(|e| format!("{name} could not be forked: {e}"))?;
        let guarded = Guarded {
            key: key.clone(),
            epoch: order.epoch,
            pid: forked.pid.as_raw().cast_unsigned(),
            bounded: if dir.is_some() { Bounded::Cgroup } else { Bounded::ProcessGroup },
            started_at: boot_ticks(),
            exited: None,
        };
        let service = Service {
            guarded,
            stop_signal: order.stop_signal,
            cgroup: dir,
            starting: Some(Starting { seq, verdict: forked.verdict, said: Vec::new() }),
            stop_sent: false,
            killed: false,
            reaped: None,
            failed: None,
        };
        self.services.insert(key.clone(), service);
        Ok(())
    }
}

/// An empty cgroup to start in, as the file by which a child joins it.
fn clean_cgroup(dir: &std::path::Path, name: &str) -> Result<std::fs::File, String> {
    cgroup::make(dir).map_err(|e| format!("{name} is not started: its cgroup {} can't be made: {e}", dir.display()))?;
    if cgroup::is_populated(dir) {
        let _ = cgroup::kill(dir);
        return Err(format!("{name} is not started: something was alive in its cgroup {}; try again", dir.display()));
    }
    cgroup::open_procs(dir).map_err(|e| format!("{name} is not started: its cgroup {} refuses: {e}", dir.display()))
}
