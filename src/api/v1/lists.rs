//! Which objects of a list does a caller ask for, in which order, and after which one?
//!
//! A cursor names the object after which to go on, and no number of objects to skip: whoever is there all the time comes
//! exactly once, whatever comes and goes meanwhile.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;
use utoipa::ToSchema;

use super::cursors::Seal;
use super::limit;
use crate::api::fields::Fields;
use crate::api::problem::ApiError;
use crate::api::views::Page;
use crate::domain::{Finding, Generation};

/// What a caller asks of a list.
#[derive(Debug)]
pub struct Asked {
    limit: u32,
    order: Order,
    /// What the objects must have: a field, and its value or one of its values.
    wanted: Vec<(&'static str, Value)>,
    name: Option<NamePattern>,
    pub fields: Fields,
    seal: Seal,
    pub after: Option<Mark>,
}

/// The texts of a query that all lists take.
#[derive(Debug, Default)]
pub struct Words<'a> {
    pub name: Option<&'a str>,
    pub sort: Option<&'a str>,
    pub fields: Option<&'a str>,
    pub limit: Option<u32>,
    pub cursor: Option<&'a str>,
}

impl Asked {
    /// Reads what is asked of the list of `T` at `path`, whose objects are told apart by `key`.
    pub fn of<T: ToSchema>(
        path: &str,
        key: &'static str,
        default: Order,
        wanted: Vec<(&'static str, Value)>,
        words: &Words<'_>,
    ) -> Result<Self, ApiError> {
        let order = words.sort.map_or(Ok(default), |sort| Order::of(sort, key, default))?;
        let name = words.name.map(|name| NamePattern::of(key, name)).transpose()?;
        let seal = Seal::of(path, (words.name, order, &wanted));
        let (after, fields) = (seal.place(words.cursor)?, Fields::of::<T>(words.fields)?);
        Ok(Self { limit: limit(words.limit), order, wanted, name, fields, seal, after })
    }

    /// Whether the order is that of the document, in which only an object that is there says where it stands.
    pub fn is_by_document(&self) -> bool {
        self.order.by == By::Document
    }

    /// Puts all objects of the list into the order that is asked for.
    pub fn sort(&self, entries: &mut [Entry<'_>]) {
        if self.order.by != By::Document {
            entries.sort_by(|a, b| self.order.compare(a.place(), b.place()));
        }
    }

    /// Leaves what comes after a place. In the order of the document, that is the one of the first page, in which `first` stood:
    /// whoever came since comes after all others, by name.
    pub fn go_on(&self, mark: &Mark, first: &[&str], sorted: &mut Vec<Entry<'_>>) {
        let begin = if self.is_by_document() {
            let stood: BTreeMap<&str, usize> = first.iter().enumerate().map(|(index, name)| (*name, index)).collect();
            let place = |name: &str| stood.get(name).copied().unwrap_or(usize::MAX);
            sorted.sort_by(|a, b| (place(a.name), a.name).cmp(&(place(b.name), b.name)));
            let after = (place(&mark.name), mark.name.as_str());
            sorted.partition_point(|entry| (place(entry.name), entry.name) <= after)
        } else {
            let after = (mark.generation, mark.name.as_str());
            sorted.partition_point(|entry| self.order.compare(entry.place(), after) != Ordering::Greater)
        };
        drop(sorted.drain(..begin));
    }

    /// The page of the first of these objects, as `view` shows them. `whole` is the generation of the document.
    pub fn page(&self, sorted: &[Entry<'_>], whole: Generation, view: impl Fn(&Entry<'_>) -> Value) -> Page<Value> {
        let taken = sorted.iter().filter(|entry| self.takes(entry)).take(self.limit as usize + 1);
        let (entries, items): (Vec<&Entry<'_>>, Vec<Value>) = taken.map(|entry| (entry, view(entry))).unzip();
        let last = (self.limit as usize).checked_sub(1).and_then(|last| entries.get(last));
        Page::of(items, self.limit, |_| last.map(|last| self.cursor(last, whole)).unwrap_or_default())
    }

    fn takes(&self, entry: &Entry<'_>) -> bool {
        let has = |(field, wanted): &(&str, Value)| match entry.value.get(*field) {
            Some(Value::Array(values)) => values.contains(wanted),
            value => value == Some(wanted),
        };
        self.name.as_ref().is_none_or(|name| name.takes(entry.name)) && self.wanted.iter().all(has)
    }

    fn cursor(&self, last: &Entry<'_>, whole: Generation) -> String {
        let first = self.after.as_ref().map_or(whole, |mark| mark.generation);
        let generation = if self.is_by_document() { first } else { last.generation };
        self.seal.cursor(format_args!("{generation}.{}", last.name))
    }
}

/// An object of a list.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub generation: Generation,
    pub value: &'a Value,
}

impl<'a> Entry<'a> {
    fn place(&self) -> (Generation, &'a str) {
        (self.generation, self.name)
    }
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Document,
    Name,
    Generation,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    by: By,
    descending: bool,
    /// Parts of an object have no generation of their own.
    generations: bool,
}

impl Order {
    /// That of the document. `generations`: whether the objects have some of their own.
    pub const fn document(generations: bool) -> Self {
        Self { by: By::Document, descending: false, generations }
    }

    pub const fn by_name() -> Self {
        Self { by: By::Name, descending: false, generations: true }
    }

    fn of(sort: &str, key: &str, default: Self) -> Result<Self, ApiError> {
        let (descending, word) = sort.strip_prefix('-').map_or((false, sort), |word| (true, word));
        let by = match word {
            word if word == key => By::Name,
            "generation" if default.generations => By::Generation,
            _ => {
                let more = if default.generations { ", generation, -generation" } else { "" };
                let detail = format!("sort: this list can't be sorted by {sort:?}; it can by {key}, -{key}{more}");
                return Err(ApiError::invalid(vec![Finding::new("", "unknown_value", detail)]));
            }
        };
        Ok(Self { by, descending, ..default })
    }

    fn compare(&self, a: (Generation, &str), b: (Generation, &str)) -> Ordering {
        let ascending = match self.by {
            By::Generation => a.cmp(&b),
            By::Document | By::Name => a.1.cmp(b.1),
        };
        if self.descending { ascending.reverse() } else { ascending }
    }
}

/// A name, or with `*` behind it all that begin so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamePattern {
    text: String,
    is_prefix: bool,
}

impl NamePattern {
    fn of(key: &str, asked: &str) -> Result<Self, ApiError> {
        let (text, is_prefix) = asked.strip_suffix('*').map_or((asked, false), |text| (text, true));
        let is_letter = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
        if text.is_empty() || !text.chars().all(is_letter) {
            let detail = format!("{key}: {asked:?} is no name, and none with * behind it for all that begin so");
            return Err(ApiError::invalid(vec![Finding::new("", "bad_name", detail)]));
        }
        Ok(Self { text: text.to_owned(), is_prefix })
    }

    fn takes(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(&self.text) } else { name == self.text }
    }
}

/// A place in a list: after which object it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// That of the object or, in the order of the document, that of the document of the first page.
    pub generation: Generation,
    pub name: String,
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (generation, name) = text.split_once('.').filter(|(_, name)| !name.is_empty()).ok_or(())?;
        Ok(Self { generation: Generation(generation.parse().map_err(|_| ())?), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests;
