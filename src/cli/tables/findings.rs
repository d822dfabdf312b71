//! How do the findings of rules look?

use comfy_table::Cell;

use super::{clock_time, table, word};
use crate::advice::{Advice, FindingChanges, RuleFinding, Waived};
use crate::cli::check::Located;

/// Findings of a file, each with its line, as compilers write them: editors and `grep` know the form.
/// What is waived stands apart.
pub fn located(name: &str, located: &[Located], waived: &[Waived]) -> String {
    let place = |line: Option<usize>| line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
    let texts: Vec<String> =
        located.iter().map(|located| format!("{}: {}", place(located.line), finding(&located.finding))).collect();
    let texts = if texts.is_empty() { format!("{name}: nothing to say against it.") } else { texts.join("\n") };
    [texts].into_iter().chain(waived_table(waived)).collect::<Vec<_>>().join("\n\n")
}

/// What somebody has taken upon himself, if anything.
fn waived_table(waived: &[Waived]) -> Option<String> {
    let mut rows = table(&["WAIVED", "OBJECTS", "BY", "UNTIL", "REASON"]);
    for Waived { finding, waiver } in waived {
        rows.add_row([
            Cell::new(&finding.rule),
            Cell::new(finding.objects.join(", ")),
            Cell::new(&waiver.actor),
            Cell::new(clock_time(waiver.expires)),
            Cell::new(&waiver.reason),
        ]);
    }
    (!waived.is_empty()).then(|| rows.trim_fmt())
}

/// All that the rules say of a cluster.
pub fn advice(advice: &Advice) -> String {
    let mut parts = Vec::new();
    match advice.findings.as_slice() {
        [] => parts.push("Nothing to say against it.".to_owned()),
        findings => parts.push(lines("", findings)),
    }
    parts.extend(waived_table(&advice.waived));
    if !advice.hosts.is_empty() {
        let mut rows = table(&["HOST", "CLUSTERED", "VERDICT", "REASONS"]);
        for host in &advice.hosts {
            rows.add_row([
                Cell::new(&host.host),
                Cell::new(if host.clustered { "yes" } else { "no" }),
                Cell::new(word(&host.verdict)),
                Cell::new(host.reasons.join("\n")),
            ]);
        }
        parts.push(rows.trim_fmt());
    }
    parts.join("\n\n")
}

/// What a change does to the findings; empty if nothing.
pub fn changes(changes: &FindingChanges) -> String {
    let texts = [lines("new: ", &changes.breaks), lines("mended: ", &changes.mends)];
    let said: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    said.join("\n")
}

fn lines(head: &str, findings: &[RuleFinding]) -> String {
    let texts: Vec<String> = findings.iter().map(|found| format!("{head}{}", finding(found))).collect();
    texts.join("\n")
}

/// "error R30 hosts/Ftp: what is wrong", and below it how to mend it.
fn finding(finding: &RuleFinding) -> String {
    let RuleFinding { rule, severity, objects, message, fix, source } = finding;
    let objects = objects.join(", ");
    let source = if source.is_empty() { String::new() } else { format!(" [{source}]") };
    let fix = if fix.is_empty() { String::new() } else { format!("\n    {fix}") };
    format!("{} {rule} {objects}: {message}{source}{fix}", word(severity))
}
