//! How is a guard found or started? One per state directory, reached by a socket in it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Command;
use tokio::time::timeout;

use super::cgroup::SWITCH;
use super::client::{Connected, GuardError, REQUEST_TIMEOUT};
use super::link::attach;
use super::protocol::{LOG, Message, READY, SOCKET, VERSION};
use super::remains::{Process, clear, read_identity};

/// Which program is the guard, for a test whose own executable is another: the environment variable's name.
const EXE: &str = "LOCUM_GUARD_EXE";

/// A start is an exec and a few system calls; this is for a machine that swaps.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Clearing kills; only a process stuck in the kernel outlives that.
const CLEAR_TIMEOUT: Duration = Duration::from_secs(10);

/// How guards are started.
#[derive(Debug, Clone)]
pub struct GuardLauncher {
    /// The program that has the subcommand `guard`.
    pub exe: PathBuf,
    /// Without, services are bounded by process groups.
    pub cgroups: bool,
}

impl Default for GuardLauncher {
    /// This very program (even if its file is deleted or replaced) unless `LOCUM_GUARD_EXE` names another; cgroups
    /// unless `LOCUM_CGROUP` is `off`.
    fn default() -> Self {
        let exe = std::env::var_os(EXE).unwrap_or_else(|| OsString::from("/proc/self/exe")).into();
        Self { exe, cgroups: std::env::var_os(SWITCH).is_none_or(|value| value != "off") }
    }
}

/// A fresh connection: both halves, and what the guard said first.
pub struct Greeted {
    pub read: BufReader<OwnedReadHalf>,
    pub write: OwnedWriteHalf,
    pub hello: super::protocol::Hello,
}

impl GuardLauncher {
    /// Connects to the guard that lives in this state directory, or clears what an earlier one left and starts one.
    /// A guard that does not answer is killed, and its services with it.
    pub async fn connect(&self, state_dir: &Path) -> Result<Connected, GuardError> {
        let state_dir = state_dir
            .canonicalize()
            .map_err(|e| gone(format!("the state directory {} can't be used: {e}", state_dir.display())))?;
        if let Ok(greeted) = greet(&state_dir).await {
            if greeted.hello.version > VERSION {
                return Err(gone(format!(
                    "it speaks version {} and this agent up to {VERSION}: start a newer agent",
                    greeted.hello.version
                )));
            }
            return attach(greeted);
        }
        timeout(CLEAR_TIMEOUT, remove_earlier(&state_dir))
            .await
            .map_err(|_| gone("what an earlier guard left can't be killed".to_owned()))?;
        self.launch(&state_dir).await?;
        attach(greet(&state_dir).await?)
    }

    /// Returns once the guard listens.
    async fn launch(&self, state_dir: &Path) -> Result<(), GuardError> {
        let failed = |e: std::io::Error| gone(format!("{} could not be started: {e}", self.exe.display()));
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(state_dir.join(LOG)).map_err(failed)?;
        let mut command = Command::new(&self.exe);
        command.arg0("locum").arg("guard").arg("--state-dir").arg(state_dir);
        if !self.cgroups {
            command.env(SWITCH, "off");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().map_err(failed)?;
        let mut said = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            timeout(START_TIMEOUT, stdout.read_to_string(&mut said))
                .await
                .map_err(|_| gone("it was started and is not ready".to_owned()))?
                .map_err(failed)?;
        }
        // The guard is this child's child: this one ends at once.
        child.wait().await.map_err(failed)?;
        if said.trim() == READY { Ok(()) } else { Err(gone(said.trim().to_owned())) }
    }
}

pub const fn gone(why: String) -> GuardError {
    GuardError::Gone(why)
}

/// Connects and hears the guard's first line.
async fn greet(state_dir: &Path) -> Result<Greeted, GuardError> {
    let talk = async {
        let dir = open_dir(state_dir)?;
        let (read, write) = UnixStream::connect(socket_in(&dir)).await?.into_split();
        let mut read = BufReader::new(read);
        let mut line = String::new();
        read.read_line(&mut line).await?;
        Ok::<_, std::io::Error>((read, write, line))
    };
    let (read, write, line) = timeout(REQUEST_TIMEOUT, talk)
        .await
        .map_err(|_| gone("it accepts and says nothing".to_owned()))?
        .map_err(|e| gone(e.to_string()))?;
    match serde_json::from_str(&line) {
        Ok(Message::Hello(hello)) => Ok(Greeted { read, write, hello }),
        _ => Err(gone("it did not say hello".to_owned())),
    }
}

/// Ends a guard that can't be talked to, and everything that any earlier one left.
async fn remove_earlier(state_dir: &Path) {
    let Some(identity) = read_identity(state_dir) else { return };
    if let Some(process) = Process::open(&identity) {
        process.kill();
        let _ = process.ended().await;
    }
    clear(&identity).await;
}

/// The directory as a descriptor: an address through it has room for a path of any length.
pub fn open_dir(state_dir: &Path) -> std::io::Result<OwnedFd> {
    let flags = nix::libc::O_PATH | nix::libc::O_DIRECTORY;
    let dir: File = OpenOptions::new().read(true).custom_flags(flags).open(state_dir)?;
    Ok(dir.into())
}

pub fn socket_in(dir: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd()))
}
