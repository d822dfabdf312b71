//! Does the command line end with the right code and sentence, and does the demo's handler do what the demo says?

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// An address at which nothing listens: the port was free a moment ago.
fn dead_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn locum(arguments: &[&str]) -> Output {
    locum_with_input(arguments, "")
}

fn locum_with_input(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
    command.args(arguments).env_remove("LOCUM_SERVER").env_remove("LOCUM_CLUSTER");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < give_up_at, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_dead_server_is_one_sentence_and_code_4() {
    let server = dead_server();
    for command in [vec!["status"], vec!["history", "c"], vec!["move", "c", "g"], vec!["drain", "n"]] {
        let output = locum(&[command.as_slice(), &["--server", &server]].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(4), "{command:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(&format!("no Locum server answers at {server}: connection refused")), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_wrong_command_line_is_code_2() {
    for command in [vec![], vec!["dance"], vec!["move"], vec!["agent", "--name", "a"], vec!["apply"]] {
        let output = locum(&command);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {}", stderr(&output));
    }
}

#[test]
fn an_address_that_is_none_is_named() {
    let output = locum(&["status", "--server", "localhost:7400"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("\"localhost:7400\" is not the address of a server"), "{}", stderr(&output));
}

#[test]
fn every_finding_has_its_line_and_no_server_is_asked() {
    let document =
        "cluster: c\nnodes:\n  - { name: a, agent: \"http://127.0.0.1:1\" }\n  - name: a\n    agent: nonsense\n";
    for verb in ["apply", "plan"] {
        let output = locum_with_input(&[verb, "-f", "-", "--server", &dead_server()], document);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
        assert!(said.contains("standard input:4: "), "{said}");
        assert!(said.contains("standard input:5: "), "{said}");
    }
}

#[test]
fn broken_yaml_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.yaml");
    fs::write(&file, "cluster: c\nnodes: [\n").unwrap();
    let output = locum(&["plan", "-f", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("broken.yaml:"), "{}", stderr(&output));
    let output = locum(&["plan", "-f", "/nowhere/at/all.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("can't read /nowhere/at/all.yaml"), "{}", stderr(&output));
}

#[test]
fn an_operators_word_wants_a_yes() {
    let output = locum(&["confirm-down", "c", "n", "--server", &dead_server()]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = locum(&["confirm-down", "c", "n", "--yes", "--server", &dead_server()]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}

#[test]
fn help_names_the_exit_codes_and_hides_what_only_locum_starts() {
    let output = locum(&["--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Exit codes:") && text.contains("confirm-down"), "{text}");
    assert!(!text.contains("  guard ") && !text.contains("  receive "), "{text}");
}

/// A receive handler as an agent starts it.
struct Handler(Child);

impl Handler {
    fn start(folder: &Path, epoch: u32) -> Self {
        let path = |name: &str| folder.join(name).display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
        command.args(["receive", "--inbox", &path("inbox"), "--store", &path("store"), "--record", &path("record")]);
        command.args(["--notes", &path("notes"), "--interval", "5ms"]);
        command.env("LOCUM_EPOCH", epoch.to_string()).env("LOCUM_NODE", "bts1");
        Self(command.spawn().unwrap())
    }

    fn stop(mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
        self.0.wait().unwrap().code()
    }
}

fn inbox_with(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inbox")).unwrap();
    files.iter().for_each(|name| fs::write(folder.path().join("inbox").join(name), name).unwrap());
    folder
}

fn record(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("record")).unwrap_or_default();
    text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn one_handler_after_another_receives_each_file_once() {
    let folder = inbox_with(&["a", "b", ".half-written"]);
    let first = Handler::start(folder.path(), 1);
    wait_until("both files are received", || record(folder.path()).len() == 2);
    assert_eq!(first.stop(Signal::SIGTERM), Some(0));
    fs::write(folder.path().join("inbox/c"), "c").unwrap();
    let second = Handler::start(folder.path(), 2);
    wait_until("the third file is received", || record(folder.path()).len() == 3);
    assert_eq!(second.stop(Signal::SIGKILL), None);
    assert_eq!(record(folder.path()), ["a 1", "b 1", "c 2"]);
    assert_eq!(fs::read_to_string(folder.path().join("store/c")).unwrap(), "c");
    assert!(folder.path().join("inbox/a").exists(), "a handler leaves the inbox as it is");

    let notes = fs::read_to_string(folder.path().join("notes")).unwrap();
    let runs = locum::cli::demo::account::runs(&notes);
    assert_eq!(runs.len(), 2, "{notes}");
    assert!(notes.contains(" stop bts1 1 ") && !notes.contains(" stop bts1 2 "), "{notes}");
    assert_eq!(locum::cli::demo::account::longest_overlap(&runs), Duration::ZERO);
}

#[test]
fn two_handlers_at_once_receive_a_file_twice_and_the_account_shows_it() {
    let folder = inbox_with(&[]);
    let (first, second) = (Handler::start(folder.path(), 1), Handler::start(folder.path(), 2));
    let notes = || fs::read_to_string(folder.path().join("notes")).unwrap_or_default();
    wait_until("both are alive", || notes().contains(" alive bts1 1 ") && notes().contains(" alive bts1 2 "));
    fs::write(folder.path().join("inbox/a"), "a").unwrap();
    wait_until("both have received it", || record(folder.path()).len() == 2);
    assert_eq!((first.stop(Signal::SIGTERM), second.stop(Signal::SIGTERM)), (Some(0), Some(0)));
    let receipts = locum::cli::demo::account::receipts(&fs::read_to_string(folder.path().join("record")).unwrap());
    assert_eq!((receipts.files, receipts.duplicates), (1, 1));
    assert!(locum::cli::demo::account::longest_overlap(&locum::cli::demo::account::runs(&notes())) > Duration::ZERO);
}
