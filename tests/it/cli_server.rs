//! What do the commands do with a real server and a real agent behind them?

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// `locum server` or `locum agent`, ended with the test.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
        command.args(arguments).args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = format!("http://{}", line.trim().split("http://").nth(1).expect("it says where it listens"));
        Self { child, url }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// A server, and one agent for node `a`.
struct Site {
    server: Program,
    agent: Program,
    folder: tempfile::TempDir,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let server = Program::start(&["server", "--database-url", &format!("sqlite:{}", path("locum.db"))]);
        let agent = Program::start(&["agent", "--name", "a", "--state-dir", &path("a")]);
        Self { server, agent, folder }
    }

    /// A topology of one group that sleeps for `seconds`, in a file.
    fn document(&self, seconds: u32) -> String {
        let text = format!(
            "cluster: c
nodes:
  - {{ name: a, agent: \"{}\" }}
groups:
  - name: g
    resources:
      - {{ name: r, type: process, command: [sleep, \"{seconds}\"] }}
",
            self.agent.url
        );
        let file = self.folder.path().join("topology.yaml");
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    fn locum(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
        command.args(arguments).env("LOCUM_SERVER", &self.server.url).env_remove("LOCUM_CLUSTER");
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that ends with `code`, and gives what it wrote.
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.locum(arguments);
        let text = [output.stdout.as_slice(), &output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        text
    }

    fn wait_until_online(&self) -> Value {
        let give_up_at = Instant::now() + Duration::from_secs(20);
        loop {
            let output = self.locum(&["status", "--output", "json"]);
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if status["groups"][0]["state"] == "online" {
                return status;
            }
            assert!(Instant::now() < give_up_at, "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_cluster_from_apply_to_offline() {
    let site = Site::start();
    assert!(site.says(1, &["status"]).contains("has no cluster yet"));

    let file = site.document(3001);
    assert!(site.says(0, &["plan", "-f", &file]).contains("start"));
    assert!(site.says(1, &["status", "c"]).contains("no cluster \"c\""), "a plan changes nothing");
    assert!(site.says(0, &["apply", "-f", &file]).contains("cluster c created, generation 1"));
    let status = site.wait_until_online();
    assert_eq!(status["groups"][0]["owner"], "a");
    assert!(site.says(0, &["apply", "-f", &file]).contains("nothing changes"));

    // A change that restarts the service is shown, wants a yes, and changes nothing without it.
    let file = site.document(3002);
    let asked = site.says(3, &["apply", "-f", &file]);
    assert!(asked.contains("restart") && asked.contains("--yes"), "{asked}");
    assert_eq!(site.wait_until_online()["groups"][0]["resources"], status["groups"][0]["resources"]);
    assert!(site.says(0, &["apply", "-f", &file, "--yes"]).contains("changed, generation 2"));

    // The only node can't be moved away from: the operation fails, and says so.
    site.wait_until_online();
    assert!(site.says(5, &["move", "g"]).contains("move g failed"));
    assert!(site.says(1, &["pause", "b"]).contains("there is no node \"b\""));
    assert!(site.says(0, &["pause", "a"]).contains("pause a succeeded"));
    assert!(site.says(0, &["resume", "c", "a"]).contains("resume a succeeded"));
    assert!(site.says(1, &["confirm-down", "a", "--yes"]).contains("answers"));
    assert!(site.says(0, &["offline", "g", "--reason", "the test ends"]).contains("offline g succeeded"));
    let table = site.says(0, &["status"]);
    assert!(table.contains("offline") && table.contains("NODE"), "{table}");
    assert!(site.says(0, &["history"]).contains("No failovers yet"));
    assert!(site.says(0, &["history", "--output", "json"]).contains("\"items\": []"));
}

#[test]
fn what_can_not_start_says_why_in_one_sentence() {
    let site = Site::start();
    let taken = site.server.url.trim_start_matches("http://").to_owned();
    let path = |name: &str| site.folder.path().join(name).display().to_string();
    let one_sentence = |arguments: &[&str]| {
        let output = site.locum(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let sentence: Vec<&str> = said.lines().filter(|line| line.starts_with("locum: ")).collect();
        assert_eq!(sentence.len(), 1, "{said}");
        sentence[0].to_owned()
    };
    let database = |name: &str| format!("sqlite:{}", path(name));
    let port = one_sentence(&["server", "--listen", &taken, "--database-url", &database("other.db")]);
    assert!(port.contains(&taken), "{port}");
    let port = one_sentence(&["agent", "--name", "b", "--listen", &taken, "--state-dir", &path("b")]);
    assert!(port.contains(&taken), "{port}");
    let lock = one_sentence(&["server", "--listen", "127.0.0.1:0", "--database-url", &database("locum.db")]);
    assert!(lock.contains("locum.db"), "{lock}");
    let held = one_sentence(&["agent", "--name", "a", "--listen", "127.0.0.1:0", "--state-dir", &path("a")]);
    assert!(held.contains(&path("a")), "{held}");
    let exposed = one_sentence(&["server", "--listen", "0.0.0.0:0", "--database-url", &database("third.db")]);
    assert!(exposed.contains("--insecure"), "{exposed}");
    assert!(!Path::new(&path("third.db")).exists(), "a server that may not start leaves no database");
}

#[test]
fn status_is_followed_as_it_changes() {
    let site = Site::start();
    let file = site.document(3003);
    site.says(0, &["apply", "-f", &file]);
    site.wait_until_online();
    let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
    command.args(["status", "--watch", "--output", "json", "--server", &site.server.url]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["groups"][0]["state"], "online");
    site.says(0, &["offline", "g"]);
    while next()["groups"][0]["state"] != "offline" {}
    child.kill().unwrap();
    child.wait().unwrap();
}
