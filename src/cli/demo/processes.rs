//! Which processes belong to a demo? Those whose command line names its folder, which nobody else knows.

use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clock::{Clock, SystemClock};

/// How often a process that should end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A process and its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub pid: u32,
    pub command: Vec<String>,
}

impl Found {
    /// Whether it is a guard.
    pub fn is_guard(&self) -> bool {
        self.command.get(1).is_some_and(|word| word == "guard")
    }
}

/// Every process, but for this one, that has `folder` in an argument.
pub fn naming(folder: &Path) -> Vec<Found> {
    let needle = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != std::process::id())
        .filter_map(|pid| Some(Found { pid, command: command_of(pid)? }))
        .filter(|found| found.command.iter().skip(1).any(|argument| names(argument, &needle)))
        .collect()
}

/// The folder itself or something in it, not another folder whose name begins alike.
fn names(argument: &str, folder: &str) -> bool {
    argument.split_once(folder).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with('/'))
}

/// `None` for one that is gone; a zombie's is empty.
fn command_of(pid: u32) -> Option<Vec<String>> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

/// Sends a signal. A process that is gone already is no error.
pub fn signal(pid: u32, signal: Signal) -> std::io::Result<()> {
    let pid = i32::try_from(pid).map_err(std::io::Error::other)?;
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits until no process names `folder`; false if some still do after `within`.
pub async fn gone(folder: &Path, within: Duration) -> bool {
    let give_up_at = SystemClock.ticks().plus(within);
    while !naming(folder).is_empty() {
        if SystemClock.ticks() >= give_up_at {
            return false;
        }
        SystemClock.sleep(LOOK_EVERY).await;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_name_begins_alike_is_another() {
        assert!(names("--state-dir=/tmp/demo-a", "/tmp/demo-a"));
        assert!(names("/tmp/demo-a/bts1", "/tmp/demo-a"));
        assert!(!names("/tmp/demo-ab/bts1", "/tmp/demo-a"));
        assert!(!names("/tmp", "/tmp/demo-a"));
    }
}
