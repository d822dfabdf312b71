//! `locum check`: what do the rules say of a document, without a server?

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::document::Document;
use super::exit::Failure;
use super::input::Input;
use super::remote::Remote;
use super::{out, tables};
use crate::advice::{self, RuleFinding, Seen, Severity, Waived};
use crate::clock::{Clock, SystemClock};
use crate::domain::{Finding, topology};

#[derive(Debug, Args)]
#[command(after_help = "\
Ends with code 1 if there is an error; warnings and advice alone are code 0. A document that can't be read, or that
breaks a rule that no cluster can do without, has its mistakes as findings of severity error. What a waiver covers is shown
apart, and counts as nothing.

Examples:
  locum check -f examples/ftp-receive.yaml
  locum check -f topology.json --output json | jq -r '.findings[] | [.rule, .severity, .message] | @tsv'")]
pub struct CheckArgs {
    /// The topology, YAML or JSON; `-` is standard input
    #[arg(short, long)]
    pub file: PathBuf,
}

/// A finding, and the line that it is about.
pub struct Located {
    pub line: Option<usize>,
    pub finding: RuleFinding,
}

pub fn run(remote: &Remote, args: &CheckArgs) -> Result<(), Failure> {
    let (name, text) = Input::text(&args.file)?;
    let Judged { located, waived } = judge(&text);
    let count = |severity| located.iter().filter(|located| located.finding.severity == severity).count();
    let (errors, warnings, advice) = (count(Severity::Error), count(Severity::Warning), count(Severity::Advice));
    if remote.json() {
        let findings: Vec<&RuleFinding> = located.iter().map(|located| &located.finding).collect();
        let mut said = json!({ "findings": findings });
        if !waived.is_empty() {
            said["waived"] = json!(waived);
        }
        out::json(&said);
    } else {
        out::result(tables::findings::located(&name, &located, &waived));
    }
    match errors {
        0 => Ok(()),
        _ => {
            let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
            let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
            Err(Failure::Failed(format!("{name} has {errors}, {warnings} and {advice} of advice")))
        }
    }
}

/// What the rules say of a document.
struct Judged {
    /// In the order of their severity, worst first, then of their lines.
    located: Vec<Located>,
    waived: Vec<Waived>,
}

fn judge(text: &str) -> Judged {
    let at = |line: Option<usize>, mistake: &Finding| {
        let findings = advice::of_document(std::slice::from_ref(mistake));
        findings.into_iter().map(move |finding| Located { line, finding })
    };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(unreadable) => {
            let mistake =
                Finding::new("", "unreadable", format!("column {}: {}", unreadable.column, unreadable.message));
            return Judged { located: at(Some(unreadable.line), &mistake).collect(), waived: Vec::new() };
        }
    };
    let (mut located, waived): (Vec<Located>, Vec<Waived>) = match topology::parse(&document.value) {
        Ok(spec) => {
            let advice = advice::judge(&spec, &Seen::default(), SystemClock.now());
            let line = |finding: &RuleFinding| {
                let object = finding.objects.first().map_or("cluster", String::as_str);
                document.line_of(&pointer_to(&document.value, object))
            };
            let found = advice.findings.into_iter().map(|finding| Located { line: line(&finding), finding });
            (found.collect(), advice.waived)
        }
        // One by one, so that each keeps its place.
        Err(mistakes) => {
            let found = mistakes.iter().flat_map(|mistake| at(document.line_of(&mistake.pointer), mistake));
            (found.collect(), Vec::new())
        }
    };
    located.sort_by(|a, b| (a.finding.severity, a.line, &a.finding).cmp(&(b.finding.severity, b.line, &b.finding)));
    Judged { located, waived }
}

/// Where an object, as findings spell it (`groups/ftp/resources/ip`), stands in a document, as far as it does.
fn pointer_to(document: &Value, object: &str) -> String {
    let (mut value, mut pointer) = (document, String::new());
    let mut steps = object.split('/');
    while let (Some(list), Some(name)) = (steps.next(), steps.next()) {
        let Some(items) = value.get(list).and_then(Value::as_array) else { break };
        let named = |item: &Value| {
            ["name", "node", "rule"].iter().any(|key| item.get(key).and_then(Value::as_str) == Some(name))
        };
        let Some(index) = items.iter().position(named) else { break };
        pointer.push_str(&format!("/{list}/{index}"));
        value = &items[index];
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_where_they_stand() {
        let document = json!({
            "groups": [{ "name": "a" }, { "name": "ftp", "resources": [{ "name": "run" }, { "name": "ip" }] }],
            "hosts": [{ "name": "H", "instances": [{ "node": "n1" }, { "node": "n2" }] }],
        });
        let table = [
            ("groups/ftp/resources/ip", "/groups/1/resources/1"),
            ("groups/ftp", "/groups/1"),
            ("groups/ftp/resources/gone", "/groups/1"),
            ("hosts/H/instances/n2", "/hosts/0/instances/1"),
            ("cluster", ""),
            ("nodes/n1", ""),
        ];
        for (object, pointer) in table {
            assert_eq!(pointer_to(&document, object), pointer, "{object}");
        }
    }
}
