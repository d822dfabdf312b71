//! Does every source file use only what its module may know, and does it keep to the size and the opening agreed on?

mod paths;
mod planted;
mod tokens;

use std::fs;
use std::path::{Path as File, PathBuf};

use paths::{module_of, paths};

/// What each module may use of ours besides itself. An entry with `::` opens that part only.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("planner", &["domain"]),
    ("lease", &["domain"]),
    ("advice", &["domain"]),
    ("wire", &["domain"]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("telemetry", &["domain"]),
    ("board", &["domain", "planner"]),
    ("store", &["domain", "planner"]),
    (
        "client",
        &[
            "domain",
            "wire",
            "api::views",
            "board::status",
            "planner::summary",
            "planner::explanation",
            "planner::what_if",
            "planner::resilience",
            "advice",
        ],
    ),
    ("reconciler", &["domain", "planner", "lease", "wire", "board", "store", "clock"]),
    ("api", &["domain", "planner", "advice", "board", "store", "reconciler::Nudge", "clock"]),
    ("agent", &["domain", "lease", "wire", "clock", "client"]),
];

/// Put the parts together, so they may use everything of ours.
const ROOTS: &[&str] = &["lib.rs", "main.rs", "server.rs"];

/// The commands that are more than a client, by the start of their paths.
const COMPOSING_COMMANDS: &[&str] = &["cli/server.rs", "cli/agent.rs", "cli/guard.rs", "cli/demo", "cli/openapi.rs"];

/// What a command that talks to a control plane must get from there instead.
const CLOSED_TO_CLIENT_COMMANDS: &[&str] = &["store", "reconciler", "agent"];

/// Crates with homes: they are seen in files whose paths start so, and nowhere else.
const HOMES: &[(&str, &[&str])] =
    &[("reqwest", &["client/"]), ("sqlx", &["store/"]), ("nix", &["agent/", "clock.rs", "cli/demo", "server/"])];

/// Crates that some modules must not see.
const CLOSED_CRATES: &[(&str, &[&str])] = &[
    ("axum", &["domain", "planner", "lease", "advice", "wire", "store", "reconciler"]),
    ("tokio", &["domain", "planner", "lease", "advice"]),
    ("tracing", &["domain", "planner", "lease", "advice"]),
];

const MOST_LINES: usize = 400;

/// A rule that a line breaks.
#[derive(Debug, PartialEq)]
struct Breach {
    line: usize,
    rule: String,
}

/// All that is wrong with `source`, the text of `file` (a path below `src`).
fn breaches(file: &str, source: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    if !source.starts_with("//!") {
        found.push(Breach { line: 1, rule: "must begin with `//!` and the question the file answers".into() });
    }
    let lines = source.lines().count();
    if lines > MOST_LINES {
        found.push(Breach { line: lines, rule: format!("has {lines} lines, at most {MOST_LINES} are allowed") });
    }
    let module = module_of(file);
    for path in paths(&module, source) {
        let rule = match path.parts.split_first() {
            Some((root, ours)) if root == "crate" => ours_broken(file, &module, ours),
            Some((root, _)) => crate_broken(file, &module, root),
            None => None,
        };
        if let Some(rule) = rule {
            found.push(Breach { line: path.line, rule: format!("`{}`: {rule}", path.parts.join("::")) });
        }
    }
    found
}

/// The rule broken by a path to `ours`, below this crate's root, if any.
fn ours_broken(file: &str, module: &[String], ours: &[String]) -> Option<String> {
    if ROOTS.contains(&file) {
        return None;
    }
    let Some(target) = ours.first().filter(|name| *name != "*") else {
        return Some("the crate as a whole hides what is used; name the module".into());
    };
    let home = module.first()?;
    if target == home {
        return None;
    }
    if home == "cli" {
        let composes = COMPOSING_COMMANDS.iter().any(|start| file.starts_with(start));
        let closed = !composes && CLOSED_TO_CLIENT_COMMANDS.contains(&target.as_str());
        return closed.then(|| format!("a client command must not use {}", CLOSED_TO_CLIENT_COMMANDS.join(", ")));
    }
    let Some((_, may)) = MAY_USE.iter().find(|(name, _)| name == home) else {
        return Some(format!("no rule says what `{home}` may use; add it to MAY_USE"));
    };
    let allowed = may.iter().any(|entry| entry.split("::").eq(ours.iter().take(entry.split("::").count())));
    let list = if may.is_empty() { "nothing of ours".into() } else { may.join(", ") };
    (!allowed).then(|| format!("{home} may use {list}"))
}

/// The rule broken by a path into the crate `root`, if any.
fn crate_broken(file: &str, module: &[String], root: &str) -> Option<String> {
    if let Some((_, homes)) = HOMES.iter().find(|(name, _)| *name == root) {
        let at_home = homes.iter().any(|start| file.starts_with(start));
        return (!at_home).then(|| format!("{root} may be seen only in {}", homes.join(", ")));
    }
    let (_, closed) = CLOSED_CRATES.iter().find(|(name, _)| *name == root)?;
    let home = module.first()?;
    closed.contains(&home.as_str()).then(|| format!("{home} must not see {root}"))
}

/// All Rust files below `folder`, in order.
fn rust_files(folder: &File) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

#[test]
fn every_source_file_keeps_to_the_architecture() {
    let src = File::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in rust_files(&src) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        for Breach { line, rule } in breaches(&file, &fs::read_to_string(&path).unwrap()) {
            wrong.push(format!("src/{file}:{line}: {rule}"));
        }
    }
    assert!(wrong.is_empty(), "{} lines break the rules:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_module_of_the_crate_has_a_rule() {
    let map = fs::read_to_string(File::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules = map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let ruleless: Vec<&str> = modules
        .filter(|module| !["cli", "server"].contains(module) && MAY_USE.iter().all(|(name, _)| name != module))
        .collect();
    assert!(ruleless.is_empty(), "add what these modules may use to MAY_USE: {}", ruleless.join(", "));
}
