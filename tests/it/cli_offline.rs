//! What do the commands say of a document, without a server?

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::parts::{Said, locum};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ftp-receive.yaml");

/// A folder with one document in it.
struct File(tempfile::TempDir, PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        Self(folder, path)
    }

    fn path(&self) -> &str {
        assert!(self.0.path().is_dir());
        self.1.to_str().unwrap()
    }
}

fn ends(code: i32, arguments: &[&str]) -> Said {
    let said = locum(arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    said
}

fn json_of(code: i32, arguments: &[&str]) -> Value {
    let said = ends(code, &[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Name, state and owner of every group at the end.
fn end(found: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let groups = found["end"].as_array().unwrap().iter();
    groups
        .map(|group| format!("{} {} {}", text(&group["name"]), text(&group["state"]), text(&group["owner"])))
        .collect()
}

#[test]
fn a_good_document_has_no_error() {
    let found = json_of(0, &["check", "-f", EXAMPLE]);
    assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), ["findings"]);
    let severities: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|finding| finding["severity"].as_str().unwrap()).collect();
    assert!(!severities.contains(&"error"), "{found}");
}

#[test]
fn what_cannot_be_read_has_a_line_and_what_is_waived_stands_apart() {
    let broken = File::new("broken.yaml", "cluster: c\nnodes: [\n");
    let said = ends(1, &["check", "-f", broken.path()]);
    assert!(said.out.contains("broken.yaml:3: error unreadable"), "{said:?}");
    let waiver = "waivers:\n  - { rule: S04, reason: a test, actor: ann, expires: 2199-01-01T00:00:00Z }\n";
    let text = "cluster: c\nnodes: [{ name: a, agent: \"http://127.0.0.1:1\" }]\ngroups:\n  - name: g\n    resources: \
                [{ name: r, type: process, command: [x] }]\n";
    let file = File::new("waived.yaml", &format!("{text}{waiver}"));
    let said = ends(0, &["check", "-f", file.path()]);
    assert!(!said.out.contains("warning S04") && said.out.contains("WAIVED") && said.out.contains("ann"), "{said:?}");
    assert_eq!(json_of(0, &["check", "-f", file.path()])["waived"][0]["finding"]["rule"], "S04");
}

#[test]
fn each_mistake_is_a_finding_with_its_line() {
    let text = "cluster: c\nnodes:\n  - { name: a, agent: \"http://127.0.0.1:1\" }\n  - name: a\n    agent: nonsense\n";
    let file = File::new("bad.yaml", text);
    let said = ends(1, &["check", "-f", file.path()]);
    for line in [4, 5] {
        assert!(said.out.contains(&format!("bad.yaml:{line}: error ")), "{said:?}");
    }
    assert!(said.err.contains("2 errors"), "{said:?}");
    let found = json_of(1, &["check", "-f", file.path()]);
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{found}");
    for finding in findings {
        let mut keys: Vec<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["fix", "message", "objects", "rule", "severity", "source"]);
        assert_eq!(finding["severity"], "error");
    }
}

#[test]
fn a_file_that_is_no_document_is_a_finding_too() {
    let file = File::new("broken.json", "{\"cluster\": \"c\", \"nodes\": [}");
    let found = json_of(1, &["check", "-f", file.path()]);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{found}");
    let said = ends(1, &["check", "-f", "/nowhere/at/all.yaml"]);
    assert!(said.err.contains("can't read /nowhere/at/all.yaml"), "{said:?}");
}

#[test]
fn groups_start_where_the_plan_from_cold_puts_them() {
    let found = json_of(0, &["simulate", "-f", EXAMPLE]);
    assert_eq!(end(&found), ["ftp-receive online bts1", "sftp-receive online bts2"]);
    assert!(found["plan_ms"].is_f64(), "{found}");
    let actions: Vec<&Value> = found["plan"].as_array().unwrap().iter().map(|line| &line["action"]).collect();
    assert_eq!(actions, ["start", "start"]);
    assert_eq!(found["downtime"], json!([]));
}

#[test]
fn lost_nodes_are_answered_and_downtimes_bounded() {
    let found = json_of(0, &["simulate", "-f", EXAMPLE, "--lose", "bts1"]);
    assert_eq!(end(&found), ["ftp-receive online bts2", "sftp-receive online bts2"]);
    assert!(found["plan_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(found["plan"].as_array().unwrap().len(), 1, "{found}");
    // 500 ms heartbeat, 5 s lease with 1 % drift, 100 ms margin; the start has 3 min by default.
    assert_eq!(found["downtime"][0]["at_most"], "3m5s650ms");
    assert_eq!(found["moves"][0]["to"], "bts2");

    let found = json_of(0, &["simulate", "-f", EXAMPLE, "--lose", "bts1", "--lose", "bts2", "--pause", "bts3"]);
    assert_eq!(end(&found), ["ftp-receive unplaced -", "sftp-receive unplaced -"]);
    assert_eq!(found["downtime"][0]["at_most"], Value::Null);
    assert!(found["end"][0]["message"].as_str().unwrap().contains("bts3: paused"), "{found}");

    let table = ends(0, &["simulate", "-f", EXAMPLE, "--lose", "bts1"]).out;
    assert!(table.contains("<=3m5s650ms") && table.contains("ENDS"), "{table}");
}

#[test]
fn json_is_simulated_as_yaml_is() {
    let spec = json!({
        "cluster": "c",
        "nodes": [{ "name": "a", "agent": "http://127.0.0.1:1" }, { "name": "b", "agent": "http://127.0.0.1:2" }],
        "groups": [{ "name": "g", "preferred_owners": ["b"],
            "resources": [{ "name": "r", "type": "process", "command": ["x"] }] }],
    });
    let file = File::new("c.json", &spec.to_string());
    assert_eq!(end(&json_of(0, &["simulate", "-f", file.path()])), ["g online b"]);
    let resilience = json_of(0, &["resilience", "-f", file.path()]);
    assert_eq!((&resilience["pairs_computed"], &resilience["pairs_count"]), (&json!("all"), &json!(1)));
    assert_eq!(resilience["not_covered"], json!([]));
    assert_eq!(resilience["pairs"][0]["stay_down"][0]["group"], "g");
    assert!(ends(0, &["resilience", "-f", file.path()]).out.contains("LOST TOGETHER"));
}

#[test]
fn faults_that_name_nothing_are_refused() {
    let said = ends(1, &["simulate", "-f", EXAMPLE, "--lose", "bts9", "--down", "db"]);
    assert!(said.err.contains("there is no node \"bts9\"; the nodes are: bts1, bts2, bts3"), "{said:?}");
    assert!(said.err.contains("there is no common dependency \"db\""), "{said:?}");
    ends(2, &["simulate"]);
    ends(2, &["resilience", "c", "-f", EXAMPLE]);
}
