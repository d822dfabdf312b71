//! What goes wrong in somebody's first minutes: is each mistake one sentence that says what would be right?

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::parts::{Part, locum, refused, status, wait_until};

/// A cluster of one node and one group, as YAML, with a line that is not blank for each part.
fn document(cluster: &str, agent: &str, seconds: u32) -> String {
    format!(
        "cluster: {cluster}\nnodes:\n  - {{ name: a, agent: \"{agent}\" }}\ngroups:\n  - name: g\n    resources:\n      \
         - {{ name: r, type: process, command: [\"/bin/sleep\", \"{seconds}\"] }}\n"
    )
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    fs::write(dir.join(name), text).unwrap();
    text_of(&dir.join(name))
}

fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn wait_online(server: &Part, cluster: &str) -> u64 {
    let mut pid = None;
    wait_until("the group is online", || {
        let seen = status(server, cluster);
        pid = seen["groups"][0]["resources"][0]["pid"].as_u64();
        seen["groups"][0]["state"] == "online" && pid.is_some()
    });
    pid.unwrap()
}

#[test]
fn a_state_directory_is_one_agents() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a");
    let path = text_of(&state);
    let agent = Part::agent("a", &state);
    let start = |name: &'static str| {
        ["agent", "--name", name, "--listen", "127.0.0.1:0", "--state-dir"]
            .into_iter()
            .chain([&*path])
            .collect::<Vec<_>>()
    };
    refused(&start("a"), 1, &["another agent uses the state directory", &path, "a directory of its own"]);
    refused(&["agent", "reset", "--state-dir", &path], 1, &["nothing was reset", "another agent uses", "stop it"]);
    drop(agent);
    refused(&start("b"), 1, &["belongs to the agent a, not b", "--name a"]);
    let nowhere = dir.path().join("nowhere");
    refused(&["agent", "reset", "--state-dir", &text_of(&nowhere)], 1, &["nowhere is not an agent's state directory"]);
    assert!(!nowhere.exists(), "a reset makes no folder");
}

#[test]
fn a_port_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = [&*format!("can't listen on {address}"), "already in use", "--listen"].map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = |args: &[&str]| {
        let said = locum(&[args, &["--listen", &address]].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        let lower = said.err.to_lowercase();
        words.iter().for_each(|word| assert!(lower.contains(word), "{word:?} is not in {said:?}"));
    };
    said(&["agent", "--name", "a", "--state-dir", &text_of(&dir.path().join("a"))]);
    let database = dir.path().join("new.db");
    said(&["server", "--database-url", &format!("sqlite:{}", database.display())]);
    assert!(!database.exists(), "a server without its port makes no database");
}

#[test]
fn a_database_is_locums_and_one_servers() {
    let dir = tempfile::tempdir().unwrap();
    let _server = Part::server(dir.path());
    let start =
        |url: &str, words: &[&str]| refused(&["server", "--listen", "127.0.0.1:0", "--database-url", url], 1, words);
    let sqlite = |name: &str| format!("sqlite:{}", dir.path().join(name).display());
    start(&sqlite("locum.db"), &["another locum server has", "locum.db open", "--database-url"]);
    write(dir.path(), "letter.txt", "Dear all");
    start(&sqlite("letter.txt"), &["letter.txt is not a database of Locum", "--database-url"]);
    assert_eq!(fs::read_to_string(dir.path().join("letter.txt")).unwrap(), "Dear all");
    start("mysql://db/locum", &["\"mysql://db/locum\" is no database URL", "sqlite:PATH"]);
    start("postgres://db/locum", &["postgres is not supported yet", "sqlite:PATH"]);
    start(&sqlite("none/locum.db"), &["does not exist", "create it first"]);
}

#[test]
fn a_server_that_others_can_reach_wants_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("locum.db");
    let url = format!("sqlite:{}", database.display());
    let args = ["server", "--listen", "0.0.0.0:0", "--database-url", &url];
    refused(&args, 1, &["0.0.0.0:0 can be reached by others", "127.0.0.1", "--insecure"]);
    assert!(!database.exists());
}

