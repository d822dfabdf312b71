//! Do the tables of `docs/safety.md` say what the checker finds?

use std::path::Path;

use super::mutants::MUTANTS;
use super::rules::Rules;
use super::search::search;

/// A row for each mutant: what is broken, what it does instead, where that leads, and how.
pub fn of_mutants() -> String {
    let mut rows = vec![
        "| rule | broken, it ... | then not: | shortest sequence |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    for mutant in MUTANTS {
        let found = search(&mutant.world, Rules::but(mutant.broken), 1);
        let rules: Vec<String> = mutant.broken.iter().map(|rule| format!("`{rule:?}`")).collect();
        println!("{}: {found}", rules.join(" and "));
        let violation = found.violation.unwrap_or_else(|| panic!("broken, and nobody notices: {}", rules.join(", ")));
        let sequence = violation.actions().join(" · ");
        rows.push(format!("| {} | {} | {} | {sequence} |", rules.join(" and "), mutant.what, violation.property));
    }
    rows.join("\n")
}

/// Compares what stands between the marks of `name` with `expected`.
pub fn check(name: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/safety.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("\n<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("docs/safety.md has no mark {begin}"));
    let (present, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/safety.md has no mark {end}"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, format!("{before}{begin}{expected}{end}{after}")).unwrap();
    } else {
        assert_eq!(present, expected, "docs/safety.md is behind; UPDATE=1 writes the table of {name} anew");
    }
}
