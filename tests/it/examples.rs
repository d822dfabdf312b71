//! Do the examples keep every rule, and do their broken twins break those that they name?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use locum::advice::{Advice, RuleFinding, Seen, Severity, judge, of_document};
use locum::cli::document::Document;
use locum::domain::{Finding, TopologySpec, topology};

/// The documents of a folder by their paths.
fn documents(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

fn parse(text: &str) -> Result<TopologySpec, Vec<Finding>> {
    topology::parse(&Document::parse(text).unwrap().value)
}

/// What the rules say of a file on a desk.
fn advice(text: &str) -> Advice {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    match parse(text) {
        Ok(topology) => judge(&topology, &Seen::default(), now),
        Err(mistakes) => Advice { findings: of_document(&mistakes), ..Advice::default() },
    }
}

fn said(findings: &[RuleFinding]) -> String {
    findings.iter().map(|f| format!("\n  {} {:?} {:?}: {}", f.rule, f.severity, f.objects, f.message)).collect()
}

#[test]
fn a_good_example_raises_no_error_and_no_warning() {
    let good = documents("examples");
    assert!(good.len() >= 8, "only {} examples were found", good.len());
    let mut wrong = String::new();
    for (path, text) in good {
        if let Err(mistakes) = parse(&text) {
            wrong += &format!("\n{} is refused: {mistakes:#?}", name(&path));
            continue;
        }
        let mut findings = advice(&text).findings;
        findings.retain(|finding| finding.severity != Severity::Advice);
        if !findings.is_empty() {
            wrong += &format!("\n{}:{}", name(&path), said(&findings));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The rules in a twin's first line: `# raises: R04 R18`.
fn promised(text: &str) -> BTreeSet<&str> {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("# raises: ").unwrap_or_default().split_whitespace().collect()
}

#[test]
fn a_broken_twin_raises_at_least_what_it_says() {
    let mut wrong = String::new();
    for (path, text) in documents("examples/broken") {
        let promised = promised(&text);
        let findings = advice(&text).findings;
        let raised: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        if promised.is_empty() || !promised.is_subset(&raised) {
            wrong += &format!("\n{} promises {promised:?}:{}", name(&path), said(&findings));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What a twin names, its good original does not raise: the twin breaks it.
#[test]
fn each_example_has_a_twin_that_breaks_what_it_keeps() {
    let (good, broken) = (documents("examples"), documents("examples/broken"));
    let original = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("# The twin of ../"));
        line.and_then(|line| line.strip_suffix(".yaml.")).map(str::to_owned)
    };
    let twins: BTreeSet<String> = broken.iter().filter_map(|(_, text)| original(text)).collect();
    // The demo's example describes no hosts, of which the rules speak.
    let expected: BTreeSet<String> = good.iter().map(|(path, _)| name(path).to_owned()).collect();
    assert_eq!(expected.difference(&twins).collect::<Vec<_>>(), ["ftp-receive"]);
    assert_eq!(twins.difference(&expected).collect::<Vec<_>>(), [""; 0]);
    for (path, text) in broken {
        let original = original(&text).unwrap();
        let (_, good) = good.iter().find(|(path, _)| name(path) == original).unwrap();
        let kept = advice(good).findings;
        let still: Vec<_> = kept.iter().filter(|finding| promised(&text).contains(finding.rule.as_str())).collect();
        assert!(still.is_empty(), "{}: {original} raises {still:?}", name(&path));
    }
}

#[test]
fn the_table_of_the_examples_has_them_all() {
    let table = include_str!("../../examples/README.md");
    for (path, text) in documents("examples") {
        let row = table.lines().find(|line| line.contains(&format!("]({}.yaml)", name(&path))));
        assert!(row.is_some(), "{} is not in examples/README.md", name(&path));
        assert!(text.starts_with('#'), "{} does not say what world it is", name(&path));
    }
    for (path, text) in documents("examples/broken") {
        let row = table.lines().find(|line| line.contains(&format!("](broken/{}.yaml)", name(&path))));
        let row = row.unwrap_or_else(|| panic!("{} is not in examples/README.md", name(&path)));
        let rules = promised(&text).into_iter().collect::<Vec<_>>();
        assert!(rules.iter().all(|rule| row.contains(rule)), "{}: the table does not say {rules:?}", name(&path));
    }
}
