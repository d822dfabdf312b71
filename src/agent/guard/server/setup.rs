//! How does a process become the guard? Out of the agent's session, with nothing of the agent's open.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, umask};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};
use nix::unistd::{ForkResult, chdir, dup2_stdin, dup2_stdout, fork, setsid};

use super::super::launch::{open_dir, socket_in};
use super::super::protocol::{IDENTITY, Identity, LOCK, READY, SOCKET};
use super::super::{cgroup, procfs};
use super::{FIRST_AGENT_WITHIN, Guard};
use crate::clock::boot_ticks;

/// From an idle guard's decision to end to its end: a few system calls.
const HANDOVER: Duration = Duration::from_secs(2);

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
#[error("the guard could not {0}: {1}")]
pub struct GuardFailure(&'static str, #[source] std::io::Error);

fn failure<E: Into<std::io::Error>>(what: &'static str) -> impl FnOnce(E) -> GuardFailure {
    move |error| GuardFailure(what, error.into())
}

/// Becomes the guard of a state directory, and returns when it guards nothing any more. To be called before the process
/// has a second thread: the parent-death signal of services is tied to the thread that forks them.
///
/// The calling process ends at once; the guard is its child, in a session of its own. `ready` on standard output says
/// that it listens; anything else there says why not.
pub fn run(state_dir: &Path) -> Result<(), GuardFailure> {
    leave_the_agent()?;
    let prepared = prepare(state_dir);
    // The agent waits for the end of this pipe.
    let mut stdout = std::io::stdout();
    let _ = match &prepared {
        Ok(_) => stdout.write_all(READY.as_bytes()),
        Err(failure) => stdout.write_all(failure.to_string().as_bytes()),
    };
    let _ = stdout.flush();
    let (mut guard, _lock) = prepared?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null").map_err(failure("open /dev/null"))?;
    dup2_stdin(null.as_fd()).and_then(|()| dup2_stdout(null.as_fd())).map_err(failure("leave the agent's pipe"))?;
    guard.serve().map_err(failure("wait for what happens"))?;
    if let Some(base) = &guard.identity.cgroup {
        cgroup::remove(base);
    }
    let _ = fs::remove_file(state_dir.join(IDENTITY));
    let _ = fs::remove_file(state_dir.join(SOCKET));
    Ok(())
}

#[allow(unsafe_code)]
fn leave_the_agent() -> Result<(), GuardFailure> {
    // SAFETY: this process has a single thread, and no descriptor above 2 is ours yet.
    match unsafe {
        nix::libc::syscall(nix::libc::SYS_close_range, 3_u32, u32::MAX, 0_u32);
        fork()
    }
    .map_err(failure("fork"))?
    {
        ForkResult::Parent { .. } => std::process::exit(0),
        ForkResult::Child => {}
    }
    setsid().map_err(failure("leave the session"))?;
    chdir("/").map_err(failure("leave the directory"))?;
    prctl::set_name(c"locum-guard").map_err(failure("set its name"))?;
    prctl::set_child_subreaper(true).map_err(failure("become the parent of orphans"))?;
    Ok(())
}

/// Everything that may touch a disk or fail: before the agent hears `ready`.
fn prepare(state_dir: &Path) -> Result<(Guard, Flock<File>), GuardFailure> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(state_dir.join(LOCK));
    let lock = take_lock(lock.map_err(failure("open its lock"))?)?;
    let mut mask = SigSet::empty();
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT].into_iter().for_each(|signal| mask.add(signal));
    mask.thread_block().map_err(failure("block signals"))?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let signals = SignalFd::with_flags(&mask, flags).map_err(failure("listen for signals"))?;
    let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
    let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map_err(failure("make a timer"))?;
    let identity = note_identity(state_dir).map_err(failure("note who it is"))?;
    let guard = Guard {
        listener: listen(state_dir).map_err(failure("listen on its socket"))?,
        signals,
        timer,
        agent: None,
        identity,
        services: std::collections::BTreeMap::new(),
        lease_end: super::LeaseEnd::default(),
        shutdown_kill_at: None,
        first_agent_by: Some(boot_ticks().plus(FIRST_AGENT_WITHIN)),
    };
    Ok((guard, lock))
}

/// Waits a little: a guard that has just become idle may still be on its way out.
fn take_lock(mut file: File) -> Result<Flock<File>, GuardFailure> {
    let give_up = boot_ticks().plus(HANDOVER);
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, error)) if boot_ticks() >= give_up => {
                return Err(GuardFailure("take its lock, another guard has it", error.into()));
            }
            Err((same, _)) => file = same,
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whoever finds this guard dead finds its services by it, so it is on disk before there are any.
fn note_identity(state_dir: &Path) -> std::io::Result<Identity> {
    let pid = std::process::id();
    let started = procfs::stat(pid).ok_or(Errno::ESRCH)?.started;
    let identity = Identity { pid, started, boot: procfs::boot_id(), cgroup: cgroup::make_base(state_dir) };
    let new = state_dir.join("guard.json.new");
    fs::write(&new, serde_json::to_vec(&identity)?)?;
    fs::rename(new, state_dir.join(IDENTITY))?;
    Ok(identity)
}

fn listen(state_dir: &Path) -> std::io::Result<UnixListener> {
    // The lock is ours, so a socket that is there is a dead guard's.
    let _ = fs::remove_file(state_dir.join(SOCKET));
    let dir = open_dir(state_dir)?;
    let before = umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(socket_in(&dir));
    umask(before);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// One ended child: pid, exit code, signal. By hand, for nix knows no real-time signals and would lose that child.
#[allow(unsafe_code)]
pub fn reap_one() -> Option<(u32, Option<i32>, Option<i32>)> {
    use nix::libc::{WEXITSTATUS, WIFEXITED, WNOHANG, WTERMSIG, waitpid};
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let pid = u32::try_from(unsafe { waitpid(-1, &raw mut status, WNOHANG) }).ok().filter(|&pid| pid > 0)?;
    let exited = WIFEXITED(status);
    Some((pid, exited.then(|| WEXITSTATUS(status)), (!exited).then(|| WTERMSIG(status))))
}
