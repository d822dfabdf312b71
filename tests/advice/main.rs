//! Do the rules say what the case files expect? Each is a topology, what is seen of it, and the findings and verdicts.
//!
//! `UPDATE=1` rewrites the expected lines (those that begin with `|`) and `docs/rules.md`.
#![allow(clippy::unwrap_used)] // a test that can't go on says so and ends

mod again;
mod case;
mod document;
mod order;
mod table;

use std::collections::BTreeSet;

use case::{Case, cases};
use locum::advice::{RuleFinding, Severity, rules};

#[test]
fn every_case_goes_as_written() {
    let cases = cases();
    assert!(cases.len() >= 60, "only {} cases were found", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let actual = case.play();
        if actual == case.text {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&case.path, actual).unwrap();
        } else {
            wrong.push(format!("{}: it should be\n{}\nbut is\n{actual}", case.name, case.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The files of a rule begin with its id; `r30-good-...` is the nearest topology that keeps to it.
#[test]
fn each_rule_is_raised_as_badly_as_it_says_and_not_by_its_good_twin() {
    let cases = cases();
    let mut wrong = Vec::new();
    for rule in rules() {
        let own = format!("{}-", rule.id.to_lowercase());
        let good = format!("{own}good");
        let raised = |case: &Case| case.findings().into_iter().filter(|finding| finding.rule == rule.id).collect();
        let own: Vec<(&Case, Vec<RuleFinding>)> =
            cases.iter().filter(|case| case.name.starts_with(&own)).map(|case| (case, raised(case))).collect();
        let (twins, bad): (Vec<_>, Vec<_>) = own.into_iter().partition(|(case, _)| case.name.starts_with(&good));
        wrong.extend(
            bad.iter().filter(|(_, found)| found.is_empty()).map(|(case, _)| format!("{} misses it", case.name)),
        );
        wrong.extend(
            twins.iter().filter(|(_, found)| !found.is_empty()).map(|(case, _)| format!("{} has it", case.name)),
        );
        let severities: BTreeSet<Severity> = bad.iter().flat_map(|(_, found)| found).map(|f| f.severity).collect();
        if severities != rule.severities.iter().copied().collect() {
            wrong.push(format!("{} is raised as {severities:?}, but says {:?}", rule.id, rule.severities));
        }
        if twins.is_empty() {
            wrong.push(format!("{} has no good twin", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sentences_are_sentences() {
    let is_sentence =
        |text: &str| text.ends_with('.') && !text.contains("  ") && !text.contains("..") && text.len() > 20;
    for case in cases().iter().filter(|case| case.topology().is_ok()) {
        for finding in case.findings() {
            assert!(is_sentence(&finding.message), "{}: {:?}", case.name, finding.message);
            assert!(finding.fix.ends_with('.') && !finding.fix.contains("  "), "{}: {:?}", case.name, finding.fix);
            assert!(!finding.objects.is_empty() && !finding.source.is_empty(), "{}: {finding:?}", case.name);
        }
    }
    for rule in rules() {
        assert!(is_sentence(rule.title), "{}: {:?}", rule.id, rule.title);
    }
}

#[test]
fn ids_and_objects_tell_findings_of_one_topology_apart() {
    for case in cases() {
        let mut seen = BTreeSet::new();
        for finding in case.findings() {
            let key = (finding.rule.clone(), finding.objects.clone());
            assert!(seen.insert(key), "{}: twice: {finding:?}", case.name);
        }
    }
}
