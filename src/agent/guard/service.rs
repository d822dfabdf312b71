//! What does the guard know of one service, and how does it end all of it?

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, read};

use super::client::{Exit, Guarded};
use super::{cgroup, procfs};
use crate::domain::StopSignal;

/// A child that has not reached exec yet, and the request that waits for it.
#[derive(Debug)]
pub struct Starting {
    pub seq: u64,
    pub verdict: OwnedFd,
    pub said: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum ExecVerdict {
    Pending,
    Runs,
    Failed(String),
}

#[derive(Debug)]
pub struct Service {
    pub guarded: Guarded,
    pub stop_signal: StopSignal,
    pub cgroup: Option<PathBuf>,
    pub starting: Option<Starting>,
    /// Asked to stop, by the agent or by the guard: nobody asks twice.
    pub stop_sent: bool,
    pub killed: bool,
    /// Its process was reaped; `guarded.exited` follows when nothing of its tree is alive.
    pub reaped: Option<Exit>,
    /// Why the program never ran.
    pub failed: Option<(u64, String)>,
}

impl Service {
    pub const fn is_over(&self) -> bool {
        self.guarded.exited.is_some()
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.guarded.pid.cast_signed())
    }

    /// Sends to its process, as long as that is ours to reap (so its pid is no one else's).
    pub fn signal(&mut self, signal: StopSignal) {
        self.stop_sent = true;
        if self.reaped.is_none() {
            let _ = kill(self.pid(), os_signal(signal));
        }
    }

    /// Kills the whole tree.
    pub fn kill_tree(&mut self, session: u32) {
        self.killed = true;
        self.stop_sent = true;
        if let Some(dir) = &self.cgroup {
            let _ = cgroup::kill(dir);
        }
        if self.reaped.is_none() {
            // A child that has not joined its cgroup or group yet is reached by its pid.
            let _ = kill(self.pid(), Signal::SIGKILL);
            if self.cgroup.is_none() {
                let _ = killpg(self.pid(), Signal::SIGKILL);
            }
        } else if self.cgroup.is_none() {
            for pid in procfs::members(session, Some(self.guarded.pid)) {
                let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
            }
        }
    }

    /// Whether its process is reaped and nothing of its tree is alive.
    pub fn is_empty(&self, session: u32) -> bool {
        self.reaped.is_some()
            && match &self.cgroup {
                Some(dir) => !cgroup::is_populated(dir),
                None => procfs::members(session, Some(self.guarded.pid)).is_empty(),
            }
    }

    /// Whether the child has reached exec, without waiting for it.
    pub fn exec_verdict(&mut self) -> ExecVerdict {
        let Some(starting) = &mut self.starting else { return ExecVerdict::Pending };
        let mut chunk = [0; 4096];
        loop {
            match read(&starting.verdict, &mut chunk) {
                Ok(0) if starting.said.is_empty() => return ExecVerdict::Runs,
                Ok(0) => return ExecVerdict::Failed(String::from_utf8_lossy(&starting.said).into_owned()),
                Ok(count) => starting.said.extend_from_slice(&chunk[..count]),
                Err(Errno::EINTR) => {}
                Err(_) => return ExecVerdict::Pending,
            }
        }
    }
}

pub const fn os_signal(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::SIGTERM,
        StopSignal::Int => Signal::SIGINT,
        StopSignal::Quit => Signal::SIGQUIT,
        StopSignal::Hup => Signal::SIGHUP,
        StopSignal::Usr1 => Signal::SIGUSR1,
        StopSignal::Usr2 => Signal::SIGUSR2,
        StopSignal::Kill => Signal::SIGKILL,
    }
}
