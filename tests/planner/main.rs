//! Does the planner decide as the scenario files say? Each is a story: commands, and after each plan what it should be.
//!
//! `UPDATE=1` rewrites the expected lines (those that begin with `|`).
#![allow(clippy::unwrap_used)] // a test that can't go on says so and ends

mod chance;
mod check;
mod faults;
mod same;
mod say;
mod truth;
mod world;

use std::path::Path;

use world::World;

/// Plays a scenario; gives it back with the lines that really come out.
fn play(text: &str) -> String {
    let mut world = World::default();
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with('|')) {
        out.push_str(line);
        out.push('\n');
        let command = line.split('#').next().unwrap_or_default().trim();
        if command.is_empty() {
            continue;
        }
        for said in world.command(command).lines() {
            out.push_str(format!("| {said}").trim_end());
            out.push('\n');
        }
    }
    out
}

#[test]
fn every_scenario_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planner/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "scenario"));
    files.sort();
    assert!(files.len() >= 30, "only {} scenarios were found", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let expected = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        println!("playing {name}");
        let actual = play(&expected);
        if actual == expected {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, actual).unwrap();
        } else {
            wrong.push(format!("{name}: it should be\n{expected}\nbut is\n{actual}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
