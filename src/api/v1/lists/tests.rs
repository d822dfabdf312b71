//! Do pages of a list give every object once, in each order, while the list changes?

use serde_json::{Value, json};

use super::*;
use crate::api::views::NodeView;

const SORTS: [Option<&str>; 5] = [None, Some("name"), Some("-name"), Some("generation"), Some("-generation")];

fn asked(words: &Words<'_>) -> Result<Asked, ApiError> {
    Asked::of::<NodeView>("c/nodes", "name", Order::document(true), Vec::new(), words)
}

/// A page of objects with generations, of a list whose first page was made of `first`.
fn page_since(first: &[&str], objects: &[(&str, u64)], words: &Words<'_>) -> Page<Value> {
    let values: Vec<Value> = objects.iter().map(|(name, _)| json!({ "name": name })).collect();
    let entry = |((name, generation), value): ((_, u64), _)| Entry { name, generation: Generation(generation), value };
    let asked = asked(words).unwrap();
    let mut entries: Vec<Entry<'_>> = objects.iter().copied().zip(&values).map(entry).collect();
    asked.sort(&mut entries);
    if let Some(mark) = &asked.after {
        asked.go_on(mark, first, &mut entries);
    }
    asked.page(&entries, Generation(9), |entry| entry.value.clone())
}

fn page(objects: &[(&str, u64)], words: &Words<'_>) -> Page<Value> {
    let names: Vec<&str> = objects.iter().map(|(name, _)| *name).collect();
    page_since(&names, objects, words)
}

fn names(page: &Page<Value>) -> Vec<&str> {
    page.items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn pages_end_to_end_are_the_whole_list_in_its_order() {
    let objects = [("c", 1), ("a", 3), ("d", 3), ("b", 2), ("e", 1)];
    let whole = ["cadbe", "abcde", "edcba", "cebad", "dabec"];
    for (sort, whole) in SORTS.into_iter().zip(whole) {
        for limit in 1..=6 {
            let (mut seen, mut cursor) = (String::new(), None::<String>);
            loop {
                let words = Words { sort, limit: Some(limit), cursor: cursor.as_deref(), ..Words::default() };
                let page = page(&objects, &words);
                names(&page).into_iter().for_each(|name| seen.push_str(name));
                let Some(next) = page.next_cursor else { break };
                assert!(!page.items.is_empty());
                cursor = Some(next);
            }
            assert_eq!(seen, whole, "{sort:?} by {limit}");
        }
    }
}

#[test]
fn what_comes_and_goes_between_pages_moves_nobody_else() {
    let words = |cursor| Words { sort: Some("name"), limit: Some(2), cursor, ..Words::default() };
    let first = page(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)], &words(None));
    // What was the last one of the page is gone, and others came before it and after it.
    let second = page(&[("a", 1), ("aa", 2), ("bb", 2), ("c", 1), ("d", 1)], &words(first.next_cursor.as_deref()));
    assert_eq!((names(&first), names(&second)), (vec!["a", "b"], vec!["bb", "c"]));
}

#[test]
fn in_the_order_of_the_document_moves_show_nobody_twice() {
    let first = ["a", "b", "c", "d", "e"];
    let mut cursor = page(&first.map(|name| (name, 1)), &Words { limit: Some(2), ..Words::default() }).next_cursor;
    // One that was shown goes, the other is the last now, one that was not shown comes first, and others are new.
    let objects = [("x", 2), ("d", 1), ("c", 1), ("e", 1), ("n", 2), ("b", 1)];
    let mut seen = Vec::new();
    while let Some(after) = cursor {
        let words = Words { limit: Some(1), cursor: Some(&after), ..Words::default() };
        let page = page_since(&first, &objects, &words);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        cursor = page.next_cursor;
    }
    assert_eq!(seen, ["c", "d", "e", "n", "x"]);
}

#[test]
fn what_was_made_for_another_call_is_refused() {
    let cursor = page(&[("a", 1), ("b", 1)], &Words { limit: Some(1), ..Words::default() }).next_cursor;
    let of = |sort, name, cursor| Words { sort, name, cursor, ..Words::default() };
    assert!(asked(&of(None, None, cursor.as_deref())).is_ok());
    for (words, code) in [
        (of(Some("name"), None, cursor.as_deref()), "bad_cursor"),
        (of(None, Some("a*"), cursor.as_deref()), "bad_cursor"),
        (of(None, None, Some("17")), "bad_cursor"),
        (of(Some("colour"), None, None), "unknown_value"),
        (of(None, Some("a b"), None), "bad_name"),
        (of(None, Some("*"), None), "bad_name"),
    ] {
        assert_eq!(asked(&words).unwrap_err().findings()[0].code, code, "{words:?}");
    }
    let parts = Order::document(false);
    let sorted = |sort| Order::of(sort, "node", parts).map(drop).map_err(|error| error.findings()[0].detail.clone());
    assert_eq!(sorted("-node"), Ok(()));
    assert!(sorted("generation").unwrap_err().ends_with("it can by node, -node"));
}

#[test]
fn a_name_is_exact_or_a_beginning() {
    let takes = |asked: &str, name| NamePattern::of("name", asked).unwrap().takes(name);
    assert!(takes("bts1", "bts1") && !takes("bts1", "bts11"));
    assert!(takes("bts1*", "bts11") && takes("bts1*", "bts1") && !takes("bts1*", "bts2"));
}
