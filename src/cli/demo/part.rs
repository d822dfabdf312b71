//! How is one program of a demo started, ended and started again at the same address?

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::processes;
use crate::cli::exit::Failure;
use crate::clock::{Clock, SystemClock};

/// A program that has not said where it listens after this time has failed.
const START_WITHIN: Duration = Duration::from_secs(15);

/// A program that has not ended this long after SIGTERM is killed.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// How much of a log is shown when something went wrong.
const TAIL_LINES: usize = 12;

/// A `locum server` or `locum agent` as a child process.
#[derive(Debug)]
pub struct Part {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    /// Port 0 until it was first started.
    address: SocketAddr,
    child: Option<Child>,
}

impl Part {
    /// `arguments` without `--listen`; the program's own folder for its log.
    pub fn new(name: &str, program: &Path, arguments: Vec<String>, log_folder: &Path) -> Self {
        let log = log_folder.join(format!("{name}.log"));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { name: name.to_owned(), program: program.to_owned(), arguments, log, address, child: None }
    }

    /// Starts it and waits until it says where it listens: on a free port the first time, later on the same.
    pub async fn start(&mut self) -> Result<(), Failure> {
        let log = self.open_log()?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--listen").arg(self.address.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        // Not the terminal's foreground group: Ctrl-C is for the demo, which ends its parts in order.
        command.process_group(0);
        let mut child = command.spawn().map_err(|e| Failure::Failed(format!("can't start {}: {e}", self.name)))?;
        let output = child.stdout.take();
        self.child = Some(child);
        let mut lines = BufReader::new(output.ok_or_else(|| self.failed("has no output"))?).lines();
        let line = tokio::select! {
            line = lines.next_line() => line?.ok_or_else(|| self.failed("ended at once"))?,
            () = SystemClock.sleep(START_WITHIN) => return Err(self.failed("did not say in time where it listens")),
        };
        let address = line.split("http://").nth(1).and_then(|text| text.trim().parse().ok());
        self.address = address.ok_or_else(|| self.failed(&format!("said {line:?} instead of where it listens")))?;
        tokio::spawn(async move { while matches!(lines.next_line().await, Ok(Some(_))) {} });
        Ok(())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process, while it has one.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    pub fn signal(&self, signal: Signal) -> Result<(), Failure> {
        match self.pid() {
            Some(pid) => Ok(processes::signal(pid, signal)?),
            None => Ok(()),
        }
    }

    /// Waits for the end of a process that was killed.
    pub async fn ended(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.child.take() {
            child.wait().await?;
        }
        Ok(())
    }

    /// kill -9.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        self.signal(Signal::SIGKILL)?;
        self.ended().await
    }

    /// SIGTERM, and SIGKILL if it takes too long.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        self.signal(Signal::SIGCONT)?;
        self.signal(Signal::SIGTERM)?;
        let Some(child) = self.child.as_mut() else { return Ok(()) };
        let in_time = tokio::select! {
            ended = child.wait() => ended.map(|_| true)?,
            () = SystemClock.sleep(STOP_WITHIN) => false,
        };
        if in_time {
            self.child = None;
            return Ok(());
        }
        self.kill().await
    }

    /// The last lines that it logged, for a person who wonders what went wrong.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        tail.iter().map(|line| format!("\n  {} | {line}", self.name)).collect()
    }

    fn failed(&self, how: &str) -> Failure {
        Failure::Failed(format!("{} {how}{}", self.name, self.log_tail()))
    }

    fn open_log(&self) -> Result<File, Failure> {
        Ok(OpenOptions::new().create(true).append(true).open(&self.log)?)
    }
}
