//! Which names does a document give, and what is said of a reference to none of them, or of a second use?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::shape::distance;
use super::{list, name};
use crate::domain::Finding;

/// More names than these are not listed in a sentence.
const LISTED: usize = 8;

/// The names of the things of one kind.
pub(super) struct Names<'a> {
    what: &'static str,
    /// None if the list can't be read: then nothing is said about references.
    known: Option<BTreeSet<&'a str>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(document: &'a Value, field: &str, what: &'static str) -> Self {
        let readable = document.get(field).is_none_or(Value::is_array);
        Self { what, known: readable.then(|| list(document, field).iter().filter_map(name).collect()) }
    }

    pub(super) const fn all(&self) -> Option<&BTreeSet<&'a str>> {
        self.known.as_ref()
    }

    /// Also what can't be known.
    pub(super) fn has(&self, name: &str) -> bool {
        self.known.as_ref().is_none_or(|known| known.contains(name))
    }

    /// A finding if `name` refers to nothing.
    pub(super) fn refer(&self, name: &str, at: String, findings: &mut Vec<Finding>) {
        let Some(known) = self.known.as_ref().filter(|known| !known.contains(name)) else { return };
        findings.push(Finding::new(at, "dangling_reference", dangling(self.what, name, known, "the document")));
    }

    /// A list of names: each is known, and none is there twice.
    pub(super) fn refer_all(&self, object: &Value, field: &str, at: &str, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        for (i, name) in list(object, field).iter().enumerate().filter_map(|(i, name)| Some((i, name.as_str()?))) {
            let pointer = format!("{at}/{field}/{i}");
            if !self.has(name) {
                self.refer(name, pointer, findings);
            } else if !seen.insert(name) {
                findings.push(Finding::new(pointer, "duplicate_name", twice(name)));
            }
        }
    }
}

pub(super) fn twice(name: &str) -> String {
    format!("{name:?} is twice in this list; remove one")
}

/// There is no such thing: what there is instead.
pub(super) fn dangling(what: &str, name: &str, known: &BTreeSet<&str>, place: &str) -> String {
    let nearest = known.iter().map(|other| (distance(name, other), *other)).min();
    let kind = if what == "common dependency" { "common dependencies".to_owned() } else { format!("{what}s") };
    match nearest {
        None => format!("there is no {what} {name:?}; {place} has no {kind}"),
        Some((steps, near)) if known.len() > LISTED => match steps <= 2 {
            true => format!("there is no {what} {name:?} among the {} of {place}; did you mean {near:?}?", known.len()),
            false => format!("there is no {what} {name:?} among the {} of {place}", known.len()),
        },
        Some(_) => {
            let known = known.iter().copied().collect::<Vec<_>>().join(", ");
            format!("there is no {what} {name:?}; the {kind} are {known}")
        }
    }
}

/// Names that are taken, to refuse the second use.
pub(super) struct Seen {
    what: &'static str,
    place: &'static str,
    first: BTreeMap<String, String>,
}

impl Seen {
    pub(super) const fn new(what: &'static str, place: &'static str) -> Self {
        Self { what, place, first: BTreeMap::new() }
    }

    pub(super) fn name(&mut self, object: &Value, at: &str, findings: &mut Vec<Finding>) {
        let Some(name) = name(object) else { return };
        let pointer = format!("{at}/name");
        if let Some(first) = self.first.get(name) {
            let detail =
                format!("{} has already a {} {name:?}, at {first}; choose another name", self.place, self.what);
            findings.push(Finding::new(pointer, "duplicate_name", detail));
        } else {
            self.first.insert(name.to_owned(), pointer);
        }
    }
}
