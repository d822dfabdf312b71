//! Are mistakes of documents given to the rules that they break, and are changes compared by what they bring and mend?

use locum::advice::{RuleFinding, Severity, compare, of_document};
use locum::domain::Finding;

#[test]
fn a_mistake_has_the_rule_that_it_breaks_or_else_its_code() {
    let table = [
        ("/hosts/0/instances/1/node", "dangling_reference", "there is no node \"c\"", "R03"),
        ("/hosts/0/clustered_in", "dangling_reference", "there is no group \"g\"", "dangling_reference"),
        ("/handlers/0/host", "dangling_reference", "there is no host \"h\"", "R15"),
        ("/hosts/0/instances/1", "duplicate_instance", "the host has an instance on \"a\" already", "R12"),
        ("/hosts/0/name", "bad_name", "a name has at most 63 characters, this one has 70", "R14"),
        ("/hosts/0/name", "bad_name", "a name must not be empty", "bad_name"),
        ("/groups/0/preferred_owners/0", "impossible_owner", "\"a\" has no instance of the host \"h\"", "R04"),
        (
            "/groups/0/preferred_owners/0",
            "impossible_owner",
            "\"a\" is preferred, but no possible owner",
            "impossible_owner",
        ),
        ("/settings/heartbeat", "timer_inequality", "three heartbeats must fit", "T1"),
        ("/groups/0/resources/0/restart/retry_after", "timer_inequality", "retry_after must not be less", "T5"),
        ("", "wrong_type", "this must be an object", "wrong_type"),
    ];
    for (pointer, code, detail, rule) in table {
        let found = of_document(&[Finding::new(pointer, code, detail)]);
        let [finding] = found.as_slice() else { panic!("{pointer}: {found:?}") };
        assert_eq!((finding.rule.as_str(), finding.severity), (rule, Severity::Error), "{pointer} {code}");
        assert_eq!(finding.message, detail);
        assert_eq!(finding.objects, [pointer]);
    }
}

#[test]
fn what_is_worded_differently_is_the_same_finding() {
    let finding = |rule: &str, object: &str, message: &str| RuleFinding {
        rule: rule.to_owned(),
        severity: Severity::Warning,
        objects: vec![object.to_owned()],
        message: message.to_owned(),
        fix: String::new(),
        source: String::new(),
    };
    let before = [finding("R30", "hosts/A", "on a"), finding("R30", "hosts/B", "on b"), finding("R18", "hosts/C", "")];
    let after =
        [finding("R30", "hosts/A", "on a and b"), finding("R31", "hosts/B", "on b"), finding("R18", "hosts/C", "")];
    let changes = compare(&before, &after);
    assert_eq!(changes.breaks, [finding("R31", "hosts/B", "on b")]);
    assert_eq!(changes.mends, [finding("R30", "hosts/B", "on b")]);
}
