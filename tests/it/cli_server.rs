//! What do the commands do with a real server and a real agent behind them?

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::parts::{Part, locum, status, wait_until};

/// A server, and one agent for node `a`.
struct Site {
    server: Part,
    agent: Part,
    folder: tempfile::TempDir,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, agent) = (Part::server(folder.path()), Part::agent("a", &folder.path().join("a")));
        Self { server, agent, folder }
    }

    /// A topology of one group that sleeps, in a file.
    fn document(&self) -> String {
        let text = format!(
            "cluster: c\nnodes:\n  - {{ name: a, agent: \"{}\" }}\ngroups:\n  - name: g\n    resources:\n      \
             - {{ name: r, type: process, command: [sleep, \"3001\"] }}\n",
            self.agent.url
        );
        let file = self.folder.path().join("topology.yaml");
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// Runs a command that ends with `code`, and gives what it wrote.
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let said = locum(&[arguments, &["--server", &self.server.url]].concat());
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        said.out + &said.err
    }

    fn wait_until_online(&self) {
        wait_until("the group is online", || status(&self.server, "c")["groups"][0]["state"] == "online");
    }
}

#[test]
fn a_cluster_from_apply_to_offline() {
    let site = Site::start();
    let file = site.document();
    assert!(site.says(0, &["plan", "-f", &file]).contains("start"));
    assert!(site.says(1, &["status", "c"]).contains("no cluster \"c\""), "a plan changes nothing");
    assert!(site.says(0, &["apply", "-f", &file]).contains("cluster c created, generation 1"));
    site.wait_until_online();
    assert!(site.says(0, &["apply", "-f", &file]).contains("nothing changes"));

    // The only node can't be moved away from: the operation fails, and says so.
    assert!(site.says(5, &["move", "g"]).contains("move g failed"));
    assert!(site.says(0, &["pause", "a"]).contains("pause a succeeded"));
    assert!(site.says(0, &["resume", "c", "a"]).contains("resume a succeeded"));
    assert!(site.says(1, &["confirm-down", "a", "--yes"]).contains("answers"));
    assert!(site.says(0, &["offline", "g", "--reason", "the test ends"]).contains("offline g succeeded"));
    let table = site.says(0, &["status"]);
    assert!(table.contains("offline") && table.contains("NODE"), "{table}");
    assert!(site.says(0, &["history"]).contains("No failovers yet"));
    assert!(site.says(0, &["history", "--output", "json"]).contains("\"items\": []"));

    let table = site.says(0, &["statistics"]);
    assert!(table.contains("UPTIME") && table.lines().any(|line| line.starts_with("g ")), "{table}");
    let told = site.says(0, &["statistics", "c", "--group", "g", "--output", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let spans = told["spans"].as_array().unwrap();
    let states: Vec<_> = spans.iter().map(|span| span["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["unknown", "down", "online", "offline"], "{told}");
    assert_eq!(spans[2]["owner"], "a");
    assert!(site.says(0, &["statistics", "--report"]).starts_with("# Statistics of c"));
    assert!(site.says(0, &["statistics", "--group", "g"]).contains("SINCE"));
    assert!(site.says(1, &["statistics", "--since", "2999-01-01T00:00:00Z"]).contains("must be in the past"));
}

#[test]
fn operations_are_listed_cancelled_and_end_in_time() {
    let site = Site::start();
    site.says(0, &["apply", "-f", &site.document()]);
    site.wait_until_online();
    assert!(site.says(0, &["operations"]).contains("No operations"));
    // There is no other node: the drain waits.
    let begun = site.says(0, &["drain", "a", "--no-wait", "--output", "json"]);
    let begun: Value = serde_json::from_str(&begun).unwrap();
    let id = begun["id"].as_str().unwrap();
    let table = site.says(0, &["operations", "c", "--state", "running", "--kind", "drain", "--target", "a"]);
    assert!(table.contains(id) && table.contains("PHASE"), "{table}");
    assert!(site.says(0, &["cancel", id, "--reason", "wrong node"]).contains("a may run groups again"));
    assert!(site.says(0, &["operations", "--state", "cancelled"]).contains(id));
    assert!(site.says(1, &["operations", "--state", "done"]).contains("state is one of running, "));

    let failed = site.says(5, &["drain", "a", "--timeout", "1s"]);
    assert!(failed.contains("drain a (waiting): 1 group left: g"), "{failed}");
    assert!(failed.contains("drain a failed: it was not done within 1s"), "{failed}");
    assert!(failed.contains("a is still wanted drained"), "{failed}");
    assert_eq!(status(&site.server, "c")["nodes"][0]["wanted"], "drained");
}

#[test]
fn status_is_followed_as_it_changes() {
    let site = Site::start();
    site.says(0, &["apply", "-f", &site.document()]);
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

#[test]
fn a_cluster_that_asks_what_is_overwritten_is_told_so_by_apply_and_revert() {
    let site = Site::start();
    let file = site.document();
    site.says(0, &["apply", "-f", &file]);
    let strict = std::fs::read_to_string(&file).unwrap() + "policy: { require_if_match: true }\n";
    std::fs::write(&file, &strict).unwrap();
    assert!(site.says(0, &["apply", "-f", &file]).contains("generation 2"));
    std::fs::write(&file, strict + "settings: { lease: 20s }\n").unwrap();
    site.says(0, &["plan", "-f", &file]);
    assert!(site.says(0, &["apply", "-f", &file, "--yes"]).contains("generation 3"));
    site.says(0, &["revert", "2", "--dry-run"]);
    assert!(site.says(0, &["revert", "2", "--yes"]).contains("cluster c reverted, generation 4"));
}
