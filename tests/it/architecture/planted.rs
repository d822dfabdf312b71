//! Does the check find what breaks a rule, and only that? Sources with planted breaches.

use super::{MOST_LINES, breaches};

/// The lines found wrong in `body`, which starts at line 2 of `file`.
fn lines(file: &str, body: &str) -> Vec<usize> {
    breaches(file, &format!("//! What?\n{body}\n")).iter().map(|breach| breach.line).collect()
}

#[test]
fn a_nested_use_tree_is_followed_to_every_leaf() {
    let body = "use crate::{\n    domain::{name::{Name, *}, node},\n    store::{self as kept, Change},\n    api,\n};";
    assert_eq!(lines("planner/place.rs", body), [4, 4, 5]);
    assert_eq!(lines("planner/place.rs", "pub(crate) use crate::lease as l;\nuse crate::domain::Name;"), [2]);
}

#[test]
fn an_inline_path_counts_wherever_it_stands() {
    let body =
        "#[derive(Debug)]\nstruct A(Vec<crate::store::Kept>);\nfn a() { b(&crate::domain::c(), crate::api::d!()) }";
    assert_eq!(lines("lease/holder.rs", body), [3, 4]);
    assert_eq!(lines("domain/name.rs", "#[tokio::test]\nasync fn a() { ::sqlx::query(\"\"); }"), [2, 3]);
}

#[test]
fn what_is_only_mentioned_does_not_count() {
    let body = r####"// use crate::store;
/* use crate::api; /* nested */ crate::store::x */
/// See [`crate::agent`], or tokio::spawn.
const A: &str = "use crate::store; \" crate::api::x";
const B: &str = r##"crate::store::x "# tokio::spawn"##;
const C: [char; 3] = ['"', '\'', '\u{22}'];
pub(crate) fn f<'a>(x: &'a str) -> impl Fn() + use<'a> { crated::store::x(x) }"####;
    assert_eq!(lines("planner/place.rs", body), [0; 0]);
}

#[test]
fn a_breach_behind_strings_characters_and_lifetimes_is_found_on_its_line() {
    let body = "const A: &str = \"a\\\"\n\";\nconst B: char = '\"';\nfn f<'a>(b: &'a u8) { crate::store::x() }";
    assert_eq!(lines("planner/place.rs", body), [5]);
}

#[test]
fn a_way_out_through_super_counts() {
    assert_eq!(lines("planner/place.rs", "use super::super::store::Change;\nuse super::words;"), [2]);
    assert_eq!(lines("planner/mod.rs", "use super::store::Change;\nuse self::words::x;"), [2]);
    assert_eq!(lines("planner/mod.rs", "mod tests {\n    use super::store;\n    use super::super::store;\n}"), [4]);
    assert_eq!(lines("planner/mod.rs", "mod tests { fn a() {} }\nuse super::store;"), [3]);
}

#[test]
fn the_crate_as_a_whole_and_a_module_without_a_rule_are_refused() {
    assert_eq!(lines("api/mod.rs", "use crate::*;\nuse crate as all;"), [2, 3]);
    assert_eq!(lines("novelty/mod.rs", "use crate::domain::Name;"), [2]);
}

#[test]
fn an_entry_with_a_part_opens_only_that_part() {
    assert_eq!(lines("client/agent.rs", "use crate::api::views::ClusterView;\nuse crate::api::router;"), [3]);
}

#[test]
fn client_commands_know_less_than_those_that_put_the_parts_together() {
    let body = "use crate::client::control_plane;\nuse crate::store::Store;\nuse crate::agent::run;";
    assert_eq!(lines("cli/status.rs", body), [3, 4]);
    for file in ["cli/server.rs", "cli/demo/story.rs", "cli/openapi.rs", "server.rs", "main.rs"] {
        assert_eq!(lines(file, body), [0; 0], "{file}");
    }
}

#[test]
fn crates_are_seen_only_in_their_homes() {
    let body = "use reqwest::Client;\nuse sqlx as q;\nuse nix::{sys, unistd};\nuse axum::Router;\nuse tokio::net;";
    assert_eq!(lines("client/agent.rs", body), [3, 4, 4]);
    assert_eq!(lines("store/sql/open.rs", body), [2, 4, 4, 5]);
    assert_eq!(lines("cli/demo/processes.rs", body), [2, 3]);
    assert_eq!(lines("reconciler/node.rs", body), [2, 3, 4, 4, 5]);
    assert_eq!(lines("lease/holder.rs", body), [2, 3, 4, 4, 5, 6]);
}

#[test]
fn a_file_too_long_or_without_its_question_is_found() {
    assert_eq!(breaches("api/mod.rs", "// What?\n")[0].line, 1);
    assert_eq!(lines("api/mod.rs", &"\n".repeat(MOST_LINES - 2)), [0; 0]);
    assert_eq!(lines("api/mod.rs", &"\n".repeat(MOST_LINES - 1)), [MOST_LINES + 1]);
}
