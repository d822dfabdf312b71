//! How is what a dead guard left brought to nothing? Its cgroup is killed, and what else is in its session.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::protocol::{IDENTITY, Identity};
use super::{cgroup, procfs};
use crate::clock::{Clock, SystemClock};

/// Between two looks at what is dying: short, for a move waits on it.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What `guard.json` says, if there is one.
pub fn read_identity(state_dir: &Path) -> Option<Identity> {
    serde_json::from_slice(&std::fs::read(state_dir.join(IDENTITY)).ok()?).ok()
}

/// A guard process that can't be mistaken for another, even when its pid is used again.
#[derive(Debug)]
pub struct Process(AsyncFd<OwnedFd>);

impl Process {
    /// `None` if that process has ended.
    #[allow(unsafe_code)]
    pub fn open(identity: &Identity) -> Option<Self> {
        // SAFETY: takes two integers; a descriptor that it returns is nobody else's.
        let fd = unsafe {
            let raw = nix::libc::syscall(nix::libc::SYS_pidfd_open, identity.pid.cast_signed(), 0);
            let raw = i32::try_from(raw).ok().filter(|fd| *fd >= 0)?;
            OwnedFd::from_raw_fd(raw)
        };
        // After the descriptor is open, so that what is looked at is what will be killed.
        if !is_alive(identity) {
            return None;
        }
        // SAFETY: an `OwnedFd` keeps its descriptor, the same one, until it is dropped.
        unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.ok().map(Self)
    }

    #[allow(unsafe_code)]
    pub fn kill(&self) {
        let no_info = std::ptr::null::<nix::libc::siginfo_t>();
        // SAFETY: the descriptor is open, and no siginfo is handed over.
        unsafe {
            nix::libc::syscall(nix::libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), nix::libc::SIGKILL, no_info, 0);
        }
    }

    pub async fn ended(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }
}

fn is_alive(identity: &Identity) -> bool {
    identity.boot == procfs::boot_id()
        && procfs::stat(identity.pid).is_some_and(|stat| stat.is_alive() && stat.started == identity.started)
}

/// Kills what a dead guard's services left and returns when nothing of it is alive.
pub async fn clear(identity: &Identity) {
    if identity.boot != procfs::boot_id() {
        return;
    }
    loop {
        if let Some(base) = &identity.cgroup {
            let _ = cgroup::kill(base);
        }
        let members = orphans(identity);
        for &pid in &members {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
        if members.is_empty() && !identity.cgroup.as_deref().is_some_and(cgroup::is_populated) {
            break;
        }
        SystemClock.sleep(LOOK_AGAIN).await;
    }
    if let Some(base) = &identity.cgroup {
        cgroup::remove(base);
    }
}

/// A session's number is not given to a process while one of its members lives. So where another process has the
/// guard's number by now, nothing is left of the guard's session.
fn orphans(identity: &Identity) -> Vec<u32> {
    match procfs::stat(identity.pid) {
        Some(stat) if stat.started != identity.started => Vec::new(),
        _ => procfs::members(identity.pid, None),
    }
}
