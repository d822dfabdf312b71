//! How is a case file read, and how are findings written in it?
//!
//! Lines that begin with `@` say what is seen: `@ node bts1 up process ocf`, `@ group sso online bts1`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use locum::advice::{Advice, HostAdvice, RuleFinding, Seen, SeenGroup, SeenNode, judge, of_document};
use locum::cli::document::Document;
use locum::domain::{Finding, TopologySpec, topology};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// When all cases happen.
pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub struct Case {
    pub name: String,
    pub path: PathBuf,
    pub text: String,
}

/// All cases, by name.
pub fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advice/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "case"));
    paths.sort();
    let read = |path: PathBuf| Case {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&path).unwrap(),
        path,
    };
    paths.into_iter().map(read).collect()
}

impl Case {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.starts_with('|'))
    }

    /// The document as it stands in the file.
    pub fn value(&self) -> Value {
        let yaml: Vec<&str> = self.lines().filter(|line| !line.starts_with('@')).collect();
        Document::parse(&yaml.join("\n")).unwrap_or_else(|error| panic!("{}: {error}", self.name)).value
    }

    pub fn topology(&self) -> Result<TopologySpec, Vec<Finding>> {
        topology::parse(&self.value())
    }

    pub fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for line in self.lines().filter_map(|line| line.strip_prefix('@')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["node", name, state, drivers @ ..] => {
                    let drivers = drivers.iter().map(|driver| word(driver)).collect();
                    seen.nodes.insert(name.parse().unwrap(), SeenNode { state: word(state), drivers });
                }
                ["group", name, state, owner @ ..] => {
                    let owner = owner.first().map(|owner| owner.parse().unwrap());
                    seen.groups.insert(name.parse().unwrap(), SeenGroup { owner, state: word(state) });
                }
                _ => panic!("{}: nobody knows what this means: {line}", self.name),
            }
        }
        seen
    }

    pub fn advice(&self) -> Advice {
        match self.topology() {
            Ok(topology) => judge(&topology, &self.seen(), now()),
            Err(mistakes) => Advice { findings: of_document(&mistakes), ..Advice::default() },
        }
    }

    /// Also those that are waived.
    pub fn findings(&self) -> Vec<RuleFinding> {
        let Advice { mut findings, waived, .. } = self.advice();
        findings.extend(waived.into_iter().map(|waived| waived.finding));
        findings
    }

    /// The file with the lines that really come out.
    pub fn play(&self) -> String {
        let mut out = self.lines().collect::<Vec<_>>().join("\n").trim_end().to_owned();
        out.push_str("\n\n");
        let advice = self.advice();
        for finding in &advice.findings {
            write_finding(&mut out, "", finding);
        }
        for waived in &advice.waived {
            let waiver = &waived.waiver;
            write_finding(&mut out, "waived ", &waived.finding);
            writeln!(out, "|   waived by {} until {}: {}", waiver.actor, waiver.expires, waiver.reason).unwrap();
        }
        if advice.findings.is_empty() && advice.waived.is_empty() {
            out.push_str("| nothing found\n");
        }
        for host in &advice.hosts {
            write_verdict(&mut out, host);
        }
        out
    }
}

/// A word as the API spells it.
fn word<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(Value::from(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn spelled(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn write_finding(out: &mut String, before: &str, finding: &RuleFinding) {
    let RuleFinding { rule, severity, objects, message, fix, source } = finding;
    writeln!(out, "| {before}{} {rule}: {}", spelled(severity), objects.join(", ")).unwrap();
    writeln!(out, "|   {message}\n|   -> {fix}\n|   ({source})").unwrap();
}

fn write_verdict(out: &mut String, host: &HostAdvice) {
    let is = if host.clustered { "is" } else { "is not" };
    writeln!(out, "| {}: {}, and {is} clustered", host.host, spelled(host.verdict)).unwrap();
    for reason in &host.reasons {
        writeln!(out, "|   {reason}").unwrap();
    }
}