#[test]
fn names_that_are_unknown_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = Part::server(dir.path());
    let ask = |args: &[&str], words: &[&str]| refused(&[args, &["--server", &server.url]].concat(), 1, words);
    ask(&["status"], &["has no cluster yet", "locum apply -f FILE"]);
    let file = write(dir.path(), "c.yaml", &document("c", "http://127.0.0.1:1", 1000));
    let applied = locum(&["apply", "-f", &file, "--server", &server.url]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    for command in
        [vec!["status", "other"], vec!["history", "other"], vec!["move", "other", "g"], vec!["drain", "other", "a"]]
    {
        ask(&command, &["there is no cluster \"other\""]);
    }
    for verb in ["move", "online", "offline", "reset"] {
        ask(&[verb, "other"], &["there is no group \"other\""]);
    }
    for verb in ["pause", "drain", "resume"] {
        ask(&[verb, "other"], &["there is no node \"other\""]);
    }
    ask(&["confirm-down", "other", "--yes"], &["there is no node \"other\""]);
    ask(&["move", "g", "--to", "other"], &["no node \"other\"", "its nodes are a"]);
}

#[test]
fn a_document_is_refused_with_the_line_of_everything_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let server = Part::server(dir.path());
    let apply = |file: &str| locum(&["apply", "-f", file, "--yes", "--server", &server.url]);
    let broken = write(dir.path(), "broken.yaml", "cluster: c\nnodes:\n  - { name: a, agent: x\ngroups: []\n");
    let said = apply(&broken);
    assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{said:?}");
    let line = |n: u32| format!("broken.yaml:{n}:");
    assert!((3..=5).any(|n| said.err.contains(&line(n))), "{said:?}");
    let text = "cluster: c\nsettings:\n  lease: 1s\n  stop_budget: 2s\nnodes:\n  - name: a\n    agent: \
                http://127.0.0.1:1\n    rack: 7\ngroups:\n  - name: g\n    preferred_owners: [a, b]\n    resources: []\n";
    let said = apply(&write(dir.path(), "wrong.yaml", text));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("nothing was changed"), "{said:?}");
    let found = [(4, "stop_budget"), (8, "rack"), (11, "there is no node \"b\""), (12, "resources")];
    for (line, word) in found {
        let line = format!("wrong.yaml:{line}: ");
        assert!(said.err.lines().any(|said| said.contains(&line) && said.contains(word)), "{line}{word}: {said:?}");
    }
    refused(&["status", "--server", &server.url], 1, &["has no cluster yet"]);
}

#[test]
fn what_disturbs_wants_a_yes() {
    let dir = tempfile::tempdir().unwrap();
    let (server, agent) = (Part::server(dir.path()), Part::agent("a", &dir.path().join("a")));
    let apply = |seconds, more: &[&str]| {
        let file = write(dir.path(), "c.yaml", &document("c", &agent.url, seconds));
        locum(&[&["apply", "-f", &file, "--server", &server.url], more].concat())
    };
    assert_eq!(apply(1000, &[]).code, Some(0));
    let pid = wait_online(&server, "c");
    let before = status(&server, "c");
    let said = apply(2000, &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("restart") && said.err.contains("--yes") && said.err.contains("nothing was changed"));
    assert_eq!(status(&server, "c"), before, "nothing was changed");
    let said = apply(2000, &["--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until("the group runs anew", || wait_online(&server, "c") != pid);
    let offline = locum(&["offline", "g", "--server", &server.url]);
    assert_eq!(offline.code, Some(0), "{offline:?}");
}

#[test]
fn an_agent_obeys_one_cluster_until_it_is_reset() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a");
    let (server, agent) = (Part::server(dir.path()), Part::agent("a", &state));
    let apply = |cluster: &str| {
        let file = write(dir.path(), "c.yaml", &document(cluster, &agent.url, 1000));
        let said = locum(&["apply", "-f", &file, "--server", &server.url]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    apply("first");
    wait_online(&server, "first");
    apply("second");
    let mut problem = Value::Null;
    wait_until("the status says whom the agent obeys", || {
        problem = status(&server, "second")["nodes"][0]["problem"].clone();
        problem.as_str().is_some_and(|text| text.contains("obeys cluster first"))
    });
    let command = format!("locum agent reset --state-dir {}", state.canonicalize().unwrap().display());
    assert!(problem.as_str().unwrap().contains(&command), "{problem}");
    assert_eq!(status(&server, "second")["groups"][0]["owner"], Value::Null);
    wait_online(&server, "first");
    refused(
        &["status", "--server", &server.url],
        1,
        &["has the clusters first, second", "on the command line or in LOCUM_CLUSTER"],
    );

    drop(agent);
    let path = text_of(&state);
    let reset = ["agent", "reset", "--state-dir", &path];
    refused(&reset, 1, &["r of the group g still runs here", "until its lease has ended"]);
    wait_until("the lease has ended and the agent is free", || locum(&reset).code == Some(0));
}
