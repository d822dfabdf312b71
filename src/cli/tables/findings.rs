//! How do the findings of rules look?

use crate::advice::RuleFinding;
use crate::cli::check::Located;

use super::word;

/// Findings of a file, each with its line, as compilers write them: editors and `grep` know the form.
pub fn located(name: &str, located: &[Located]) -> String {
    if located.is_empty() {
        return format!("{name}: nothing to say against it.");
    }
    let place = |line: Option<usize>| line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
    let texts: Vec<String> =
        located.iter().map(|located| format!("{}: {}", place(located.line), finding(&located.finding))).collect();
    texts.join("\n")
}

/// Findings of a cluster.
pub fn plain(findings: &[RuleFinding]) -> String {
    let texts: Vec<String> = findings.iter().map(finding).collect();
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
