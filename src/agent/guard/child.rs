//! How does a forked child become the service? Every step between fork and exec, each with its sentence if it fails.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{
    ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, getppid, pipe2, setpgid,
};

use super::client::StartOrder;
use crate::clock::boot_ticks;
use crate::domain::Ticks;

/// A child on its way to exec.
#[derive(Debug)]
pub struct Forked {
    pub pid: Pid,
    /// Ends empty when the program runs; else says in a sentence why it does not.
    pub verdict: OwnedFd,
}

/// Forks a child that runs the program, unless `stop_at` is reached by then. Waits for nothing: neither the log, the
/// directory nor the program, which may lie on a file system that hangs, can hold up the caller.
#[allow(unsafe_code)] // fork: the guard has one thread, so the child may allocate and take locks
pub fn spawn(order: &StartOrder, procs: Option<File>, stop_at: Ticks) -> io::Result<Forked> {
    let (verdict, tell) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let guard = getpid();
    // SAFETY: this process has a single thread.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            // Both sides do it: whoever comes first, the group exists before anyone kills it.
            let _ = setpgid(child, child);
            Ok(Forked { pid: child, verdict })
        }
        ForkResult::Child => {
            let why = catch_unwind(AssertUnwindSafe(|| match become_service(order, procs, guard, stop_at) {
                Err(why) => why,
                Ok(never) => match never {},
            }));
            let why = why.unwrap_or_else(|_| "the child of the guard failed before it could start the program".into());
            let _ = File::from(tell).write_all(why.as_bytes());
            // SAFETY: ends this process without running what the guard registered for its own end.
            unsafe { nix::libc::_exit(127) }
        }
    }
}

fn become_service(order: &StartOrder, procs: Option<File>, guard: Pid, stop_at: Ticks) -> Result<Infallible, String> {
    let program = order.command.first().ok_or("the command is empty: it needs at least a program")?;
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    if let Some(mut procs) = procs {
        procs.write_all(b"0").map_err(|e| format!("its cgroup could not be joined: {e}"))?;
    }
    tie_to_guard(guard).map_err(|e| format!("it could not be tied to the guard: {e}"))?;
    reset_signals().map_err(|e| format!("its signals could not be reset: {e}"))?;
    redirect(order)?;
    if let Some(dir) = &order.working_dir {
        chdir(dir).map_err(|e| format!("its working directory {} can't be entered: {}", dir.display(), e.desc()))?;
    }
    let mut command = Command::new(program);
    command.args(&order.command[1..]).env_clear().envs(&order.env);
    // The last look before exec: a guard that was frozen between its own look and the fork must not start it late.
    if boot_ticks() >= stop_at {
        return Err("the lease had passed before the program could be started".into());
    }
    Err(exec_sentence(program, &command.exec()))
}

fn tie_to_guard(guard: Pid) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // It may have died before the line above: then no signal comes any more.
    if getppid() == guard { Ok(()) } else { Err(Errno::ESRCH) }
}

#[allow(unsafe_code)]
fn reset_signals() -> nix::Result<()> {
    for each in Signal::iterator().filter(|s| !matches!(s, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: sets the default action, no handler of ours runs.
        unsafe { signal(each, SigHandler::SigDfl) }?;
    }
    SigSet::empty().thread_set_mask()
}

fn redirect(order: &StartOrder) -> Result<(), String> {
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&order.log)
        .map_err(|e| format!("its log {} can't be opened: {e}", order.log.display()))?;
    let null = File::open("/dev/null").map_err(|e| format!("/dev/null can't be opened: {e}"))?;
    dup2_stdin(null.as_fd())
        .and_then(|()| dup2_stdout(log.as_fd()))
        .and_then(|()| dup2_stderr(log.as_fd()))
        .map_err(|e| format!("its output could not be sent to its log: {e}"))
}

fn exec_sentence(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => {
            format!("the program {program} (or the interpreter that it names) does not exist")
        }
        io::ErrorKind::NotFound => {
            format!("the program {program} is not in PATH: install it or give its whole path")
        }
        io::ErrorKind::PermissionDenied => {
            format!("the program {program} may not be executed by this user: it needs the execute permission")
        }
        _ => format!("the program {program} could not be executed: {error}"),
    }
}
