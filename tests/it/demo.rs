//! Does the demo do what it promises: tell its story with every file received once, and leave nothing behind?

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn demo(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
    command.arg("demo").args(arguments).env("TMPDIR", folder);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Fails if the demo left a file or a process.
fn check_nothing_left(folder: &Path) {
    let left: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
    let name = folder.display().to_string();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        assert!(!command.contains(&name), "{:?} still runs: {command}", entry.file_name());
    }
}

#[test]
fn the_story_receives_every_file_once_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--story"]).wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["files_sent"], 500, "{text}");
    assert_eq!(last["files_received"], 500, "{text}");
    assert_eq!(last["duplicates"], 0, "{text}");
    assert_eq!(last["longest_overlap_ms"], 0, "{text}");
    assert!(last["failovers"].as_u64().unwrap() >= 4, "{text}");
    check_nothing_left(folder.path());
}

/// Reads on until both groups are online; the port of the control plane.
fn until_online(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    let mut url = String::new();
    let mut online = 0;
    for line in lines {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("control plane at ") {
            url = rest.to_owned();
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["GROUP", ..] => online = 0,
            ["ftp-receive" | "sftp-receive", "online", ..] => online += 1,
            _ => {}
        }
        if online == 2 {
            return url;
        }
    }
    panic!("the demo ended before both groups were online");
}

#[test]
fn two_demos_run_side_by_side_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut demos = [demo(folder.path(), &[]), demo(folder.path(), &[])];
    // The readers stay open: a demo whose reader went away would end by itself.
    let mut outputs: Vec<_> = demos.iter_mut().map(|d| BufReader::new(d.stdout.take().unwrap()).lines()).collect();
    let urls: Vec<String> =
        outputs.iter_mut().map(|lines: &mut std::io::Lines<BufReader<ChildStdout>>| until_online(lines)).collect();
    assert_ne!(urls[0], urls[1]);
    for (demo, signal) in demos.iter_mut().zip([Signal::SIGINT, Signal::SIGTERM]) {
        kill(Pid::from_raw(demo.id().cast_signed()), signal).unwrap();
        assert!(demo.wait().unwrap().success());
    }
    check_nothing_left(folder.path());
}
