//! Do export, diff, revert and the questions to the planner and the rules hold together, with a real server?

use serde_json::Value;

use crate::support::parts::{Part, locum};

struct Site {
    server: Part,
    folder: tempfile::TempDir,
}

impl Site {
    /// A server, and a cluster whose only agent does not answer.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Self { server: Part::server(folder.path()), folder };
        let first = site.document("first.yaml", 1);
        assert!(site.says(0, &["apply", "-f", &first]).contains("cluster c created, generation 1"));
        site
    }

    fn document(&self, name: &str, max_failovers: u32) -> String {
        let text = format!(
            "cluster: c\nnodes:\n  - {{ name: a, agent: \"http://127.0.0.1:1\" }}\ngroups:\n  - name: g\n    failover: {{ \
             max_failovers: {max_failovers} }}\n    resources:\n      - {{ name: r, type: process, command: [sleep, \"3001\"] }}\n"
        );
        self.write(name, &text)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// Runs a command that ends with `code`, and gives what it wrote.
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let said = locum(&[arguments, &["--server", &self.server.url]].concat());
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        said.out + &said.err
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(0, &[arguments, &["--output", "json"]].concat())).unwrap()
    }
}

#[test]
fn an_export_applies_to_nothing() {
    let site = Site::start();
    let text = site.says(0, &["export"]);
    assert!(text.starts_with("cluster: c\n"), "the document's order is kept: {text}");
    for (name, text) in [("export.yaml", text), ("export.json", site.says(0, &["export", "--output", "json"]))] {
        let file = site.write(name, &text);
        assert_eq!(site.says(0, &["diff", "-f", &file]), "Nothing differs.\n");
        let said = site.says(0, &["apply", "-f", &file]);
        assert!(said.contains("cluster c unchanged, generation 1"), "{said}");
    }
}

#[test]
fn what_changed_is_shown_and_comes_back() {
    let site = Site::start();
    let (first, second) = (site.document("first.yaml", 1), site.document("second.yaml", 2));
    let line = "groups/g/failover/max_failovers: 1 -> 2";
    assert!(site.says(0, &["diff", "-f", &second]).contains(line));
    site.says(0, &["apply", "-f", &second]);
    assert!(site.says(0, &["diff", "--to", "2"]).contains(line));
    assert!(site.says(0, &["diff", "c", "--from", "1", "--to", "2"]).contains(line));
    assert_eq!(site.json(&["diff", "--from", "2"])["differences"], serde_json::json!([]));
    site.says(2, &["diff"]);

    assert!(!site.says(0, &["revert", "1", "--dry-run"]).contains("generation 3"));
    assert!(site.says(0, &["diff", "-f", &second]).contains("Nothing differs"), "a question changes nothing");
    assert!(site.says(0, &["revert", "c", "1", "--reason", "too many"]).contains("cluster c reverted, generation 3"));
    assert!(site.says(0, &["diff", "-f", &first]).contains("Nothing differs"));
    assert!(site.says(1, &["revert", "9"]).contains("no change"));
}

#[test]
fn the_planner_and_the_rules_answer() {
    let site = Site::start();
    site.says(0, &["status"]); // waits for the first look at the cluster
    let text = site.says(0, &["explain", "g"]);
    assert!(text.contains("see that the agent of a runs and answers at http://127.0.0.1:1"), "{text}");
    assert_eq!(site.json(&["explain", "c", "g"])["nodes"][0]["eligible"], false);
    assert!(site.says(1, &["explain", "c", "other"]).contains("no group \"other\""));

    let found = site.json(&["plan", "c", "--lose", "a"]);
    assert_eq!(found["end"][0]["state"], "unplaced", "{found}");
    let file = site.document("second.yaml", 2);
    assert!(site.says(0, &["plan", "-f", &file, "--pause", "a"]).contains("ENDS"));
    assert!(site.says(1, &["plan", "c", "--lose", "b"]).contains("there is no node \"b\""));
    site.says(2, &["plan"]);

    assert!(site.says(0, &["resilience"]).contains("0 pairs were computed"));
    let advice = site.json(&["advice"]);
    assert!(advice["findings"].is_array() && advice["hosts"].is_array(), "{advice}");
    assert!(!site.says(0, &["advice", "c", "--severity", "error"]).is_empty());
}
