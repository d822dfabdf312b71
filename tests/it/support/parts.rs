//! Locum's programs as processes of their own, ended by pid when a test ends.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const LOCUM: &str = env!("CARGO_BIN_EXE_locum");

/// A condition that does not come true within this fails its test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server or an agent that listens.
pub struct Part {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Part {
    pub fn server(dir: &Path) -> Self {
        let database = format!("sqlite:{}", dir.join("locum.db").display());
        Self::start(&dir.join("server.out"), &["server", "--database-url", &database])
    }

    pub fn agent(name: &str, state_dir: &Path) -> Self {
        let out = state_dir.with_extension("out");
        Self::start(&out, &["agent", "--name", name, "--state-dir", state_dir.to_str().unwrap()])
    }

    /// A server that may open so many files; its warnings are in `server.err`.
    pub fn server_with_files(dir: &Path, files: usize) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), LOCUM, "server"]);
        command.arg("--database-url").arg(format!("sqlite:{}", dir.join("locum.db").display()));
        command.env("LOCUM_LOG", "warn").stderr(File::create(dir.join("server.err")).unwrap());
        Self::begin(&dir.join("server.out"), command)
    }

    fn start(out: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(LOCUM);
        command.args(args).env("LOCUM_LOG", "off");
        Self::begin(out, command)
    }

    fn begin(out: &Path, mut command: Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]);
        let child = command.stdin(Stdio::null()).stdout(File::create(out).unwrap()).spawn().unwrap();
        let mut part = Self { child, url: String::new() };
        wait_until(&format!("{command:?} listens"), || {
            let said = fs::read_to_string(out).unwrap();
            part.url = said.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
            said.ends_with('\n')
        });
        part
    }
}

impl Part {
    pub fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }

    /// What its process takes, in bytes: now (`VmRSS`), or at most so far (`VmHWM`).
    pub fn memory(&self, field: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end. Nobody is at its terminal.
pub fn locum(args: &[&str]) -> Said {
    let mut command = Command::new(LOCUM);
    command.args(args).env("LOCUM_LOG", "off").env_remove("LOCUM_SERVER").env_remove("LOCUM_CLUSTER");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let give_up_at = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() >= give_up_at {
            child.kill().unwrap();
            panic!("{args:?} goes on: {:?}", child.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command that is refused with one sentence, in which each of `words` stands.
pub fn refused(args: &[&str], code: i32, words: &[&str]) {
    let said = locum(args);
    assert_eq!(said.code, Some(code), "{args:?}: {said:?}");
    assert_eq!(said.err.lines().count(), 1, "{args:?}: {said:?}");
    words.iter().for_each(|word| assert!(said.err.contains(word), "{args:?}: {word:?} is not in {said:?}"));
}

/// A cluster's status document.
pub fn status(server: &Part, cluster: &str) -> Value {
    let said = locum(&["status", cluster, "--server", &server.url, "--output", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < give_up_at, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
