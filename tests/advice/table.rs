//! Does `docs/rules.md` list every rule, as the engine has it, with an example that raises it?

use std::fmt::Write;
use std::path::Path;

use locum::advice::{LooksAt, Rule, RuleFinding, Severity, Unchecked, rules, unchecked};

use crate::case::cases;

const BEGIN: &str = "<!-- The tables below are written by `UPDATE=1 cargo nextest run --test advice`. -->\n";

fn severities(rule: &Rule) -> String {
    let word = |severity: &Severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "advice",
    };
    rule.severities.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// The first case of the rule's own that raises it as badly as can be.
fn example(rule: &Rule) -> String {
    let own = format!("{}-", rule.id.to_lowercase());
    let worst = |finding: &RuleFinding| finding.rule == rule.id && rule.severities.first() == Some(&finding.severity);
    let raises = |case: &crate::case::Case| case.findings().iter().any(worst);
    let case = cases().into_iter().filter(|case| case.name.starts_with(&own)).find(raises);
    let case = case.unwrap_or_else(|| panic!("no case raises {}", rule.id));
    format!("[{0}](../tests/advice/cases/{0}.case)", case.name.trim_end_matches(".case"))
}

fn tables() -> String {
    let mut out = format!("{BEGIN}\n## Rules that the engine decides\n\n");
    out.push_str(
        "| rule | severity | what should be | looks at | source | raised by |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for rule in rules() {
        let looks_at = match rule.looks_at {
            LooksAt::Topology => "topology",
            LooksAt::Seen => "topology, what is seen",
            LooksAt::Document => "document",
        };
        let (id, title, source) = (rule.id, rule.title, rule.source);
        writeln!(out, "| {id} | {} | {title} | {looks_at} | {source} | {} |", severities(&rule), example(&rule))
            .unwrap();
    }
    out.push_str("\n## Rules of the field that the engine does not decide\n\n");
    out.push_str("| rule | what should be | source | instead |\n| --- | --- | --- | --- |\n");
    for Unchecked { id, title, source, instead } in unchecked() {
        writeln!(out, "| {id} | {title} | {source} | {instead} |").unwrap();
    }
    out
}

#[test]
fn the_table_in_the_docs_is_that_of_the_engine() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (by_hand, _) = text.split_once(BEGIN).expect("docs/rules.md says where its tables begin");
    let expected = format!("{by_hand}{}", tables());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
    } else {
        assert_eq!(text, expected, "docs/rules.md is not up to date: UPDATE=1 rewrites it");
    }
}

#[test]
fn no_rule_of_the_field_is_missing() {
    let mut ids: Vec<&str> = rules().iter().map(|rule| rule.id).chain(unchecked().iter().map(|one| one.id)).collect();
    ids.sort_unstable();
    let of_the_field: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with('R')).collect();
    let numbers = [1..=21, 30..=44, 50..=63, 70..=79].into_iter().flatten();
    let expected: Vec<String> = numbers.map(|number| format!("R{number:02}")).collect();
    assert_eq!(of_the_field, expected);
    ids.dedup();
    assert_eq!(ids.len(), rules().len() + unchecked().len(), "an id is there twice");
}
